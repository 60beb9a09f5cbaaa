# Frozen tables as a file that is mapped into memory: its layout, its checks, mapping it.
#
# A file is a header and ten sections, the arrays that `Vocabulary` points to, each at the start of
# a page. The header holds the struct itself without its pointers, so opening a file means mapping
# it and setting ten pointers; nothing is parsed, and all processes share the pages.
#
# A file is used only if it is exactly as it was written: magic, layout version, byte order, sizes
# of words and structs, its length, and checksums of the header and of everything after it. For the
# checksum the file is *read* in blocks, not mapped: so pages that no look-up touches never count as
# this process's memory. That takes about a millisecond per 10 MB in the page cache. The checksum
# finds damage, not malice: anyone who can write the file could write the program instead. A mapped
# file must not be changed; files are replaced by renaming, and the old one lives on as long as it
# is mapped.
#
# The seeds of the tables' hashes are in the file. Those of the bundled vocabularies are the same
# everywhere, which is safe: the tables never change, so nobody can lengthen their chains of probes,
# and the longest chain is known when they are built. Caches, which text writes to, have random
# seeds.

from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memcmp, memcpy, memset

from engine.base.files cimport map_file, read_at, unmap_file
from engine.base.heap cimport allocate, release
from engine.base.types cimport LOAD_SLACK
from engine.vocab.checksum cimport (
    CHECKSUM_KEYS, Checksum, add_bytes, checksum_bytes, finish_checksum, start_checksum)
from engine.vocab.tables cimport (
    BYTE_PAIRS, Bucket, PAIR_PROBE_LIMIT, PairBucket, PROBE_LIMIT, Vocabulary)

cdef enum:
    LAYOUT_VERSION = 8         # raise it when the layout, a hash or what is recorded changes
    BYTE_ORDER = 0x01020304
    SECTION_COUNT = 10
    TOKEN_BYTES_SECTION = 7
    TABLE_PAGE = 4096          # alignment of the sections
    DIGEST_WORDS = 2
    READ_BYTES = 1 << 17       # bytes read at a time for the checksum

# What is wrong with a file; TABLE_FAULTS in api/encoding/vocabulary.pxi says it in words.
cdef enum TableFault:
    TABLE_SOUND = 0
    TABLE_UNREADABLE = 1
    TABLE_FOREIGN = 2
    TABLE_OTHER_LAYOUT = 3
    TABLE_OTHER_MACHINE = 4
    TABLE_HEADER_DAMAGED = 5
    TABLE_WRONG_SIZE = 6
    TABLE_DAMAGED = 7
    TABLE_NO_MEMORY = 8

cdef struct Section:
    uint64_t offset    # bytes from the start of the file
    uint64_t size      # bytes

cdef struct TableHeader:
    uint8_t magic[8]
    uint32_t layout_version
    uint32_t byte_order
    uint32_t word_bytes                # sizeof(size_t)
    uint32_t struct_bytes              # sizeof(Vocabulary)
    uint64_t file_bytes
    uint64_t digest[DIGEST_WORDS]      # of the tokens and ranks, see digest_ranks
    Section sections[SECTION_COUNT]
    Vocabulary tables                  # its pointers are NULL
    uint64_t payload_checksum          # of everything after the header's pages
    uint64_t header_checksum           # of this header up to here

cdef struct TableFile:
    void *memory        # owned: the mapped file
    size_t size         # bytes

cdef extern from *:
    """
    static const uint8_t bpecore_table_magic[8] = {'B', 'P', 'E', 'T', 'A', 'B', 'L', 'E'};
    """
    const uint8_t[8] TABLE_MAGIC "bpecore_table_magic"


cdef inline void digest_ranks(
    const uint32_t *ids, const uint32_t *starts, const uint8_t *token_bytes, uint32_t count,
    uint64_t *digest
) noexcept nogil:
    """Writes a 128-bit digest of tokens and ranks.

    It does not resist forgery: equal digests only mean that comparing is worthwhile.
    """
    cdef int word
    cdef Checksum state
    for word in range(DIGEST_WORDS):
        start_checksum(&state, CHECKSUM_KEYS[word + 1])
        add_bytes(&state, ids, <size_t>count * sizeof(uint32_t))
        add_bytes(&state, starts, (<size_t>count + 1) * sizeof(uint32_t))
        add_bytes(&state, token_bytes, starts[count])
        digest[word] = finish_checksum(&state)


# ---- layout -------------------------------------------------------------------------------

cdef inline void **section_pointer(Vocabulary *tables, int section) noexcept nogil:
    """Returns the pointer of the struct that a section belongs to; encoding needs the first ones.
    """
    if section == 0:
        return <void **>&tables.buckets
    if section == 1:
        return <void **>&tables.pair_buckets
    if section == 2:
        return <void **>&tables.byte_pairs
    if section == 3:
        return <void **>&tables.borders
    if section == 4:
        return <void **>&tables.long_slots
    if section == 5:
        return <void **>&tables.long_records
    if section == 6:
        return <void **>&tables.starts
    if section == TOKEN_BYTES_SECTION:
        return <void **>&tables.token_bytes
    if section == 8:
        return <void **>&tables.ids
    return <void **>&tables.by_id


cdef inline uint64_t section_size(
    const Vocabulary *tables, int section, uint64_t token_bytes
) noexcept nogil:
    """Returns the size of a section, given the total bytes of all tokens."""
    if section == 0:
        return (tables.bucket_count + PROBE_LIMIT) * sizeof(Bucket)
    if section == 1:
        return (tables.pair_bucket_count + PAIR_PROBE_LIMIT) * sizeof(PairBucket)
    if section == 2:
        return BYTE_PAIRS * sizeof(uint64_t)
    if section == 3:
        return (<uint64_t>1 << (32 - tables.border_shift)) // 8
    if section == 4:
        return (tables.long_mask + 1) * sizeof(uint32_t)
    if section == 5:
        return tables.long_words * sizeof(uint32_t)
    if section == 6:
        return (<uint64_t>tables.token_count + 1) * sizeof(uint32_t)
    if section == TOKEN_BYTES_SECTION:
        return token_bytes + LOAD_SLACK
    if section == 8 or tables.renumbered:
        return <uint64_t>tables.token_count * sizeof(uint32_t)
    return 0


cdef inline uint64_t next_page(uint64_t offset) noexcept nogil:
    return (offset + TABLE_PAGE - 1) // TABLE_PAGE * TABLE_PAGE


cdef inline void lay_out(
    const Vocabulary *vocabulary, const uint64_t *digest, TableHeader *header
) noexcept nogil:
    """Fills a header except its checksums."""
    cdef uint64_t offset = next_page(sizeof(TableHeader))
    cdef int section
    memset(header, 0, sizeof(TableHeader))
    memcpy(header.magic, TABLE_MAGIC, sizeof(header.magic))
    header.layout_version = LAYOUT_VERSION
    header.byte_order = BYTE_ORDER
    header.word_bytes = sizeof(size_t)
    header.struct_bytes = sizeof(Vocabulary)
    header.tables = vocabulary[0]
    for section in range(SECTION_COUNT):
        section_pointer(&header.tables, section)[0] = NULL
        header.sections[section].offset = offset
        header.sections[section].size = section_size(
            vocabulary, section, vocabulary.starts[vocabulary.token_count])
        offset = next_page(offset + header.sections[section].size)
    header.file_bytes = offset
    memcpy(header.digest, digest, sizeof(header.digest))


cdef inline uint64_t header_checksum_of(const TableHeader *header) noexcept nogil:
    return checksum_bytes(header, sizeof(TableHeader) - sizeof(uint64_t), 0)


cdef inline void write_tables(
    Vocabulary *vocabulary, TableHeader *header, uint8_t *out
) noexcept nogil:
    """Writes a whole file into memory.

    Args:
        header: filled by `lay_out`; receives its checksums.
        out: room for `header.file_bytes` bytes.
    """
    cdef size_t start = next_page(sizeof(TableHeader))
    cdef int section
    memset(out, 0, header.file_bytes)
    for section in range(SECTION_COUNT):
        if header.sections[section].size:
            memcpy(out + header.sections[section].offset, section_pointer(vocabulary, section)[0],
                   header.sections[section].size)
    header.payload_checksum = checksum_bytes(out + start, header.file_bytes - start, 0)
    header.header_checksum = header_checksum_of(header)
    memcpy(out, header, sizeof(TableHeader))


# ---- reading ------------------------------------------------------------------------------

cdef inline TableFault check_header(const TableHeader *header, uint64_t read_bytes,
                                    uint64_t file_bytes) noexcept nogil:
    """Checks a header.

    Args:
        read_bytes: how many of its bytes were read.
        file_bytes: the size of the file.
    """
    cdef uint64_t offset = next_page(sizeof(TableHeader))
    cdef int section
    if read_bytes < 24 or memcmp(header.magic, TABLE_MAGIC, sizeof(header.magic)) != 0:
        return TABLE_FOREIGN
    if header.byte_order != BYTE_ORDER:
        return TABLE_OTHER_MACHINE
    if header.layout_version != LAYOUT_VERSION:
        return TABLE_OTHER_LAYOUT
    if header.word_bytes != sizeof(size_t) or header.struct_bytes != sizeof(Vocabulary):
        return TABLE_OTHER_MACHINE
    if read_bytes < sizeof(TableHeader):
        return TABLE_WRONG_SIZE
    if header.header_checksum != header_checksum_of(header):
        return TABLE_HEADER_DAMAGED
    if header.file_bytes != file_bytes:
        return TABLE_WRONG_SIZE
    for section in range(SECTION_COUNT):
        if header.sections[section].offset != offset or (
                section != TOKEN_BYTES_SECTION and header.sections[section].size != section_size(
                    &header.tables, section, 0)):
            return TABLE_HEADER_DAMAGED
        offset = next_page(offset + header.sections[section].size)
    return TABLE_SOUND if offset == file_bytes else TABLE_HEADER_DAMAGED


cdef inline TableFault check_payload(int descriptor, const TableHeader *header) noexcept nogil:
    """Reads everything after the header and compares its checksum."""
    cdef uint64_t position = next_page(sizeof(TableHeader))
    cdef uint64_t size
    cdef Checksum state
    cdef uint8_t *part = <uint8_t *>allocate(READ_BYTES, 1)
    if part == NULL:
        return TABLE_NO_MEMORY
    start_checksum(&state, 0)
    while position < header.file_bytes:
        size = header.file_bytes - position
        if size > READ_BYTES:
            size = READ_BYTES
        if read_at(descriptor, part, size, position) != <int64_t>size:
            release(part)
            return TABLE_UNREADABLE
        add_bytes(&state, part, size)
        position += size
    release(part)
    return TABLE_SOUND if finish_checksum(&state) == header.payload_checksum else TABLE_DAMAGED


cdef inline TableFault open_tables(
    int descriptor, uint64_t file_bytes, Vocabulary *vocabulary, TableFile *file,
    uint64_t *digest
) noexcept nogil:
    """Checks a file and maps it.

    Args:
        descriptor: the open file; it may be closed afterwards.
        vocabulary: receives tables that point into the file, if it is sound.
        file: receives the mapping, for `close_tables`.
        digest: receives the digest of its tokens and ranks.
    """
    cdef TableHeader header
    cdef int64_t got = read_at(descriptor, &header, sizeof(header), 0)
    cdef TableFault fault
    cdef int section
    if got < 0:
        return TABLE_UNREADABLE
    fault = check_header(&header, <uint64_t>got, file_bytes)
    if fault == TABLE_SOUND:
        fault = check_payload(descriptor, &header)
    if fault != TABLE_SOUND:
        return fault
    file.memory = map_file(descriptor, file_bytes)
    if file.memory == NULL:
        return TABLE_UNREADABLE
    file.size = file_bytes
    vocabulary[0] = header.tables
    memcpy(digest, header.digest, sizeof(header.digest))
    for section in range(SECTION_COUNT):
        if header.sections[section].size:
            section_pointer(vocabulary, section)[0] = (
                <uint8_t *>file.memory + header.sections[section].offset)
    return TABLE_SOUND


cdef inline void close_tables(TableFile *file) noexcept nogil:
    if file.memory != NULL:
        unmap_file(file.memory, file.size)
    file.memory = NULL
