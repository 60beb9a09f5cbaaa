# Builds the frozen tables of a vocabulary (vocab/tables.pxd) from its tokens in rank order.
#
# Time: O(total bytes of the tokens), plus finding each token's pair (build/parts.pxd). After a
# failure everything allocated so far still belongs to the struct, for `free_vocabulary`.

from libc.stdint cimport uint32_t
from libc.string cimport memset

from engine.base.heap cimport release
from engine.base.types cimport NO_TOKEN, STATUS_OK
from engine.build.borders cimport open_borders, shrink_borders
from engine.build.long_tokens cimport build_long_tokens
from engine.build.pair_table cimport release_pair_buckets
from engine.build.pairs cimport build_pairs
from engine.build.short_tokens cimport build_short_tokens, release_buckets
from engine.vocab.tables cimport Vocabulary, token_length


cdef inline void free_vocabulary(Vocabulary *vocabulary) noexcept nogil:
    release(vocabulary.ids)
    release(vocabulary.by_id)
    release(vocabulary.starts)
    release(vocabulary.token_bytes)
    release_buckets(vocabulary)
    release(vocabulary.long_slots)
    release(vocabulary.long_records)
    release_pair_buckets(vocabulary.pair_buckets, vocabulary.pair_bucket_count)
    release(vocabulary.byte_pairs)
    release(vocabulary.borders)
    memset(vocabulary, 0, sizeof(Vocabulary))


cdef inline void find_bytes(Vocabulary *vocabulary) noexcept nogil:
    """Fills `byte_indices` and finds the length of the longest token."""
    cdef uint32_t index, length, byte
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


cdef inline int build_tables(Vocabulary *vocabulary, bint gathers) noexcept nogil:
    """Builds all tables.

    Precondition: token_count, merging_count, ids, by_id, starts, token_bytes and seeds are set.

    The seeds should be random: otherwise a vocabulary can be crafted whose tables keep growing.

    Args:
        gathers: see `open_finder`.
    """
    cdef int status
    vocabulary.table_bytes = (
        ((3 if vocabulary.renumbered else 2) * <size_t>vocabulary.token_count + 1)
        * sizeof(uint32_t)
        + vocabulary.starts[vocabulary.token_count])
    while (vocabulary.identity_count < vocabulary.token_count
           and vocabulary.ids[vocabulary.identity_count] == vocabulary.identity_count):
        vocabulary.identity_count += 1
    find_bytes(vocabulary)
    status = build_short_tokens(vocabulary)
    if status == STATUS_OK:
        status = build_long_tokens(vocabulary)
    if status == STATUS_OK:
        status = open_borders(vocabulary)
    if status == STATUS_OK:
        status = build_pairs(vocabulary, gathers)
    if status == STATUS_OK:
        status = shrink_borders(vocabulary)
    return status
