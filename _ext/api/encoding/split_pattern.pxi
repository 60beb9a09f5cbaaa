"""Split patterns, from what `bpecore._pattern` compiles."""

from cpython.bytes cimport PyBytes_AS_STRING
from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcmp, memcpy

from engine.simd.vectors cimport ASCII_KINDS, MIXED_KINDS
from engine.split.starts cimport ascii_source
from engine.split.coverage cimport find_coverage
from engine.base.heap cimport allocate, allocate_zeroed, release
from engine.split.guided cimport free_guide
from engine.split.sure_borders cimport PAIR_WORDS, find_sure_pairs
from engine.base.types cimport STATUS_OK


cdef uint32_t bits_for(uint32_t count):
    """Returns how many bits tell `count` values apart, at least 1."""
    cdef uint32_t bits = 1
    while 1 << bits < count:
        bits += 1
    return bits


cdef class SplitPattern:
    """A compiled split pattern; immutable, shared by any number of threads.

    Args:
        automaton: the result of `bpecore._pattern.compile_pattern`, or a tuple like it.
        rules: those of its member of the family, see `bpecore._pattern.families`; 0 for none.
        class_kinds: the kind of each of the automaton's classes, if there are rules.
        guided: a `bpecore._pattern.guided.GuidedAutomaton` over the same classes that splits whole
            texts; without it, the automaton does. The automaton may then have no transitions.

    Raises:
        ValueError: the tables do not fit together.
        MemoryError: they do not fit into memory.
    """

    def __cinit__(self, automaton not None, int rules=0, bytes class_kinds=b"", guided=None):
        cdef uint32_t class_count, state_count
        cdef uint32_t state, column, entry
        cdef bytes transitions, block_index, block_classes
        class_count, state_count, block_index, block_classes, transitions = automaton
        cdef uint16_t *source = <uint16_t *>PyBytes_AS_STRING(transitions)
        # A transition has 15 bits for a state; so no size below overflows.
        if (class_count > 255 or state_count > 1 << 15
                or len(transitions) != 2 * state_count * (class_count + 1)
                or len(block_index) != 2 * (0x110000 >> 7) or state_count < 2):
            raise ValueError("the tables of the automaton have the wrong sizes")
        self.tables.row_bits = bits_for(class_count + 1)
        self.tables.end_class = class_count
        self.tables.transitions = <uint32_t *>allocate_zeroed(
            <size_t>state_count << self.tables.row_bits, sizeof(uint32_t))
        self.tables.block_index = <uint16_t *>allocate(len(block_index), 1)
        self.tables.block_classes = <uint8_t *>allocate(len(block_classes), 1)
        if (self.tables.transitions == NULL or self.tables.block_index == NULL
                or self.tables.block_classes == NULL):
            raise MemoryError("no memory for a split pattern")
        for state in range(state_count):
            for column in range(class_count + 1):
                entry = source[state * (class_count + 1) + column]
                if entry >> 1 >= state_count:
                    raise ValueError(f"the automaton has no state {entry >> 1}")
                self.tables.transitions[(state << self.tables.row_bits) | column] = (
                    (entry >> 1) << self.tables.row_bits | (entry & 1))
        memcpy(self.tables.block_index, PyBytes_AS_STRING(block_index), len(block_index))
        memcpy(self.tables.block_classes, PyBytes_AS_STRING(block_classes), len(block_classes))
        if max(block_classes) >= class_count or len(block_classes) % 128:
            raise ValueError("the automaton names a class that it does not have")
        for column in range(0x110000 >> 7):
            if self.tables.block_index[column] >= len(block_classes) // 128:
                raise ValueError("the automaton names a block that it does not have")
        memcpy(self.tables.ascii_classes,
               self.tables.block_classes + (<size_t>self.tables.block_index[0] << 7), 128)
        self.state_count = state_count
        self.reads_chunks = transitions.count(0) < len(transitions)
        if guided is not None:
            self._set_guide(guided)
        if not self.reads_chunks:
            # No place is certain to be a border.
            self.tables.sure_borders = <uint64_t *>allocate_zeroed(
                <size_t>class_count * PAIR_WORDS, sizeof(uint64_t))
            self.tables.joined = <uint64_t *>allocate_zeroed(
                <size_t>class_count * PAIR_WORDS, sizeof(uint64_t))
            if self.tables.sure_borders == NULL or self.tables.joined == NULL:
                raise MemoryError("no memory for a split pattern")
        elif (find_sure_pairs(&self.tables, state_count) != STATUS_OK
              or find_coverage(&self.tables, state_count, &self.covers_all) != STATUS_OK):
            raise MemoryError("no memory for a split pattern")
        if rules:
            self._set_rules(rules, block_classes, class_kinds)

    cdef int _set_rules(self, int rules, bytes block_classes, bytes class_kinds) except -1:
        cdef const uint8_t *page
        cdef size_t i
        if len(class_kinds) != self.tables.end_class:
            raise ValueError("each class of the automaton needs a kind")
        self.tables.block_kinds = <uint8_t *>allocate(len(block_classes), 1)
        self.tables.low_kinds = <uint8_t *>allocate(0x10000, 1)
        if self.tables.block_kinds == NULL or self.tables.low_kinds == NULL:
            raise MemoryError("no memory for a split pattern")
        for i in range(<size_t>len(block_classes)):
            self.tables.block_kinds[i] = class_kinds[self.tables.block_classes[i]]
        # No other block has the classes of ASCII, which has line ends and a space.
        memcpy(self.tables.block_kinds + (<size_t>self.tables.block_index[0] << 7),
               ASCII_KINDS[ascii_source(rules)], 128)
        for i in range(0x10000):
            self.tables.low_kinds[i] = self.tables.block_kinds[
                (<size_t>self.tables.block_index[i >> 7] << 7) | (i & 127)]
        for i in range(512):
            page = self.tables.low_kinds + 128 * i
            self.tables.page_kinds[i] = (
                page[0] if memcmp(page, page + 1, 127) == 0 else <uint8_t>MIXED_KINDS)
        self.tables.rules = rules
        return 0

    cdef int _set_guide(self, guided) except -1:
        cdef bytes history = guided.history, symbols = guided.symbols
        cdef bytes backward = guided.backward, actions = guided.actions
        cdef uint32_t classes = self.tables.end_class, symbol_count = guided.symbol_count
        cdef uint32_t position_count = guided.position_count, rows, states, row, column, entry
        cdef const uint16_t *source
        cdef Guide *guide = &self.guide
        if not 0 < symbol_count < 256 or not 3 <= position_count < 1 << 16:
            raise ValueError("the tables of the guided automaton have the wrong sizes")
        rows = <uint32_t>(len(symbols) // (classes + 1))
        states = <uint32_t>(len(backward) // 2 // symbol_count)
        if (not 0 < rows <= 1 << 14 or not 2 <= states <= 1 << 16
                or len(symbols) != rows * (classes + 1) or len(history) != 2 * rows * classes
                or len(backward) != 2 * states * symbol_count
                or len(actions) != 2 * <size_t>states * position_count):
            raise ValueError("the tables of the guided automaton have the wrong sizes")
        guide.classes = &self.tables
        guide.continuation = symbol_count
        guide.symbol_bits = bits_for(symbol_count + 1)
        guide.position_bits = bits_for(position_count)
        guide.history = <uint32_t *>allocate_zeroed(
            <size_t>rows << self.tables.row_bits, sizeof(uint32_t))
        guide.backward = <uint16_t *>allocate_zeroed(
            <size_t>states << guide.symbol_bits, sizeof(uint16_t))
        guide.actions = <uint16_t *>allocate_zeroed(
            <size_t>states << guide.position_bits, sizeof(uint16_t))
        if guide.history == NULL or guide.backward == NULL or guide.actions == NULL:
            raise MemoryError("no memory for a split pattern")
        source = <const uint16_t *>PyBytes_AS_STRING(history)
        for row in range(rows):
            for column in range(classes + 1):
                entry = source[row * classes + column] if column < classes else 0
                if entry >= rows or <uint8_t>symbols[row * (classes + 1) + column] >= symbol_count:
                    raise ValueError("the guided automaton names a state that it does not have")
                guide.history[(row << self.tables.row_bits) | column] = (
                    (entry << self.tables.row_bits) << 8
                    | <uint8_t>symbols[row * (classes + 1) + column])
        source = <const uint16_t *>PyBytes_AS_STRING(backward)
        for row in range(states):
            guide.backward[(row << guide.symbol_bits) | symbol_count] = <uint16_t>row
            for column in range(symbol_count):
                entry = source[row * symbol_count + column]
                if entry >= states:
                    raise ValueError("the guided automaton names a state that it does not have")
                guide.backward[(row << guide.symbol_bits) | column] = <uint16_t>entry
        source = <const uint16_t *>PyBytes_AS_STRING(actions)
        for row in range(states):
            for column in range(position_count):
                entry = source[row * position_count + column]
                if entry >= position_count:
                    raise ValueError("the guided automaton names a position that it does not have")
                guide.actions[(row << guide.position_bits) | column] = <uint16_t>entry
        return 0

    def __dealloc__(self):
        free_guide(&self.guide)
        release(self.tables.transitions)
        release(self.tables.block_index)
        release(self.tables.block_classes)
        release(self.tables.block_kinds)
        release(self.tables.low_kinds)
        release(self.tables.sure_borders)
        release(self.tables.joined)
