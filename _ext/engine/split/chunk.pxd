# A part of a text, ready to be split: UTF-8 bytes, and for each block of 64 characters the words of
# their kinds (split/blocks.pxd) and of the cuts between them (vocab/borders.pxd).
#
# ASCII strings are read where they are. Other strings become UTF-8 in a chunk of bounded size, so
# that no UTF-8 copy of the whole text is made or left on the caller's object. A chunk begins with a
# piece; the piece that a chunk leaves unfinished is read again by the next one.
#
# Time: linear. Runs of ASCII are packed by vector instructions; in other runs each character passes
# once, without a branch that depends on it.

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t, UINT32_MAX
from libc.string cimport memcpy, memset

from engine.split.automaton cimport Automaton
from engine.vocab.borders cimport hash_character, is_bridged, is_cuttable
from engine.base.heap cimport grow, release
from engine.base.types cimport LOAD_SLACK, STATUS_NO_MEMORY, STATUS_OK, check
from engine.simd.vectors cimport ASCII_PLACES, Block, CharacterTables, Vectors, ascii_kinds
from engine.text.utf8 cimport TextView, character_at, encode_character, is_surrogate
from engine.vocab.tables cimport Vocabulary

cdef enum:
    RUN = 16                               # characters that are looked at together
    CHUNK_BLOCKS = 64
    CHUNK_CHARACTERS = 64 * CHUNK_BLOCKS   # characters that are split at a time

cdef struct Chunk:
    uint8_t *bytes                             # owned: UTF-8
    size_t byte_count
    size_t characters
    size_t capacity                            # characters there is room for in `bytes`
    uint64_t masks[8 * (CHUNK_BLOCKS + 1)]     # a word for each bit of a kind, block by block
    uint64_t cuts[CHUNK_BLOCKS]                # bits of characters before which a piece may be cut
    uint32_t block_starts[CHUNK_BLOCKS + 1]    # where each block begins, in bytes
    uint8_t places[CHUNK_CHARACTERS]           # where each character begins in its block, in bytes
    uint8_t kinds[64]                          # of a block on its way into `masks`


cdef inline int grow_chunk(Chunk *chunk, size_t capacity) noexcept nogil:
    """Makes room for so many characters."""
    if capacity > chunk.capacity:
        if (capacity > UINT32_MAX // 4 - LOAD_SLACK
                or grow(<void **>&chunk.bytes, 4 * capacity + LOAD_SLACK) != STATUS_OK):
            return STATUS_NO_MEMORY
        chunk.capacity = capacity
    return STATUS_OK


cdef inline void free_chunk(Chunk *chunk) noexcept nogil:
    release(chunk.bytes)
    chunk.bytes = NULL
    chunk.capacity = 0


cdef inline size_t fill_bytes(
    const TextView *view, size_t position, size_t end, Chunk *chunk
) noexcept nogil:
    """Fills a chunk with UTF-8 alone, until `end` or until it is full.

    Returns:
        The position behind the characters read: that of a surrogate if it stops before one.
    """
    cdef uint8_t *out = chunk.bytes
    cdef uint32_t character, length, word
    chunk.characters = 0
    while position < end and chunk.characters < chunk.capacity:
        character = character_at(view, position)
        if is_surrogate(character):
            break
        word = encode_character(character, &length)
        memcpy(out, &word, sizeof(word))
        out += length
        position += 1
        chunk.characters += 1
    chunk.byte_count = out - chunk.bytes
    return position


cdef inline bint pack_ascii(const TextView *view, size_t position, uint8_t *out) noexcept nogil:
    """Writes RUN characters as bytes; whether all were ASCII.

    The loops become vector instructions.
    """
    cdef const uint8_t *narrow = <const uint8_t *>view.data + position
    cdef const uint16_t *medium = <const uint16_t *>view.data + position
    cdef const uint32_t *wide = <const uint32_t *>view.data + position
    cdef uint32_t seen = 0
    cdef uint16_t seen_medium = 0
    cdef uint8_t seen_narrow = 0
    cdef int i
    if view.width == 1:
        for i in range(RUN):
            seen_narrow |= narrow[i]
            out[i] = narrow[i]
        return seen_narrow < 0x80
    if view.width == 2:
        for i in range(RUN):
            seen_medium |= medium[i]
            out[i] = <uint8_t>medium[i]
        return seen_medium < 0x80
    for i in range(RUN):
        seen |= wide[i]
        out[i] = <uint8_t>wide[i]
    return seen < 0x80


cdef inline bint fill_run(
    const TextView *view, size_t position, uint32_t count, const Automaton *automaton,
    const Vocabulary *vocabulary, uint32_t block, uint32_t first, uint32_t previous, Chunk *chunk
) noexcept nogil:
    """Appends up to 64 characters of which some are not ASCII.

    Args:
        first: the place of the first of them in the block, in characters.
        previous: the character before, or 0.

    Returns:
        Whether there was no surrogate; else the block is not usable.
    """
    cdef uint8_t *block_bytes = chunk.bytes + chunk.block_starts[block]
    cdef uint8_t *out = chunk.bytes + chunk.byte_count
    cdef uint8_t *places = chunk.places + 64 * block + first
    cdef uint8_t *kinds = chunk.kinds + first
    cdef uint32_t character, word, length, i
    cdef uint64_t unbridged = 0
    cdef bint surrogate = False
    for i in range(count):
        character = character_at(view, position + i)
        surrogate |= is_surrogate(character)
        places[i] = <uint8_t>(out - block_bytes)
        kinds[i] = automaton.block_kinds[
            (<size_t>automaton.block_index[character >> 7] << 7) | (character & 127)]
        word = encode_character(character, &length)
        memcpy(out, &word, sizeof(word))
        out += length
        if is_cuttable(character) or is_cuttable(previous):
            unbridged |= <uint64_t>(not is_bridged(
                vocabulary, previous, hash_character(previous), character,
                hash_character(character), <uint8_t>word)) << i
        previous = character
    chunk.cuts[block] |= unbridged << first
    chunk.byte_count = out - chunk.bytes
    return not surrogate


cdef inline bint fill_vector_block(
    const TextView *view, size_t position, uint32_t count, const CharacterTables *tables,
    const Vectors *vectors, uint32_t number, uint32_t previous, Chunk *chunk
) noexcept nogil:
    """Appends a block of up to 64 characters by vector instructions, with its masks and cuts.

    Args:
        number: of the block in the chunk.
        previous: the character before, or 0.

    Returns:
        Whether it could.
    """
    cdef uint8_t padded[4 * 64]
    cdef const uint8_t *source = <const uint8_t *>view.data + position * view.width
    cdef Block block
    if vectors.encode_block == NULL:
        return False
    if count < 64:
        memset(padded, 0, sizeof(padded))
        memcpy(padded, source, count * view.width)
        source = padded
    block.bytes = chunk.bytes + chunk.byte_count
    block.places = chunk.places + 64 * number
    block.masks = chunk.masks + 8 * number
    if not vectors.encode_block(source, view.width, previous, tables, &block):
        return False
    chunk.cuts[number] = block.cuts
    chunk.byte_count += block.byte_count - (64 - count)
    return True


cdef inline bint fill_block(
    const TextView *view, size_t position, uint32_t count, const Automaton *automaton,
    const Vocabulary *vocabulary, uint32_t number, uint32_t previous, Chunk *chunk
) noexcept nogil:
    """Appends a block of up to 64 characters and their kinds; returns whether there was no
    surrogate. Arguments as for `fill_vector_block`."""
    cdef uint32_t done = 0, run, i
    cdef uint8_t start
    cdef uint8_t *out
    chunk.cuts[number] = 0
    while done < count:
        out = chunk.bytes + chunk.byte_count
        run = RUN if count - done >= RUN else count - done
        if run == RUN and pack_ascii(view, position + done, out):
            ascii_kinds(out, chunk.kinds + done)
            start = <uint8_t>(chunk.byte_count - chunk.block_starts[number])
            for i in range(RUN):
                chunk.places[64 * number + done + i] = <uint8_t>(start + i)
            chunk.byte_count += RUN
        elif not fill_run(view, position + done, run, automaton, vocabulary, number, done,
                          previous, chunk):
            return False
        done += run
        previous = character_at(view, position + done - 1)
    memset(chunk.kinds + count, 0, 64 - count)
    return True


cdef inline bint fill_chunk(
    const TextView *view, size_t position, size_t end, const Automaton *automaton,
    const Vocabulary *vocabulary, const Vectors *vectors, Chunk *chunk
) noexcept nogil:
    """Fills a chunk with up to CHUNK_CHARACTERS characters, their kinds and cuts.

    Precondition: the chunk has room for them; `position` is before `end`.

    Returns:
        Whether there was no surrogate among them.
    """
    cdef uint32_t block = 0, count
    cdef uint32_t previous = 0
    cdef uint8_t *out
    cdef CharacterTables tables
    tables.kinds = automaton.low_kinds
    tables.page_kinds = automaton.page_kinds
    tables.borders = vocabulary.borders
    tables.border_shift = vocabulary.border_shift
    tables.before_fragments = vocabulary.before_fragments
    tables.after_fragments = vocabulary.after_fragments
    tables.fragment_left = vocabulary.fragment_left
    tables.fragment_right = vocabulary.fragment_right
    if end - position > CHUNK_CHARACTERS:
        end = position + CHUNK_CHARACTERS
    chunk.characters = end - position
    chunk.byte_count = 0
    while position < end:
        count = 64 if end - position >= 64 else <uint32_t>(end - position)
        out = chunk.bytes + chunk.byte_count
        chunk.block_starts[block] = <uint32_t>chunk.byte_count
        if not fill_vector_block(view, position, count, &tables, vectors, block, previous, chunk):
            if count == 64 and vectors.pack_ascii(
                    <const uint8_t *>view.data + position * view.width, view.width, out):
                vectors.masks(out, 1, True, chunk.masks + 8 * block)
                memcpy(chunk.places + 64 * block, ASCII_PLACES, 64)
                chunk.byte_count += 64
                chunk.cuts[block] = 0
            else:
                if not fill_block(view, position, count, automaton, vocabulary, block, previous,
                                  chunk):
                    return False
                vectors.masks(chunk.kinds, 1, False, chunk.masks + 8 * block)
        if vocabulary.unreachable_count:
            chunk.cuts[block] = 0
        position += count
        previous = character_at(view, position - 1)
        block += 1
    return True


cdef inline size_t character_of(const Chunk *chunk, uint32_t place) noexcept nogil:
    """Returns which character of a filled chunk begins at a byte, or their number at its end."""
    cdef size_t block = 0, first
    cdef size_t blocks = (chunk.characters + 63) >> 6
    if place == chunk.byte_count:
        return chunk.characters
    while block + 1 < blocks and chunk.block_starts[block + 1] <= place:
        block += 1
    first = 64 * block
    place -= chunk.block_starts[block]
    while chunk.places[first] != place:
        first += 1
        check(first < chunk.characters)
    return first
