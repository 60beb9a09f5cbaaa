# Builds the frozen tables of a vocabulary from its tokens in rank order.
#
# Time: O(total bytes of the tokens), times a token's bytes for its merge pair. On a failure
# everything allocated so far stays owned by the struct, for `free_vocabulary`.

from libc.stdint cimport uint8_t, uint32_t, uint64_t, UINT32_MAX
from libc.string cimport memcpy, memset

from engine.build.borders cimport (
    ComingBorders, open_borders, record_borders, record_coming, record_joint, shrink_borders)
from engine.build.certain cimport record_byte_parts
from engine.base.interrupt cimport Interrupt, set_interrupt
from engine.base.heap cimport allocate, allocate_zeroed, release
from engine.base.mappings cimport allocate_table, release_table
from engine.merge.merge cimport merge_parts
from engine.merge.queue cimport MergeMemory, free_merge_memory
from engine.build.parts cimport (
    BATCH_TOKENS, COMING_TOKENS, RATED_LENGTH, Batch, PartFinder, close_finder,
    find_parts, marked, open_finder, record_parts, unmarked)
from engine.base.types cimport NO_TOKEN, SHORT_PIECE, STATUS_NO_MEMORY, STATUS_OK, likely, prefetch
from engine.simd.vectors cimport BYTE_PART, equal_words
from engine.vocab.tables cimport (
    BYTE_PAIRS, INDEX_BITS, BUCKET_ENTRIES, NO_PAIR, BUCKET_PAIRS, PAIR_PROBE_LIMIT, PROBE_LIMIT,
    TAG_LEFT_BITS, Bucket, Key, Pair, PairBucket, Vocabulary, prefetch_pair, first_bit, hash_bytes,
    hash_key, load_key, overflow_bit, pair_at, pair_bucket, short_bucket, token_length)

cdef enum:
    TOGETHER = 64      # tokens whose places are fetched before they are written to
    PAIRS_AT_FIRST = 5     # pairs a line of eight at first, on average
    NOT_PLACED = -1   # a chain of probes would get too long: the table must grow

# What finds the pairs of all tokens, shorter ones first, and enters them into the pair table: only
# when merging needs them, or at the end, since two tables at once are too much for the caches.
cdef struct PairsToEnter:
    uint32_t *order       # owned: [token_count + 2 * COMING_TOKENS], the indices of all tokens,
    #                       shorter ones first; then zeros
    uint32_t *ends        # owned: [longest_token + 2], where in `order` the next length begins
    uint32_t entered      # tokens at the beginning of `order` whose pairs are in the table
    uint32_t never_merges  # the token of rank 2^32 - 1, which tiktoken takes for none; or NO_TOKEN
    uint32_t disordered   # tokens that are earlier than a part of theirs that is no byte
    uint32_t *merged      # owned: [longest_token], for merging
    MergeMemory memory    # for merging
    ComingBorders coming  # borders of tokens whose parts are found


cdef inline uint64_t power_of_two(uint64_t least) noexcept nogil:
    cdef uint64_t power = 1
    while power < least:
        power <<= 1
    return power


cdef inline void release_buckets(Vocabulary *vocabulary) noexcept nogil:
    release_table(vocabulary.buckets, vocabulary.bucket_count + PROBE_LIMIT, sizeof(Bucket))


cdef inline void release_pair_buckets(PairBucket *lines, uint64_t count) noexcept nogil:
    release_table(lines, count + PAIR_PROBE_LIMIT, sizeof(PairBucket))


cdef inline void free_vocabulary(Vocabulary *vocabulary) noexcept nogil:
    release(vocabulary.ids)
    release(vocabulary.starts)
    release(vocabulary.token_bytes)
    release_buckets(vocabulary)
    release(vocabulary.long_slots)
    release(vocabulary.long_records)
    release_pair_buckets(vocabulary.pair_buckets, vocabulary.pair_bucket_count)
    release(vocabulary.byte_pairs)
    release(vocabulary.borders)
    memset(vocabulary, 0, sizeof(Vocabulary))


cdef inline int place_short(
    Vocabulary *vocabulary, Key key, uint64_t hashed, uint32_t index
) noexcept nogil:
    """Enters a token.

    Args:
        hashed: the hash of its key.
    """
    cdef Bucket *line = <Bucket *>short_bucket(vocabulary, hashed)
    cdef int _probe, used
    for _probe in range(PROBE_LIMIT):
        # Nobody can foretell how many there are: no branches. The first ones are taken first.
        used = (line.keys[0].high != 0) + (line.keys[1].high != 0) + (line.keys[2].high != 0)
        if likely(used < BUCKET_ENTRIES):
            line.keys[used] = key
            line.indices[used] = index
            return STATUS_OK
        line.overflowed |= overflow_bit(hashed)
        line += 1
    return NOT_PLACED


cdef inline int fill_buckets(Vocabulary *vocabulary) noexcept nogil:
    """Enters all short tokens into the lines, which are empty."""
    cdef Key keys[TOGETHER]          # of tokens whose lines are being fetched
    cdef uint64_t hashes[TOGETHER]
    cdef uint32_t indices[TOGETHER]
    cdef const uint32_t *starts = vocabulary.starts
    cdef const uint8_t *token_bytes = vocabulary.token_bytes
    cdef uint32_t i, count, length, index = 0, token_count = vocabulary.token_count
    while index < token_count:
        count = 0
        while count < TOGETHER and index < token_count:
            length = starts[index + 1] - starts[index]
            if 0 < length <= SHORT_PIECE:
                keys[count] = load_key(token_bytes + starts[index], length)
                hashes[count] = hash_key(keys[count], vocabulary.seeds)
                indices[count] = index
                prefetch(short_bucket(vocabulary, hashes[count]))
                count += 1
            index += 1
        for i in range(count):
            if place_short(vocabulary, keys[i], hashes[i], indices[i]) != STATUS_OK:
                return NOT_PLACED
    return STATUS_OK


cdef inline int build_buckets(Vocabulary *vocabulary) noexcept nogil:
    """Builds the table of tokens of up to 15 bytes, about four fifths full."""
    vocabulary.bucket_count = <uint64_t>vocabulary.token_count * 5 // 12 + 1
    while True:
        vocabulary.buckets = <Bucket *>allocate_table(
            vocabulary.bucket_count + PROBE_LIMIT, sizeof(Bucket))
        if vocabulary.buckets == NULL:
            return STATUS_NO_MEMORY
        if fill_buckets(vocabulary) == STATUS_OK:
            vocabulary.table_bytes += (vocabulary.bucket_count + PROBE_LIMIT) * sizeof(Bucket)
            return STATUS_OK
        release_buckets(vocabulary)
        vocabulary.bucket_count += vocabulary.bucket_count // 8 + 1


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
    PairBucket *lines, const Vocabulary *vocabulary, Pair pair
) noexcept nogil:
    cdef PairBucket *line = lines + pair_bucket(vocabulary, pair.left, pair.right)
    cdef uint32_t free_places
    cdef int _probe, place
    for _probe in range(PAIR_PROBE_LIMIT - 1):
        free_places = equal_words(line.merged, NO_PAIR)
        if likely(free_places):
            place = first_bit(free_places)
            line.tags[place] = pair.left << INDEX_BITS | pair.right
            line.merged[place] = (pair.left >> TAG_LEFT_BITS) << INDEX_BITS | pair.merged
            return STATUS_OK
        line += 1
    return NOT_PLACED


cdef inline int place_all(
    PairBucket *lines, const Vocabulary *vocabulary, const PairBucket *old, uint64_t old_count
) noexcept nogil:
    """Places all pairs of old lines."""
    cdef uint64_t i
    cdef int place
    for i in range(old_count):
        for place in range(BUCKET_PAIRS):
            if old[i].merged[place] == NO_PAIR:
                break
            if place_pair(lines, vocabulary, pair_at(old + i, place)) != STATUS_OK:
                return NOT_PLACED
    return STATUS_OK


cdef inline int resize_pairs(Vocabulary *vocabulary, uint64_t count) noexcept nogil:
    """Gives the pair table `count` lines, or more if chains would get too long."""
    cdef PairBucket *old = vocabulary.pair_buckets
    cdef uint64_t old_count = vocabulary.pair_bucket_count
    cdef PairBucket *grown
    cdef uint64_t lines
    while True:
        lines = count + PAIR_PROBE_LIMIT
        grown = <PairBucket *>allocate_table(lines, sizeof(PairBucket))
        if grown == NULL:
            vocabulary.pair_bucket_count = old_count
            return STATUS_NO_MEMORY
        vocabulary.pair_bucket_count = count
        memset(grown, 0xFF, lines * sizeof(PairBucket))
        if place_all(grown, vocabulary, old,
                     old_count + PAIR_PROBE_LIMIT if old != NULL else 0) == STATUS_OK:
            release_pair_buckets(old, old_count)
            vocabulary.pair_buckets = grown
            return STATUS_OK
        release_pair_buckets(grown, count)
        count += count // 4 + 1


cdef inline int enter_pairs(
    Vocabulary *vocabulary, const PartFinder *finder, const uint32_t *indices, uint32_t count
) noexcept nogil:
    """Enters tokens whose parts are known into the pair table."""
    cdef Pair pairs[TOGETHER]    # whose lines are being fetched
    cdef uint64_t buckets
    cdef uint32_t i, index, left, pair_count, done = 0
    cdef int status
    while done < count:
        pair_count = 0
        for i in range(done, done + TOGETHER if count - done > TOGETHER else count):
            index = indices[i]
            # Behind the last index there are more, or zeros.
            prefetch(finder.left + indices[i + COMING_TOKENS])
            prefetch(finder.right + indices[i + COMING_TOKENS])
            left = unmarked(finder.left[index])
            pairs[pair_count].left = left
            pairs[pair_count].right = unmarked(finder.right[index])
            pairs[pair_count].merged = index
            if left != NO_TOKEN:
                prefetch_pair(vocabulary, left, pairs[pair_count].right)
                pair_count += 1
        for i in range(pair_count):
            while place_pair(vocabulary.pair_buckets, vocabulary, pairs[i]) != STATUS_OK:
                buckets = vocabulary.pair_bucket_count
                status = resize_pairs(vocabulary, buckets + buckets // 4 + 1)
                if status != STATUS_OK:
                    return status
        done += TOGETHER if count - done > TOGETHER else count - done
    return STATUS_OK


cdef inline int enter_shorter(
    Vocabulary *vocabulary, const PartFinder *finder, PairsToEnter *pairs, uint32_t length
) noexcept nogil:
    """Enters the pairs of all tokens of less than so many bytes."""
    cdef uint32_t end = pairs.ends[length - 1]
    cdef int status = STATUS_OK
    if end > pairs.entered:
        status = enter_pairs(
            vocabulary, finder, pairs.order + pairs.entered, end - pairs.entered)
        pairs.entered = end
    return status


cdef inline int merge_token(
    Vocabulary *vocabulary, const PartFinder *finder, PairsToEnter *pairs, uint32_t index,
    uint32_t *left, uint32_t *right
) noexcept nogil:
    """Finds the two parts of a token by merging its bytes; `left` is NO_TOKEN if there are none."""
    cdef uint32_t length = token_length(vocabulary, index)
    cdef const uint8_t *token = vocabulary.token_bytes + vocabulary.starts[index]
    cdef size_t count
    cdef Interrupt interrupt
    cdef int status = enter_shorter(vocabulary, finder, pairs, length)
    if status != STATUS_OK:
        return status
    set_interrupt(&interrupt, False, NULL)
    status = merge_parts(vocabulary, &pairs.memory, &interrupt, token, length, pairs.merged, &count)
    if status != STATUS_OK:
        return status
    left[0] = pairs.merged[0] if count == 2 else NO_TOKEN
    right[0] = pairs.merged[1] if count == 2 else NO_TOKEN
    return STATUS_OK


cdef inline int add_batch(
    Vocabulary *vocabulary, PartFinder *finder, PairsToEnter *pairs, Batch *batch
) noexcept nogil:
    """Finds the parts of tokens of one length, and records the borders that they bridge.

    Precondition: those of all shorter tokens are found.
    """
    cdef const uint8_t *token
    cdef uint32_t i, index, left, right, cut
    cdef int status
    if batch.length <= RATED_LENGTH and not vocabulary.misses_bytes:
        find_parts(finder, vocabulary, batch)
    else:
        for i in range(batch.count):
            batch.left[i] = NO_TOKEN
    for i in range(batch.count):
        index = batch.indices[i]
        if index == pairs.never_merges:
            batch.left[i] = NO_TOKEN
        elif batch.left[i] == NO_TOKEN:
            status = merge_token(vocabulary, finder, pairs, index, &batch.left[i],
                                 &batch.right[i])
            if status != STATUS_OK:
                return status
        else:
            continue
        batch.cuts[i] = 0
    for i in range(batch.count):
        left = batch.left[i]
        right = batch.right[i]
        cut = batch.cuts[i]
        token = vocabulary.token_bytes + vocabulary.starts[batch.indices[i]]
        if cut:
            left |= BYTE_PART * (cut == 1)
            right |= BYTE_PART * (cut == batch.length - 1)
            record_joint(vocabulary, &pairs.coming, token, batch.length, cut)
        else:
            left = marked(vocabulary, left)
            right = marked(vocabulary, right)
            record_borders(vocabulary, &pairs.coming, token, batch.length)
        record_parts(finder, left, right, batch.indices[i])
        if left == NO_TOKEN:
            vocabulary.unreachable_count += 1
            continue
        # Marked bytes are above all tokens, and so are stand-ins for bytes that are none.
        record_byte_parts(
            vocabulary, token, batch.length, left >= vocabulary.token_count,
            right >= vocabulary.token_count, batch.indices[i])
        pairs.disordered += ((vocabulary.token_count > left > batch.indices[i])
                             | (vocabulary.token_count > right > batch.indices[i]))
    return STATUS_OK


cdef inline void sort_by_length(
    const Vocabulary *vocabulary, uint32_t *order, uint32_t *ends
) noexcept nogil:
    """Writes the indices of all tokens, shorter tokens first.

    Args:
        order: room for token_count indices.
        ends: longest_token + 2 zeros. Afterwards, for each length, where the next begins.
    """
    cdef uint32_t index, length
    for index in range(vocabulary.token_count):
        ends[token_length(vocabulary, index) + 1] += 1
    for length in range(vocabulary.longest_token + 1):
        ends[length + 1] += ends[length]
    for index in range(vocabulary.token_count):
        length = token_length(vocabulary, index)
        order[ends[length]] = index
        ends[length] += 1


cdef inline int add_pairs_by_length(
    Vocabulary *vocabulary, PartFinder *finder, PairsToEnter *pairs
) noexcept nogil:
    """Finds the parts of all tokens and enters their pairs."""
    cdef Batch *batch = finder.batch
    cdef uint32_t i
    cdef int status
    for batch.length in range(2, vocabulary.longest_token + 1):
        i = pairs.ends[batch.length - 1]
        while i < pairs.ends[batch.length]:
            batch.count = pairs.ends[batch.length] - i
            if batch.count > BATCH_TOKENS:
                batch.count = BATCH_TOKENS
            batch.indices = pairs.order + i
            status = add_batch(vocabulary, finder, pairs, batch)
            if status != STATUS_OK:
                return status
            i += batch.count
    record_coming(vocabulary, &pairs.coming)
    return enter_shorter(vocabulary, finder, pairs, vocabulary.longest_token + 1)


cdef inline int open_pairs(Vocabulary *vocabulary, PairsToEnter *pairs) noexcept nogil:
    """Prepares. Must be closed after a failure too."""
    memset(pairs, 0, sizeof(PairsToEnter))
    pairs.order = <uint32_t *>allocate_zeroed(
        <size_t>vocabulary.token_count + 2 * COMING_TOKENS, sizeof(uint32_t))
    pairs.ends = <uint32_t *>allocate_zeroed(
        <size_t>vocabulary.longest_token + 2, sizeof(uint32_t))
    pairs.merged = <uint32_t *>allocate(vocabulary.longest_token, sizeof(uint32_t))
    vocabulary.byte_pairs = <uint64_t *>allocate_zeroed(BYTE_PAIRS, sizeof(uint64_t))
    if (pairs.order == NULL or pairs.ends == NULL or pairs.merged == NULL
            or vocabulary.byte_pairs == NULL):
        return STATUS_NO_MEMORY
    sort_by_length(vocabulary, pairs.order, pairs.ends)
    # Tokens of no or one byte have no pair.
    pairs.entered = pairs.ends[1] if vocabulary.longest_token else pairs.ends[0]
    pairs.never_merges = NO_TOKEN
    if vocabulary.ids[vocabulary.token_count - 1] == UINT32_MAX:
        pairs.never_merges = vocabulary.token_count - 1
    return resize_pairs(vocabulary, <uint64_t>vocabulary.token_count // PAIRS_AT_FIRST + 1)


cdef inline void close_pairs(PairsToEnter *pairs) noexcept nogil:
    release(pairs.order)
    release(pairs.ends)
    release(pairs.merged)
    free_merge_memory(&pairs.memory)


cdef inline int build_pairs(Vocabulary *vocabulary, bint gathers) noexcept nogil:
    """Builds the merge table: one line in eight is full and makes look-ups go on to the next."""
    cdef PartFinder finder
    cdef PairsToEnter pairs
    cdef int status = open_pairs(vocabulary, &pairs)
    cdef int finder_status = open_finder(&finder, vocabulary, gathers)
    if status == STATUS_OK:
        status = finder_status
    if status == STATUS_OK:
        status = add_pairs_by_length(vocabulary, &finder, &pairs)
    vocabulary.ordered = status == STATUS_OK and pairs.disordered == 0
    close_finder(&finder)
    close_pairs(&pairs)
    vocabulary.table_bytes += BYTE_PAIRS * sizeof(uint64_t) + (
        vocabulary.pair_bucket_count + PAIR_PROBE_LIMIT) * sizeof(PairBucket)
    return status


cdef inline int build_tables(Vocabulary *vocabulary, bint gathers) noexcept nogil:
    """Builds all tables from token_count, ids, starts, token_bytes and seeds, which are set.

    The seeds should be random, so that no vocabulary can be made whose tables keep growing.

    Args:
        gathers: see `open_finder`.
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
    status = build_buckets(vocabulary)
    if status == STATUS_OK:
        status = build_long(vocabulary)
    if status == STATUS_OK:
        status = open_borders(vocabulary)
    if status == STATUS_OK:
        status = build_pairs(vocabulary, gathers)
    if status == STATUS_OK:
        status = shrink_borders(vocabulary)
    return status
