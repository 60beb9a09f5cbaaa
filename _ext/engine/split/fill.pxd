# Fills a chunk from a string that is not ASCII; ASCII strings are read in place. Of UTF-8, what is
# found out about it is filled in, and the bytes stay where they are.
#
# A chunk has a bounded size, so that no UTF-8 copy of the whole text is made or left on the
# caller's object. It begins with a piece; the piece that it leaves unfinished is read again for
# the next one.
#
# Time: linear. Runs of ASCII are packed by vector instructions; in other runs each character
# passes once, without a branch that depends on it.

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcpy, memset

from engine.simd.vectors cimport (
    ASCII_PLACES, Block, CharacterTables, FROM_KINDS, Vectors, ascii_kinds)
from engine.split.automaton cimport Automaton
from engine.split.chunk cimport CHUNK_BLOCKS, CHUNK_CHARACTERS, Chunk
from engine.split.rules cimport ODD_CONTROLS
from engine.split.starts cimport ascii_source
from engine.text.utf8 cimport TextView, character_at, encode_character, is_surrogate
from engine.vocab.borders cimport hash_character, is_bridged, is_cuttable
from engine.vocab.tables cimport Vocabulary

cdef enum:
    RUN = 16    # characters that are checked for ASCII together

cdef struct Filling:
    const TextView *view
    const Automaton *automaton       # has the kinds
    const Vocabulary *vocabulary     # has the borders
    CharacterTables tables           # of both, for vector instructions
    uint32_t previous                # the character before the next one, or 0 at the chunk's start


cdef inline size_t fill_bytes(
    const TextView *view, size_t position, size_t end, Chunk *chunk
) noexcept nogil:
    """Fills a chunk with UTF-8 alone, until `end` or until it is full.

    Returns:
        The position after the characters read, or that of a surrogate, where it stops.
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
    """Writes RUN characters as bytes; returns whether all were ASCII.

    The compiler turns the loops into vector instructions.
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
    const Filling *filling, size_t position, uint32_t count, uint32_t previous, Chunk *chunk,
    uint32_t block, uint32_t first
) noexcept nogil:
    """Appends up to 64 characters, not all of them ASCII.

    Args:
        previous: the character before them, or 0.
        block: the block of the chunk that they belong to.
        first: their place in it, in characters.

    Returns:
        Whether there was no surrogate; if there was one, the block is unusable.
    """
    cdef const Automaton *automaton = filling.automaton
    cdef uint8_t *block_bytes = chunk.bytes + chunk.block_starts[block]
    cdef uint8_t *out = chunk.bytes + chunk.byte_count
    cdef uint8_t *places = chunk.places + 64 * block + first
    cdef uint8_t *kinds = chunk.kinds + first
    cdef uint32_t character, word, length, i
    cdef uint64_t unbridged = 0
    cdef bint surrogate = False
    for i in range(count):
        character = character_at(filling.view, position + i)
        surrogate |= is_surrogate(character)
        places[i] = <uint8_t>(out - block_bytes)
        kinds[i] = automaton.block_kinds[
            (<size_t>automaton.block_index[character >> 7] << 7) | (character & 127)]
        word = encode_character(character, &length)
        memcpy(out, &word, sizeof(word))
        out += length
        if is_cuttable(character) or is_cuttable(previous):
            unbridged |= <uint64_t>(not is_bridged(
                filling.vocabulary, previous, hash_character(previous), character,
                hash_character(character), <uint8_t>word)) << i
        previous = character
    chunk.cuts[block] |= unbridged << first
    chunk.byte_count = out - chunk.bytes
    return not surrogate


cdef inline bint fill_block(
    const Filling *filling, size_t position, uint32_t count, Chunk *chunk, uint32_t number
) noexcept nogil:
    """Appends a block of up to 64 characters, and their kinds and cuts.

    Args:
        number: of the block in the chunk.

    Returns:
        Whether there was no surrogate.
    """
    cdef uint32_t previous = filling.previous, done = 0, run, i
    cdef uint8_t start
    cdef uint8_t *out
    chunk.cuts[number] = 0
    while done < count:
        out = chunk.bytes + chunk.byte_count
        run = RUN if count - done >= RUN else count - done
        if run == RUN and pack_ascii(filling.view, position + done, out):
            ascii_kinds(out, filling.automaton.rules & ODD_CONTROLS, chunk.kinds + done)
            start = <uint8_t>(chunk.byte_count - chunk.block_starts[number])
            for i in range(RUN):
                chunk.places[64 * number + done + i] = <uint8_t>(start + i)
            chunk.byte_count += RUN
        elif not fill_run(filling, position + done, run, previous, chunk, number, done):
            return False
        done += run
        previous = character_at(filling.view, position + done - 1)
    memset(chunk.kinds + count, 0, 64 - count)
    return True


cdef inline bint fill_vector_block(
    const Filling *filling, const Vectors *vectors, size_t position, uint32_t count, Chunk *chunk,
    uint32_t number
) noexcept nogil:
    """Does what `fill_block` does, and the masks, by vector instructions; returns whether it could.
    """
    cdef uint8_t padded[4 * 64]
    cdef int width = filling.view.width
    cdef const uint8_t *source = <const uint8_t *>filling.view.data + position * width
    cdef Block block
    if vectors.encode_block == NULL:
        return False
    if count < 64:
        memset(padded, 0, sizeof(padded))
        memcpy(padded, source, count * width)
        source = padded
    block.bytes = chunk.bytes + chunk.byte_count
    block.places = chunk.places + 64 * number
    block.masks = chunk.masks + 8 * number
    if not vectors.encode_block(source, width, filling.previous, &filling.tables, &block):
        return False
    chunk.cuts[number] = block.cuts
    chunk.byte_count += block.byte_count - (64 - count)
    return True


cdef inline CharacterTables character_tables(
    const Automaton *automaton, const Vocabulary *vocabulary
) noexcept nogil:
    cdef CharacterTables tables
    tables.kinds = automaton.low_kinds
    tables.page_kinds = automaton.page_kinds
    tables.borders = vocabulary.borders
    tables.border_shift = vocabulary.border_shift
    tables.before_fragments = vocabulary.before_fragments
    tables.after_fragments = vocabulary.after_fragments
    tables.fragment_left = vocabulary.fragment_left
    tables.fragment_right = vocabulary.fragment_right
    return tables


cdef inline bint read_chunk(
    const uint8_t *text, size_t length, const Automaton *automaton, const Vocabulary *vocabulary,
    const Vectors *vectors, Chunk *chunk
) noexcept nogil:
    """Fills a chunk, but for its bytes, with the beginning of UTF-8 of unknown validity.

    Ends before characters above 0xFFFF, and before what is not valid.

    Precondition: `vectors.read_block` is there, and `length` is more than 0.

    Returns:
        Whether there are any characters in the chunk.
    """
    cdef CharacterTables tables = character_tables(automaton, vocabulary)
    cdef uint32_t number = 0
    cdef size_t position = 0, size
    cdef Block block
    block.bytes = NULL
    block.last = 0
    chunk.characters = 0
    while position < length and number < CHUNK_BLOCKS:
        block.places = chunk.places + 64 * number
        block.masks = chunk.masks + 8 * number
        size = vectors.read_block(text + position, length - position, block.last, &tables, &block)
        if size == 0:
            break
        chunk.cuts[number] = block.cuts
        chunk.block_starts[number] = <uint32_t>position
        chunk.characters += block.characters
        position += size
        number += 1
    chunk.byte_count = position
    return position > 0


cdef inline bint fill_chunk(
    const TextView *view, size_t position, size_t end, const Automaton *automaton,
    const Vocabulary *vocabulary, const Vectors *vectors, Chunk *chunk
) noexcept nogil:
    """Fills a chunk with up to CHUNK_CHARACTERS characters, their kinds and cuts.

    Precondition: the chunk has room for them, and `position` is less than `end`.

    Returns:
        Whether there was no surrogate among them.
    """
    cdef Filling filling
    cdef uint32_t block = 0, count
    cdef uint8_t *out
    filling.view = view
    filling.automaton = automaton
    filling.vocabulary = vocabulary
    filling.tables = character_tables(automaton, vocabulary)
    filling.previous = 0
    if end - position > CHUNK_CHARACTERS:
        end = position + CHUNK_CHARACTERS
    chunk.characters = end - position
    chunk.byte_count = 0
    while position < end:
        count = 64 if end - position >= 64 else <uint32_t>(end - position)
        out = chunk.bytes + chunk.byte_count
        chunk.block_starts[block] = <uint32_t>chunk.byte_count
        if not fill_vector_block(&filling, vectors, position, count, chunk, block):
            if count == 64 and vectors.pack_ascii(
                    <const uint8_t *>view.data + position * view.width, view.width, out):
                vectors.masks(out, 1, ascii_source(automaton.rules), chunk.masks + 8 * block)
                memcpy(chunk.places + 64 * block, ASCII_PLACES, 64)
                chunk.byte_count += 64
                chunk.cuts[block] = 0
            else:
                if not fill_block(&filling, position, count, chunk, block):
                    return False
                vectors.masks(chunk.kinds, 1, FROM_KINDS, chunk.masks + 8 * block)
        position += count
        filling.previous = character_at(view, position - 1)
        block += 1
    return True
