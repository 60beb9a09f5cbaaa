# What encoding a text needs: the frozen parts of an encoding, and what belongs to the call.
#
# The next special token is searched for only a little ahead of what is encoded, so that the text
# is still in the processor's caches then.

from libc.stdint cimport uint8_t

from engine.encode.workspace cimport Workspace
from engine.simd.vectors cimport Vectors
from engine.sink.id_buffer cimport IdBuffer
from engine.split.automaton cimport Automaton
from engine.split.guided cimport Guide
from engine.text.special_tokens cimport Occurrence, SpecialTokens, find_special_before
from engine.text.utf8 cimport TextView
from engine.vocab.tables cimport Vocabulary

cdef enum:
    SEARCHED_AHEAD = 1 << 12    # characters that are searched together

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
    size_t first_character                # of what is encoded
    size_t ids_before                     # how many ids the sink had there
    const uint8_t *allowed                # for each special token, whether it counts; NULL: all do
    Occurrence found                      # the next one, if it begins below `searched`
    size_t searched                       # up to there special tokens were searched for


cdef inline size_t segment_end(Call *call, size_t needed) noexcept nogil:
    """Returns where the next special token is, or the text's end.

    Args:
        needed: a special token that begins from there on need not be found.
    """
    cdef Occurrence found
    if call.searched < min(needed, call.found.start):
        needed = min(needed + SEARCHED_AHEAD, call.view.length)
        found = find_special_before(call.engine.special_tokens, &call.engine.vectors, call.view,
                                    call.searched, needed, call.allowed)
        call.searched = needed
        if found.end:
            call.found = found
    return call.found.start
