# Builds the hash table of tokens of 16 bytes or more.

from libc.stdint cimport uint8_t, uint32_t, uint64_t, UINT32_MAX
from libc.string cimport memcpy, memset

from engine.base.heap cimport allocate, allocate_zeroed, release
from engine.base.types cimport SHORT_PIECE, STATUS_NO_MEMORY, STATUS_OK
from engine.build.short_tokens cimport NOT_PLACED
from engine.vocab.tables cimport PROBE_LIMIT, Vocabulary, hash_bytes, token_length


cdef inline uint64_t record_words(uint32_t length) noexcept nogil:
    """Returns the words in the record of a token of `length` bytes."""
    return 2 + (<uint64_t>length + 3) // 4


cdef inline int fill_records(Vocabulary *vocabulary) noexcept nogil:
    """Writes the records of all long tokens."""
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


cdef inline int fill_slots(Vocabulary *vocabulary) noexcept nogil:
    """Enters all records into the `long_mask` + 1 slots."""
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


cdef inline int build_long_tokens(Vocabulary *vocabulary) noexcept nogil:
    """Builds the table, at most a third full."""
    cdef uint32_t index
    cdef uint64_t count = 0, slots = 1
    for index in range(vocabulary.token_count):
        count += token_length(vocabulary, index) > SHORT_PIECE
    while slots < 3 * count + 1:
        slots *= 2
    if fill_records(vocabulary) != STATUS_OK:
        return STATUS_NO_MEMORY
    while True:
        release(vocabulary.long_slots)
        vocabulary.long_slots = <uint32_t *>allocate(slots, sizeof(uint32_t))
        if vocabulary.long_slots == NULL:
            return STATUS_NO_MEMORY
        vocabulary.long_mask = slots - 1
        if fill_slots(vocabulary) == STATUS_OK:
            vocabulary.table_bytes += (slots + vocabulary.long_words) * sizeof(uint32_t)
            return STATUS_OK
        slots *= 2
