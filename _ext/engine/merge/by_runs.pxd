# Merges a piece of few runs of equal bytes: a rule drawn with dashes, spaces, a table's border.
#
# A list of runs, each of one token any number of times, is merged as a whole. Of all pairs, two
# tokens of one run or the last of a run and the first of the next, the one with the lowest rank is
# next. If it is in a run, the whole run merges two by two, from left to right, and the last token
# is left if their number is odd. This is BPE if every token is later than its parts, bytes aside
# (`ordered`): then merging two of a run makes possible only what is later than merging its others.
#
# Time: O(log n) steps per run. Each looks at all runs, RUNS_MOST at most; where a piece has more,
# or gets more, it is not merged. Space: constant.

from libc.stdint cimport uint8_t, uint32_t

from engine.base.types cimport NO_TOKEN
from engine.vocab.tables cimport Vocabulary, find_merge

cdef enum:
    RUNS_MOST = 64         # runs that are made, those that no longer exist included
    RUN_BYTES = 8          # the least bytes of a run, on average
    RUNS_FROM = 24         # bytes of the shortest piece worth it
    ENDS = 0               # number of a run that is before the first and after the last

cdef struct TokenRun:
    uint32_t token         # its index
    uint32_t inner         # what two of it merge into, or NO_TOKEN
    uint32_t joint         # what the last of it and the first of the next run merge into, likewise
    uint8_t following      # numbers of the neighbours
    uint8_t preceding
    size_t count

cdef struct RunList:
    const Vocabulary *vocabulary   # borrowed
    TokenRun runs[RUNS_MOST]
    uint32_t count                 # runs made so far, and the ends


cdef inline uint32_t add_run(
    RunList *list, uint32_t after, uint32_t token, size_t count
) noexcept nogil:
    """Adds a run after another one; returns its number. Precondition: there is room."""
    cdef uint32_t number = list.count
    cdef TokenRun *run = list.runs + number
    run.token = token
    run.count = count
    run.preceding = <uint8_t>after
    run.following = list.runs[after].following
    list.runs[run.following].preceding = <uint8_t>number
    list.runs[after].following = <uint8_t>number
    list.count += 1
    return number


cdef inline void remove_run(RunList *list, uint32_t number) noexcept nogil:
    cdef const TokenRun *run = list.runs + number
    list.runs[run.preceding].following = run.following
    list.runs[run.following].preceding = run.preceding


cdef inline void unite(RunList *list, uint32_t number) noexcept nogil:
    """Makes one run of this one and a neighbour of the same token."""
    cdef TokenRun *run = list.runs + number
    cdef uint32_t before = run.preceding, after = run.following
    if list.runs[before].token == run.token:
        run.count += list.runs[before].count
        remove_run(list, before)
    if list.runs[after].token == run.token:
        run.count += list.runs[after].count
        remove_run(list, after)


cdef inline void look_up(RunList *list, uint32_t number) noexcept nogil:
    """Looks up the pairs of a run."""
    cdef TokenRun *run = list.runs + number
    if number == ENDS:
        return
    run.inner = run.joint = NO_TOKEN
    if run.count > 1:
        run.inner = find_merge(list.vocabulary, run.token, run.token)
    if run.following != ENDS:
        run.joint = find_merge(list.vocabulary, run.token, list.runs[run.following].token)


cdef inline void merge_inside(RunList *list, uint32_t number) noexcept nogil:
    """Merges a run two by two."""
    cdef TokenRun *run = list.runs + number
    if run.count & 1:
        look_up(list, add_run(list, number, run.token, 1))
    run.token = run.inner
    run.count >>= 1
    unite(list, number)
    look_up(list, run.preceding)
    look_up(list, number)


cdef inline void merge_joint(RunList *list, uint32_t before) noexcept nogil:
    """Merges the last token of a run with the first of the next."""
    cdef uint32_t after = list.runs[before].following
    cdef uint32_t number = add_run(list, before, list.runs[before].joint, 1)
    list.runs[before].count -= 1
    list.runs[after].count -= 1
    if list.runs[before].count == 0:
        remove_run(list, before)
    if list.runs[after].count == 0:
        remove_run(list, after)
    unite(list, number)
    look_up(list, list.runs[number].preceding)
    look_up(list, number)
    look_up(list, list.runs[number].following)


cdef inline bint list_runs(RunList *list, const uint8_t *piece, size_t length) noexcept nogil:
    """Lists the runs of a piece's bytes; returns whether they are few enough."""
    cdef size_t most = min(length // RUN_BYTES, <size_t>RUNS_MOST // 2)
    cdef size_t i = 0, start
    list.runs[ENDS].token = NO_TOKEN
    list.runs[ENDS].following = list.runs[ENDS].preceding = ENDS
    list.count = 1
    while i < length:
        if list.count > most:
            return False
        start = i
        while i < length and piece[i] == piece[start]:
            i += 1
        add_run(list, list.runs[ENDS].preceding, list.vocabulary.byte_indices[piece[start]],
                i - start)
    return True


cdef inline size_t write_runs(const RunList *list, uint32_t *out) noexcept nogil:
    """Writes the tokens of all runs; returns how many there are."""
    cdef const TokenRun *run
    cdef size_t count = 0, i
    cdef uint32_t number = list.runs[ENDS].following
    while number != ENDS:
        run = list.runs + number
        for i in range(count, count + run.count):
            out[i] = run.token
        count += run.count
        number = run.following
    return count


cdef inline bint merge_by_runs(
    const Vocabulary *vocabulary, const uint8_t *piece, size_t length, uint32_t *out, size_t *count
) noexcept nogil:
    """Merges a piece of RUNS_FROM bytes or more if it has few runs; returns whether it has.

    Args:
        out: room for one index per byte; receives those of the parts.
        count: receives their number.
    """
    cdef RunList list
    cdef uint32_t number, best, least
    cdef bint inside
    list.vocabulary = vocabulary
    if not vocabulary.ordered or not list_runs(&list, piece, length):
        return False
    number = list.runs[ENDS].following
    while number != ENDS:
        look_up(&list, number)
        number = list.runs[number].following
    while list.count < RUNS_MOST:
        least = NO_TOKEN
        best = ENDS
        inside = False
        number = list.runs[ENDS].following
        while number != ENDS:
            if list.runs[number].inner < least:
                least = list.runs[number].inner
                best = number
                inside = True
            if list.runs[number].joint < least:
                least = list.runs[number].joint
                best = number
                inside = False
            number = list.runs[number].following
        if least == NO_TOKEN:
            count[0] = write_runs(&list, out)
            return True
        if inside:
            merge_inside(&list, best)
        else:
            merge_joint(&list, best)
    return False
