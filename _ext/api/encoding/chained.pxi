"""Texts that are split several times, one split after the other."""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from libc.stdint cimport uint8_t, UINT32_MAX

from engine.base.errors cimport raise_status
from engine.base.heap cimport allocate, release
from engine.base.interrupt cimport Interrupt, set_interrupt
from engine.base.types cimport STATUS_OK
from engine.encode.chained cimport (
    Chain, ChainMemory, close_chain, encode_chained, open_chain, split_by_chain)
from engine.encode.workspace cimport Workspace, give_back
from engine.sink.int_lists cimport list_of_ids
from engine.split.automaton cimport GROUP_PIECES, ScannedPieces
from engine.split.ranges cimport Behaviour, Split, all_ranges


cdef class SplitChain:
    """Splits that are run one after the other.

    Args:
        splits: the `SplitPattern` of each, and the number of a `Behaviour`.
        before_blanks: how many of the splits are made before a blank is put before each range that
            does not begin with one; -1: none is put there.
    """

    cdef tuple patterns    # keeps what `chain` borrows
    cdef Split *splits     # owned
    cdef Chain chain

    def __cinit__(self, list splits not None, Py_ssize_t before_blanks=-1):
        cdef SplitPattern pattern
        cdef size_t i = 0
        self.splits = <Split *>allocate(len(splits) + 1, sizeof(Split))
        if self.splits == NULL:
            raise MemoryError("no memory for splits")
        for pattern, behaviour in splits:
            self.splits[i].automaton = &pattern.tables
            self.splits[i].guide = &pattern.guide
            self.splits[i].behaviour = <Behaviour><int>behaviour
            i += 1
        self.patterns = tuple([pattern for pattern, _ in splits])
        self.chain.splits = self.splits
        self.chain.count = i
        self.chain.before_blanks = i + 1 if before_blanks < 0 else <size_t>before_blanks

    def __dealloc__(self):
        release(self.splits)

    def encode(self, CoreBPE core not None, bytes text not None) -> list:
        """Encodes valid UTF-8 below 4 GB, or below 1 GB if a pattern looks around.

        Args:
            core: its vocabulary is used, and not its pattern.
            text: the text.
        """
        cdef size_t length = size_to_split(text)
        cdef const uint8_t *data = <const uint8_t *>PyBytes_AS_STRING(text)
        cdef Workspace *workspace
        cdef int status
        if length == 0:
            return []
        workspace = core.take(length)
        try:
            workspace.ids.length = 0
            with nogil:
                status = encode_chained(
                    &core.engine, workspace, &self.chain, data, length, &workspace.ids)
            if status != STATUS_OK:
                raise_status(status, text)
            return list_of_ids(&int_objects, workspace.ids.data, workspace.ids.length)
        finally:
            give_back(&core.vocabulary.pool, workspace)

    def pieces(self, bytes text not None) -> list:
        """Returns the pieces of such a text, with the blanks that are put before them."""
        cdef size_t length = size_to_split(text), i
        cdef const uint8_t *data = <const uint8_t *>PyBytes_AS_STRING(text)
        cdef ChainMemory memory
        cdef ScannedPieces scanned
        cdef Interrupt interrupt
        cdef int status
        if length == 0:
            return []
        set_interrupt(&interrupt, False, NULL)
        open_chain(&memory)
        try:
            status = split_by_chain(&self.chain, &scanned, &interrupt, &data, &length, &memory)
            if status != STATUS_OK:
                raise_status(status, text)
            return [data[all_ranges(&memory.ranges)[i].start:all_ranges(&memory.ranges)[i].stop]
                    for i in range(memory.ranges.count)]
        finally:
            close_chain(&memory)


cdef size_t size_to_split(bytes text) except? 0:
    cdef size_t length = <size_t>PyBytes_GET_SIZE(text)
    if length > UINT32_MAX - GROUP_PIECES:
        raise OverflowError(f"{length} bytes are too many to be split at once")
    return length
