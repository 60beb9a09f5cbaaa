# Stretches of a text that may change if it is brought into a normalization form that composes.
#
# Each character has a class, a byte: a *plain* one is no mark and nothing before it changes it, so
# the form of a text is that of its parts, cut before plain characters. Marks have ranks, in the
# order of their canonical combining classes. A stretch is a run of characters that are not plain,
# with the plain one before it. It stays as it is if its marks are in order, if none of its
# characters is left out of the form, and if none that is sometimes a second part of a composition
# follows one that is sometimes a first part of one, or that is composed itself.
#
# Time: linear; characters below U+0200 are read by vector instructions, others looked up. Space:
# a byte per code point below U+30000, of which the text's scripts are touched.
#
# Reference: Unicode Standard Annex 15, section 9, "Detecting Normalization Forms".

from libc.stdint cimport uint8_t, uint32_t

from engine.text.utf8 cimport TextView, read_character

cdef enum:
    CLASSED_CHARACTERS = 0x30000    # later ones are plain
    LOOKED_AT = 64                  # plain characters that are passed over together
    RANK = 63                       # bits of a class: its rank, 0 if it is no mark, or
    NEVER = 63                      # - that the form never has it
    SECOND = 64                     # whether it is sometimes a second part of a composition
    FIRST = 128                     # whether it is sometimes a first part of one, or composed

cdef struct DoubtfulStretch:
    size_t start    # characters
    size_t end


cdef inline uint32_t class_at(
    const uint8_t *classes, const void *data, int width, size_t position
) noexcept nogil:
    cdef uint32_t character = read_character(data, width, position)
    return classes[character if character < CLASSED_CHARACTERS else 0]


cdef inline bint are_plain(
    const uint8_t *classes, const void *data, int width, size_t start, size_t end
) noexcept nogil:
    """Returns whether all of some characters are plain. Below U+0200, all are.

    The compiler turns the first loop into vector instructions.
    """
    cdef uint32_t seen = 0
    cdef size_t i
    for i in range(start, end):
        seen |= read_character(data, width, i)
    if seen < 0x200:
        return True
    seen = 0
    for i in range(start, end):
        seen |= class_at(classes, data, width, i)
    return seen & (RANK | SECOND) == 0


cdef inline bint read_run(
    const uint8_t *classes, const void *data, int width, size_t length, size_t start, size_t *end
) noexcept nogil:
    """Reads a run of characters that are not plain; returns whether they may change.

    Args:
        start: where it begins.
        end: receives where it ends.
    """
    cdef uint32_t of_character, rank, last = 0, first = 0
    cdef bint doubtful = False
    if start > 0:
        first = class_at(classes, data, width, start - 1) & FIRST
    while start < length:
        of_character = class_at(classes, data, width, start)
        rank = of_character & RANK
        if of_character & (RANK | SECOND) == 0:
            break
        doubtful |= (rank == NEVER) | (rank != 0 and rank < last) | (
            of_character & SECOND != 0 and first != 0)
        last = rank
        if rank == 0:
            first = of_character & FIRST
        start += 1
    end[0] = start
    return doubtful


cdef inline bint find_in_text(
    const uint8_t *classes, const void *data, int width, size_t length, DoubtfulStretch *stretch
) noexcept nogil:
    """As `find_doubtful`; the compiler specialises it for a constant width."""
    cdef size_t position = stretch.end, end
    while position < length:
        end = min(position + LOOKED_AT, length)
        if are_plain(classes, data, width, position, end):
            position = end
            continue
        while class_at(classes, data, width, position) & (RANK | SECOND) == 0:
            position += 1
        if read_run(classes, data, width, length, position, &end):
            stretch.start = position - (position > 0)
            stretch.end = end
            return True
        position = end
    return False


cdef inline bint find_doubtful(
    const uint8_t *classes, const TextView *view, DoubtfulStretch *stretch
) noexcept nogil:
    """Finds the next stretch of a text that may change; returns whether there is one.

    Args:
        classes: [CLASSED_CHARACTERS].
        view: not UTF-8, unless it is ASCII.
        stretch: its `end` says from where on; receives what was found.
    """
    if view.width <= 1:
        return False
    if view.width == 2:
        return find_in_text(classes, view.data, 2, view.length, stretch)
    return find_in_text(classes, view.data, 4, view.length, stretch)
