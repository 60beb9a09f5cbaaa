# Builds the frozen tables of a vocabulary from its tokens in rank order.
#
# Time: O(total bytes of the tokens), times a token's bytes for its merge pair. On a failure
# everything allocated so far stays owned by the struct, for `free_vocabulary`.

from libc.stdint cimport uint8_t, uint32_t, uint64_t, UINT32_MAX
from libc.string cimport memcpy, memset

from cuts cimport record_borders
from interrupt cimport Watch, start_watch
from memory cimport ByteBuffer, allocate, allocate_zeroed, release
from merge cimport merge_by_heap, merge_by_scan, SCAN_LIMIT
from parts cimport (CANDIDATE_TOKENS, Candidates, PartFinder, close_finder, collect_candidates,
                    find_parts, open_finder, record_parts)
from types cimport (LOAD_SLACK, NO_TOKEN, SHORT_PIECE, STATUS_NO_MEMORY, STATUS_OK,
                    count_ones, prefetch)
from vocab cimport (INDEX_BITS, LINE_ENTRIES, NO_PAIR, PAIR_LINE, PAIR_PROBE_LIMIT, PROBE_LIMIT,
                    TAG_LEFT_BITS, Key, Line, Pair, PairLine, Vocabulary, hash_bytes, hash_key,
                    load_key, pair_at, pair_line, place_of)

cdef enum:
    LARGE_FILTER = 22  # binary logarithm of the bits of the largest filter of borders
    AHEAD = 16         # tokens whose places are fetched before they are written to
    NOT_PLACED = -1   # a chain of probes would get too long: the table must grow

cdef struct PairsToEnter:
    Pair items[CANDIDATE_TOKENS]       # tokens of one length, so that none is
    uint32_t count                     # needed to find the parts of another


cdef inline uint64_t power_of_two(uint64_t least) noexcept nogil:
    cdef uint64_t power = 1
    while power < least:
        power <<= 1
    return power


cdef inline uint32_t token_length(const Vocabulary *vocabulary, uint32_t index) noexcept nogil:
    return vocabulary.starts[index + 1] - vocabulary.starts[index]


cdef inline void free_vocabulary(Vocabulary *vocabulary) noexcept nogil:
    release(vocabulary.ids)
    release(vocabulary.starts)
    release(vocabulary.token_bytes)
    release(vocabulary.lines)
    release(vocabulary.long_slots)
    release(vocabulary.long_records)
    release(vocabulary.pair_lines)
    release(vocabulary.borders)
    memset(vocabulary, 0, sizeof(Vocabulary))


cdef inline int place_short(Vocabulary *vocabulary, Key key, uint32_t index) noexcept nogil:
    cdef Line *line = vocabulary.lines + place_of(
        hash_key(key, vocabulary.seeds), vocabulary.line_count)
    cdef int _probe, entry
    for _probe in range(PROBE_LIMIT):
        for entry in range(LINE_ENTRIES):
            if line.keys[entry].high == 0:
                line.keys[entry] = key
                line.indices[entry] = index
                return STATUS_OK
        line.overflowed = 1
        line += 1
    return NOT_PLACED


cdef inline int fill_lines(Vocabulary *vocabulary) noexcept nogil:
    cdef Key keys[AHEAD]          # of the tokens that come next, whose lines are being fetched
    cdef uint32_t index, length, token_count = vocabulary.token_count
    cdef const uint8_t *token
    memset(vocabulary.lines, 0, (vocabulary.line_count + PROBE_LIMIT) * sizeof(Line))
    for index in range(token_count + AHEAD):
        if index >= AHEAD and keys[index % AHEAD].high != 0:
            if place_short(vocabulary, keys[index % AHEAD], index - AHEAD) != STATUS_OK:
                return NOT_PLACED
        keys[index % AHEAD].high = 0
        if index < token_count:
            length = token_length(vocabulary, index)
            if 0 < length <= SHORT_PIECE:
                token = vocabulary.token_bytes + vocabulary.starts[index]
                keys[index % AHEAD] = load_key(token, length)
                prefetch(vocabulary.lines + place_of(
                    hash_key(keys[index % AHEAD], vocabulary.seeds), vocabulary.line_count))
    return STATUS_OK


cdef inline int build_lines(Vocabulary *vocabulary) noexcept nogil:
    """Builds the table of tokens of up to 15 bytes, about four fifths full."""
    vocabulary.line_count = <uint64_t>vocabulary.token_count * 5 // 12 + 1
    while True:
        release(vocabulary.lines)
        vocabulary.lines = <Line *>allocate(vocabulary.line_count + PROBE_LIMIT, sizeof(Line))
        if vocabulary.lines == NULL:
            return STATUS_NO_MEMORY
        if fill_lines(vocabulary) == STATUS_OK:
            vocabulary.table_bytes += (vocabulary.line_count + PROBE_LIMIT) * sizeof(Line)
            return STATUS_OK
        vocabulary.line_count += vocabulary.line_count // 8 + 1


cdef inline uint64_t record_words(uint32_t length) noexcept nogil:
    """Returns how many words the record of a token of so many bytes takes."""
    return 2 + (<uint64_t>length + 3) // 4


cdef inline int fill_records(Vocabulary *vocabulary) noexcept nogil:
    """Writes the records of all tokens of 16 bytes and more."""
    cdef uint32_t index, length
    cdef uint32_t *record
    vocabulary.long_words = 0
    for index in range(vocabulary.token_count):
        length = token_length(vocabulary, index)
        if length > SHORT_PIECE:
            vocabulary.long_words += record_words(length)
    if vocabulary.long_words > UINT32_MAX - 1:
        return STATUS_NO_MEMORY
    vocabulary.long_records = <uint32_t *>allocate_zeroed(
        vocabulary.long_words, sizeof(uint32_t))
    if vocabulary.long_records == NULL:
        return STATUS_NO_MEMORY
    record = vocabulary.long_records
    for index in range(vocabulary.token_count):
        length = token_length(vocabulary, index)
        if length > SHORT_PIECE:
            record[0] = index
            record[1] = length
            memcpy(record + 2, vocabulary.token_bytes + vocabulary.starts[index], length)
            record += record_words(length)
    return STATUS_OK


cdef inline int fill_long(Vocabulary *vocabulary) noexcept nogil:
    """Enters all records into the slots, which are as many as `long_mask` says."""
    cdef const uint32_t *record = vocabulary.long_records
    cdef const uint32_t *end = record + vocabulary.long_words
    cdef uint64_t place
    cdef int _probe
    memset(vocabulary.long_slots, 0, (vocabulary.long_mask + 1) * sizeof(uint32_t))
    while record < end:
        place = hash_bytes(<const uint8_t *>(record + 2), record[1], vocabulary.seeds) \
            & vocabulary.long_mask
        for _probe in range(PROBE_LIMIT):
            if vocabulary.long_slots[place] == 0:
                vocabulary.long_slots[place] = <uint32_t>(record - vocabulary.long_records) + 1
                break
            place = (place + 1) & vocabulary.long_mask
        else:
            return NOT_PLACED
        record += record_words(record[1])
    return STATUS_OK


cdef inline int build_long(Vocabulary *vocabulary) noexcept nogil:
    """Builds the table of tokens of 16 bytes and more, at most a third full."""
    cdef uint32_t index
    cdef uint64_t count = 0, slots
    for index in range(vocabulary.token_count):
        count += token_length(vocabulary, index) > SHORT_PIECE
    slots = power_of_two(3 * count + 1)
    if fill_records(vocabulary) != STATUS_OK:
        return STATUS_NO_MEMORY
    while True:
        release(vocabulary.long_slots)
        vocabulary.long_slots = <uint32_t *>allocate(slots, sizeof(uint32_t))
        if vocabulary.long_slots == NULL:
            return STATUS_NO_MEMORY
        vocabulary.long_mask = slots - 1
        if fill_long(vocabulary) == STATUS_OK:
            vocabulary.table_bytes += (slots + vocabulary.long_words) * sizeof(uint32_t)
            return STATUS_OK
        slots *= 2


cdef inline int place_pair(
    PairLine *lines, const Vocabulary *vocabulary, uint32_t left, uint32_t right, uint32_t merged
) noexcept nogil:
    cdef PairLine *line = lines + pair_line(vocabulary, left, right)
    cdef int _probe, place
    for _probe in range(PAIR_PROBE_LIMIT - 1):
        for place in range(PAIR_LINE):
            if line.merged[place] == NO_PAIR:
                line.tags[place] = left << INDEX_BITS | right
                line.merged[place] = (left >> TAG_LEFT_BITS) << INDEX_BITS | merged
                return STATUS_OK
        line += 1
    return NOT_PLACED


cdef inline int place_all(
    PairLine *lines, const Vocabulary *vocabulary, const PairLine *old, uint64_t old_count
) noexcept nogil:
    """Places all pairs of old lines."""
    cdef uint64_t i
    cdef int place
    cdef Pair pair
    for i in range(old_count):
        for place in range(PAIR_LINE):
            if old[i].merged[place] == NO_PAIR:
                break
            pair = pair_at(old + i, place)
            if place_pair(lines, vocabulary, pair.left, pair.right, pair.merged) != STATUS_OK:
                return NOT_PLACED
    return STATUS_OK


cdef inline int resize_pairs(Vocabulary *vocabulary, uint64_t count) noexcept nogil:
    """Gives the pair table `count` lines, or more if chains would get too long."""
    cdef PairLine *old = vocabulary.pair_lines
    cdef uint64_t old_count = vocabulary.pair_line_count if old != NULL else 0
    cdef PairLine *grown
    cdef uint64_t lines
    while True:
        vocabulary.pair_line_count = count
        lines = count + PAIR_PROBE_LIMIT
        grown = <PairLine *>allocate(lines, sizeof(PairLine))
        if grown == NULL:
            return STATUS_NO_MEMORY
        memset(grown, 0xFF, lines * sizeof(PairLine))
        if place_all(grown, vocabulary, old,
                     old_count + PAIR_PROBE_LIMIT if old != NULL else 0) == STATUS_OK:
            release(old)
            vocabulary.pair_lines = grown
            return STATUS_OK
        release(grown)
        count += count // 4 + 1


cdef inline void note_pair(
    const Vocabulary *vocabulary, PartFinder *finder, PairsToEnter *pairs, uint32_t left,
    uint32_t right, uint32_t index
) noexcept nogil:
    """Takes note of the two parts that merge into a token, and fetches their place."""
    record_parts(finder, vocabulary, left, right, index)
    pairs.items[pairs.count].left = left
    pairs.items[pairs.count].right = right
    pairs.items[pairs.count].merged = index
    pairs.count += 1
    prefetch(vocabulary.pair_lines + pair_line(vocabulary, left, right))


cdef inline int enter_pairs(Vocabulary *vocabulary, const PairsToEnter *pairs) noexcept nogil:
    """Enters the pairs that were taken note of."""
    cdef uint32_t i
    cdef int status
    for i in range(pairs.count):
        while place_pair(vocabulary.pair_lines, vocabulary, pairs.items[i].left,
                         pairs.items[i].right, pairs.items[i].merged) != STATUS_OK:
            status = resize_pairs(
                vocabulary, vocabulary.pair_line_count + vocabulary.pair_line_count // 4 + 1)
            if status != STATUS_OK:
                return status
    return STATUS_OK


cdef inline int add_by_merging(
    Vocabulary *vocabulary, PartFinder *finder, ByteBuffer *memory, uint32_t *parts,
    PairsToEnter *pairs, uint32_t index
) noexcept nogil:
    """Finds the two parts that merge into a token by merging its bytes.

    Args:
        parts: room for as many indices as the token has bytes.
    """
    cdef uint32_t length = token_length(vocabulary, index)
    cdef const uint8_t *token = vocabulary.token_bytes + vocabulary.starts[index]
    cdef size_t count
    cdef int status
    cdef Watch watch
    if length <= SCAN_LIMIT:
        count = merge_by_scan(vocabulary, token, length, parts)
    else:
        start_watch(&watch, False, NULL)
        status = merge_by_heap(vocabulary, memory, &watch, token, length, parts, &count)
        if status != STATUS_OK:
            return status
    if count != 2 or vocabulary.ids[index] == UINT32_MAX:
        vocabulary.unreachable_count += 1
        return STATUS_OK
    note_pair(vocabulary, finder, pairs, parts[0], parts[1], index)
    return STATUS_OK


cdef inline int add_tokens(
    Vocabulary *vocabulary, PartFinder *finder, Candidates *candidates, ByteBuffer *memory,
    uint32_t *parts, const uint32_t *indices, uint32_t count
) noexcept nogil:
    """Enters the parts of up to CANDIDATE_TOKENS tokens of one length.

    Precondition: those of all shorter tokens are entered.
    """
    cdef uint32_t i, left, right, first = 0
    cdef uint32_t length = token_length(vocabulary, indices[0])
    cdef bint short = length <= SHORT_PIECE and not vocabulary.misses_bytes
    cdef PairsToEnter pairs
    cdef int status
    pairs.count = 0
    if short:
        collect_candidates(finder, vocabulary, indices, count, candidates)
    for i in range(count):
        if (short and vocabulary.ids[indices[i]] != UINT32_MAX
                and find_parts(finder, vocabulary, candidates.items + first,
                               candidates.ends[i] - first, &left, &right)):
            note_pair(vocabulary, finder, &pairs, left, right, indices[i])
        else:
            status = add_by_merging(vocabulary, finder, memory, parts, &pairs, indices[i])
            if status != STATUS_OK:
                return status
        first = candidates.ends[i]
    return enter_pairs(vocabulary, &pairs)


cdef inline void sort_by_length(
    const Vocabulary *vocabulary, uint32_t *order, uint32_t *first
) noexcept nogil:
    """Writes the indices of all tokens, shorter tokens first.

    Args:
        order: room for token_count indices.
        first: longest_token + 2 zeros. Afterwards, for each length, where the next begins.
    """
    cdef uint32_t index, length
    for index in range(vocabulary.token_count):
        first[token_length(vocabulary, index) + 1] += 1
    for length in range(vocabulary.longest_token + 1):
        first[length + 1] += first[length]
    for index in range(vocabulary.token_count):
        length = token_length(vocabulary, index)
        order[first[length]] = index
        first[length] += 1


cdef inline int add_pairs_by_length(
    Vocabulary *vocabulary, PartFinder *finder, const uint32_t *order, const uint32_t *ends
) noexcept nogil:
    """Enters the pairs of all tokens.

    Args:
        order, ends: those of `sort_by_length`.
    """
    cdef Candidates candidates
    cdef ByteBuffer memory
    cdef uint32_t *parts = <uint32_t *>allocate(vocabulary.longest_token, sizeof(uint32_t))
    cdef uint32_t length, i, count
    cdef int status = STATUS_OK if parts != NULL else STATUS_NO_MEMORY
    memory.data = NULL
    memory.capacity = 0
    for length in range(2, vocabulary.longest_token + 1):
        i = ends[length - 1]
        while status == STATUS_OK and i < ends[length]:
            count = ends[length] - i
            if count > CANDIDATE_TOKENS:
                count = CANDIDATE_TOKENS
            status = add_tokens(
                vocabulary, finder, &candidates, &memory, parts, order + i, count)
            i += count
    release(parts)
    release(memory.data)
    return status


cdef inline int build_pairs(Vocabulary *vocabulary) noexcept nogil:
    """Builds the merge table, half full: one line in twenty makes look-ups go on to the next."""
    cdef PartFinder finder
    cdef uint32_t *order = <uint32_t *>allocate(vocabulary.token_count, sizeof(uint32_t))
    cdef uint32_t *ends = <uint32_t *>allocate_zeroed(
        <size_t>vocabulary.longest_token + 2, sizeof(uint32_t))
    cdef int status = open_finder(&finder, vocabulary)
    if order == NULL or ends == NULL:
        status = STATUS_NO_MEMORY
    if status == STATUS_OK:
        status = resize_pairs(vocabulary, <uint64_t>vocabulary.token_count // (PAIR_LINE // 2) + 1)
    if status == STATUS_OK:
        sort_by_length(vocabulary, order, ends)
        status = add_pairs_by_length(vocabulary, &finder, order, ends)
    close_finder(&finder)
    release(order)
    release(ends)
    vocabulary.table_bytes += (
        (vocabulary.pair_line_count + PAIR_PROBE_LIMIT) * sizeof(PairLine))
    return status


cdef inline int build_borders(Vocabulary *vocabulary) noexcept nogil:
    """Builds the filter of bridged borders: 16 bits or more for each distinct border.

    They are recorded in the largest filter, which is ample for any vocabulary known. That tells how
    many there are; then neighbouring bits are joined, because a border's place in a smaller filter
    is the higher part of its place in a larger one.
    """
    cdef uint64_t *large = <uint64_t *>allocate_zeroed(
        <size_t>1 << (LARGE_FILTER - 6), sizeof(uint64_t))
    cdef uint64_t *small
    cdef uint64_t word, place, distinct = 0
    cdef uint32_t bits_logarithm = 6, index
    if large == NULL:
        return STATUS_NO_MEMORY
    vocabulary.borders = large
    vocabulary.border_shift = 32 - LARGE_FILTER
    for index in range(vocabulary.token_count):
        record_borders(vocabulary, vocabulary.token_bytes + vocabulary.starts[index],
                       token_length(vocabulary, index))
    for word in range((<uint64_t>1 << LARGE_FILTER) // 64):
        distinct += count_ones(large[word])
    while bits_logarithm < LARGE_FILTER and (<uint64_t>1 << bits_logarithm) < 16 * distinct:
        bits_logarithm += 1
    vocabulary.table_bytes += (<size_t>1 << bits_logarithm) // 8
    if bits_logarithm == LARGE_FILTER:
        return STATUS_OK
    small = <uint64_t *>allocate_zeroed(<size_t>1 << (bits_logarithm - 6), sizeof(uint64_t))
    if small == NULL:
        return STATUS_NO_MEMORY
    for word in range((<uint64_t>1 << LARGE_FILTER) // 64):
        if large[word]:
            for index in range(64):
                if large[word] >> index & 1:
                    place = (word << 6 | index) >> (LARGE_FILTER - bits_logarithm)
                    small[place >> 6] |= <uint64_t>1 << (place & 63)
    release(large)
    vocabulary.borders = small
    vocabulary.border_shift = 32 - bits_logarithm
    return STATUS_OK


cdef inline int build_tables(Vocabulary *vocabulary) noexcept nogil:
    """Builds all tables from token_count, ids, starts, token_bytes and seeds, which are set.

    The seeds should be random, so that no vocabulary can be made whose tables keep growing.
    """
    cdef uint32_t index, length, byte
    cdef int status
    vocabulary.table_bytes = (
        (2 * <size_t>vocabulary.token_count + 1) * sizeof(uint32_t)
        + vocabulary.starts[vocabulary.token_count])
    while (vocabulary.identity_count < vocabulary.token_count
           and vocabulary.ids[vocabulary.identity_count] == vocabulary.identity_count):
        vocabulary.identity_count += 1
    for byte in range(256):
        vocabulary.byte_indices[byte] = NO_TOKEN
    for index in range(vocabulary.token_count):
        length = token_length(vocabulary, index)
        if length > vocabulary.longest_token:
            vocabulary.longest_token = length
        if length == 1:
            vocabulary.byte_indices[vocabulary.token_bytes[vocabulary.starts[index]]] = index
    for byte in range(256):
        if vocabulary.byte_indices[byte] == NO_TOKEN:
            vocabulary.byte_indices[byte] = vocabulary.token_count + byte
            vocabulary.misses_bytes = True
    status = build_lines(vocabulary)
    if status == STATUS_OK:
        status = build_long(vocabulary)
    if status == STATUS_OK:
        status = build_pairs(vocabulary)
    if status == STATUS_OK:
        status = build_borders(vocabulary)
    return status
