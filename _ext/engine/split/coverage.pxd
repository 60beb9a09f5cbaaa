# Finds out whether the pieces of a split pattern contain every character of every text.
#
# The matches of some patterns leave characters out. If a pattern's never do, n bytes of text take
# at least n / (length of the longest token) tokens, however they are split.
#
# A character is left out if the automaton dies, or the text ends, before anything was accepted. So
# the states that can be reached without acceptance are walked. Time: O(states * classes) per
# pattern.

from libc.stdint cimport uint8_t, uint32_t

from engine.split.automaton cimport AUTOMATON_START, Automaton
from engine.base.heap cimport allocate, allocate_zeroed, release
from engine.base.types cimport STATUS_NO_MEMORY, STATUS_OK


cdef inline int find_coverage(
    const Automaton *automaton, uint32_t state_count, bint *covers_all
) noexcept nogil:
    """Sets whether every character is in some piece."""
    cdef uint8_t *seen = <uint8_t *>allocate_zeroed(state_count, 1)
    cdef uint32_t *waiting = <uint32_t *>allocate(state_count, sizeof(uint32_t))
    cdef const uint32_t *row
    cdef uint32_t count = 1, column, target
    cdef bint begun = False
    if seen == NULL or waiting == NULL:
        release(seen)
        release(waiting)
        return STATUS_NO_MEMORY
    covers_all[0] = True
    waiting[0] = AUTOMATON_START
    while count:
        count -= 1
        row = automaton.transitions + (<size_t>waiting[count] << automaton.row_bits)
        # A piece is only looked for where the text has another character.
        if begun and not row[automaton.end_class] & 1:
            covers_all[0] = False
        begun = True
        for column in range(automaton.end_class):
            target = row[column] >> automaton.row_bits
            if row[column] & 1:
                continue
            if target == 0:
                covers_all[0] = False
            elif not seen[target]:
                seen[target] = 1
                waiting[count] = target
                count += 1
    release(seen)
    release(waiting)
    return STATUS_OK


cdef inline void find_lasting_states(
    const Automaton *automaton, uint32_t state_count, uint8_t *lasting
) noexcept nogil:
    """Finds the states in which all that has been read belongs to the piece, whatever follows.

    These are the states from which the automaton accepts before it dies. Time: O(states * classes)
    for each round in which some are ruled out; there are few.

    Args:
        lasting: receives whether each state is one.
    """
    cdef const uint32_t *row
    cdef uint32_t state, column
    cdef bint changed = True
    for state in range(state_count):
        lasting[state] = state != 0
    while changed:
        changed = False
        for state in range(1, state_count):
            row = automaton.transitions + (<size_t>state << automaton.row_bits)
            if not lasting[state]:
                continue
            lasting[state] = row[automaton.end_class] & 1
            for column in range(automaton.end_class):
                if not row[column] & 1 and not lasting[row[column] >> automaton.row_bits]:
                    lasting[state] = 0
            changed |= not lasting[state]
