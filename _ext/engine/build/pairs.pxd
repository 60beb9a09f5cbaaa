# Finds the parts of all tokens, shorter tokens first, and records what follows from them: the table
# of pairs, the borders that tokens bridge, and which bytes certainly merge.
#
# Pairs are entered into their table only when merging needs them, or at the end: the table and the
# finder's filters together are too large for the processor's caches.

from libc.stdint cimport uint8_t, uint32_t, uint64_t, UINT32_MAX
from libc.string cimport memset

from engine.base.heap cimport allocate, allocate_zeroed, release
from engine.base.interrupt cimport Interrupt, set_interrupt
from engine.base.types cimport NO_TOKEN, STATUS_NO_MEMORY, STATUS_OK, prefetch
from engine.build.borders cimport (
    PendingBorders, bridge_around, record_borders, record_joint, record_pending)
from engine.build.certain cimport record_byte_parts
from engine.build.finder cimport (
    GROUP_TOKENS, RATED_LENGTH, TOKENS_AHEAD, PartFinder, TokenGroup, close_finder, index_of_part,
    open_finder, record_parts, with_byte_flag)
from engine.build.pair_table cimport add_pair, resize_pairs
from engine.build.parts cimport find_parts
from engine.merge.merge cimport merge_parts
from engine.merge.queue cimport MergeMemory, free_merge_memory
from engine.simd.vectors cimport BYTE_PART
from engine.vocab.tables cimport (
    BYTE_PAIRS, PAIR_PROBE_LIMIT, Pair, PairBucket, Vocabulary, prefetch_pair, token_length)

cdef enum:
    PAIRS_TOGETHER = 64    # pairs whose buckets are prefetched before they are written to
    FIRST_LOAD = 5         # average pairs per bucket of a new table; buckets have room for eight

cdef struct PairBuilder:
    uint32_t *order       # owned: [token_count + 2 * TOKENS_AHEAD], the indices of all tokens,
    #                       shorter ones first; then zeros
    uint32_t *ends        # owned: [longest_token + 2], by length, where the next starts in `order`
    uint32_t entered      # tokens at the start of `order` whose pairs are in the table
    uint32_t merging      # tokens from this index on have no parts
    uint32_t disordered   # tokens that are earlier than one of their parts, bytes aside
    uint32_t *merged      # owned: [longest_token], for merging
    MergeMemory memory    # for merging
    PendingBorders pending


cdef inline int enter_pairs(
    Vocabulary *vocabulary, const PartFinder *finder, const uint32_t *indices, uint32_t count
) noexcept nogil:
    """Enters the pairs of tokens whose parts are found."""
    cdef Pair pairs[PAIRS_TOGETHER]
    cdef uint32_t i, index, left, pair_count, end, done = 0
    while done < count:
        pair_count = 0
        end = done + PAIRS_TOGETHER if count - done > PAIRS_TOGETHER else count
        for i in range(done, end):
            index = indices[i]
            # More indices, or zeros, follow the last one.
            prefetch(finder.left + indices[i + TOKENS_AHEAD])
            prefetch(finder.right + indices[i + TOKENS_AHEAD])
            left = index_of_part(finder.left[index])
            pairs[pair_count].left = left
            pairs[pair_count].right = index_of_part(finder.right[index])
            pairs[pair_count].merged = index
            if left != NO_TOKEN:
                prefetch_pair(vocabulary, left, pairs[pair_count].right)
                pair_count += 1
        for i in range(pair_count):
            if add_pair(vocabulary, pairs[i]) != STATUS_OK:
                return STATUS_NO_MEMORY
        done = end
    return STATUS_OK


cdef inline int enter_shorter(
    Vocabulary *vocabulary, const PartFinder *finder, PairBuilder *builder, uint32_t length
) noexcept nogil:
    """Enters the pairs of all tokens of less than `length` bytes."""
    cdef uint32_t end = builder.ends[length - 1]
    cdef int status = STATUS_OK
    if end > builder.entered:
        status = enter_pairs(
            vocabulary, finder, builder.order + builder.entered, end - builder.entered)
        builder.entered = end
    return status


cdef inline int merge_token(
    Vocabulary *vocabulary, PairBuilder *builder, TokenGroup *group, uint32_t place
) noexcept nogil:
    """Finds the two parts of a token by merging its bytes; `left` is NO_TOKEN if there are none.

    Precondition: the pairs of all shorter tokens are entered.
    """
    cdef uint32_t index = group.indices[place]
    cdef const uint8_t *token = vocabulary.token_bytes + vocabulary.starts[index]
    cdef size_t count
    cdef Interrupt interrupt
    cdef int status
    set_interrupt(&interrupt, False, NULL)
    status = merge_parts(vocabulary, &builder.memory, &interrupt, token, group.length,
                         builder.merged, &count)
    if status != STATUS_OK:
        return status
    group.left[place] = builder.merged[0] if count == 2 else NO_TOKEN
    group.right[place] = builder.merged[1] if count == 2 else NO_TOKEN
    return STATUS_OK


cdef inline int find_group(
    Vocabulary *vocabulary, PartFinder *finder, PairBuilder *builder, TokenGroup *group
) noexcept nogil:
    """Finds the parts of a group's tokens; `cuts` is 0 for those that were merged.

    Precondition: the parts of all shorter tokens are recorded.
    """
    cdef uint32_t i
    cdef int status
    if group.length <= RATED_LENGTH and not vocabulary.misses_bytes:
        find_parts(finder, vocabulary, group)
    else:
        for i in range(group.count):
            group.left[i] = NO_TOKEN
    for i in range(group.count):
        if group.indices[i] >= builder.merging:
            group.left[i] = NO_TOKEN
        elif group.left[i] == NO_TOKEN:
            status = enter_shorter(vocabulary, finder, builder, group.length)
            if status == STATUS_OK:
                status = merge_token(vocabulary, builder, group, i)
            if status != STATUS_OK:
                return status
        else:
            continue
        group.cuts[i] = 0
    return STATUS_OK


cdef inline void record_group(
    Vocabulary *vocabulary, PartFinder *finder, PairBuilder *builder, const TokenGroup *group
) noexcept nogil:
    """Records the parts of a group's tokens, their borders and their byte pairs."""
    cdef const uint8_t *token
    cdef uint32_t i, index, left, right, cut, token_count = vocabulary.token_count
    for i in range(group.count):
        index = group.indices[i]
        left = group.left[i]
        right = group.right[i]
        cut = group.cuts[i]
        token = vocabulary.token_bytes + vocabulary.starts[index]
        if cut:
            left |= BYTE_PART * (cut == 1)
            right |= BYTE_PART * (cut == group.length - 1)
            record_joint(vocabulary, &builder.pending, token, group.length, cut)
        else:
            left = with_byte_flag(vocabulary, left)
            right = with_byte_flag(vocabulary, right)
            record_borders(vocabulary, &builder.pending, token, group.length)
        record_parts(finder, left, right, index)
        if left == NO_TOKEN:
            vocabulary.unreachable_count += 1
            bridge_around(vocabulary, token, group.length)
            continue
        # Bytes are above all tokens by their flag, and stand-ins for missing bytes by their index.
        record_byte_parts(
            vocabulary, token, group.length, left >= token_count, right >= token_count, index)
        builder.disordered += (token_count > left > index) | (token_count > right > index)


cdef inline int add_pairs_by_length(
    Vocabulary *vocabulary, PartFinder *finder, PairBuilder *builder
) noexcept nogil:
    """Finds and records the parts of all tokens, and enters their pairs."""
    cdef TokenGroup *group = finder.group
    cdef uint32_t i
    cdef int status
    for group.length in range(2, vocabulary.longest_token + 1):
        i = builder.ends[group.length - 1]
        while i < builder.ends[group.length]:
            group.count = builder.ends[group.length] - i
            if group.count > GROUP_TOKENS:
                group.count = GROUP_TOKENS
            group.indices = builder.order + i
            status = find_group(vocabulary, finder, builder, group)
            if status != STATUS_OK:
                return status
            record_group(vocabulary, finder, builder, group)
            i += group.count
    record_pending(vocabulary, &builder.pending)
    return enter_shorter(vocabulary, finder, builder, vocabulary.longest_token + 1)


cdef inline void sort_by_length(
    const Vocabulary *vocabulary, uint32_t *order, uint32_t *ends
) noexcept nogil:
    """Writes the indices of all tokens, shorter tokens first.

    Args:
        order: room for token_count indices.
        ends: longest_token + 2 zeros; receives for each length where the next one starts.
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


cdef inline int open_builder(Vocabulary *vocabulary, PairBuilder *builder) noexcept nogil:
    """Prepares. `close_builder` must follow, also after a failure."""
    memset(builder, 0, sizeof(PairBuilder))
    builder.order = <uint32_t *>allocate_zeroed(
        <size_t>vocabulary.token_count + 2 * TOKENS_AHEAD, sizeof(uint32_t))
    builder.ends = <uint32_t *>allocate_zeroed(
        <size_t>vocabulary.longest_token + 2, sizeof(uint32_t))
    builder.merged = <uint32_t *>allocate(vocabulary.longest_token, sizeof(uint32_t))
    vocabulary.byte_pairs = <uint64_t *>allocate_zeroed(BYTE_PAIRS, sizeof(uint64_t))
    if (builder.order == NULL or builder.ends == NULL or builder.merged == NULL
            or vocabulary.byte_pairs == NULL):
        return STATUS_NO_MEMORY
    sort_by_length(vocabulary, builder.order, builder.ends)
    # Tokens of less than two bytes have no pair.
    builder.entered = builder.ends[1] if vocabulary.longest_token else builder.ends[0]
    builder.merging = vocabulary.merging_count
    # tiktoken never merges into the token of rank 2^32 - 1.
    if not vocabulary.renumbered and vocabulary.ids[vocabulary.token_count - 1] == UINT32_MAX:
        builder.merging = vocabulary.token_count - 1
    return resize_pairs(vocabulary, <uint64_t>vocabulary.token_count // FIRST_LOAD + 1)


cdef inline void close_builder(PairBuilder *builder) noexcept nogil:
    release(builder.order)
    release(builder.ends)
    release(builder.merged)
    free_merge_memory(&builder.memory)


cdef inline int build_pairs(Vocabulary *vocabulary, bint gathers) noexcept nogil:
    """Builds the table of pairs; look-ups overflow about one bucket in eight."""
    cdef PartFinder finder
    cdef PairBuilder builder
    cdef int status = open_builder(vocabulary, &builder)
    cdef int finder_status = open_finder(&finder, vocabulary, gathers)
    if status == STATUS_OK:
        status = finder_status
    if status == STATUS_OK:
        status = add_pairs_by_length(vocabulary, &finder, &builder)
    vocabulary.ordered = status == STATUS_OK and builder.disordered == 0
    close_finder(&finder)
    close_builder(&builder)
    vocabulary.table_bytes += BYTE_PAIRS * sizeof(uint64_t) + (
        vocabulary.pair_bucket_count + PAIR_PROBE_LIMIT) * sizeof(PairBucket)
    return status
