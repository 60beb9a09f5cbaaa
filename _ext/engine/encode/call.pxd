# What encoding a text needs: the frozen parts of an encoding, and what belongs to the call.

from engine.encode.workspace cimport Workspace
from engine.simd.vectors cimport Vectors
from engine.sink.id_buffer cimport IdBuffer
from engine.split.automaton cimport Automaton
from engine.split.guided cimport Guide
from engine.text.special_tokens cimport SpecialTokens
from engine.text.utf8 cimport TextView
from engine.vocab.tables cimport Vocabulary

cdef struct Engine:
    const Vocabulary *vocabulary          # borrowed
    const Automaton *automaton            # borrowed
    const Guide *guide                    # borrowed; splits instead, unless NULL
    const SpecialTokens *special_tokens   # borrowed
    Vectors vectors                       # without them, the automaton splits all text

cdef struct Call:
    # What encoding one text reads and writes; all borrowed
    const Engine *engine
    Workspace *workspace
    const TextView *view
    IdBuffer *sink
    bint counting                         # only `sink.length` is kept
    size_t segment_start                  # of the text between two special tokens
    size_t ids_before                     # how many ids the sink had there
