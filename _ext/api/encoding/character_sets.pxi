"""Which texts have other characters than those of a set."""

from libc.stdint cimport uint8_t

from api.arguments cimport view_text
from engine.text.character_sets cimport SET_BYTES, holds_only
from engine.text.utf8 cimport TextView


def texts_with_others(list texts not None, bytes members not None) -> list[int]:
    """Returns the places of texts that have other characters than those of a set.

    Args:
        texts: the texts; what is no `str` is passed over.
        members: a bit per code point, the lowest of a byte first.

    Raises:
        ValueError: `members` has not a bit for each code point.
    """
    cdef const uint8_t *bits = <const uint8_t *><char *>members
    cdef TextView view
    cdef bint found
    cdef Py_ssize_t place
    cdef list places = []
    if len(members) != SET_BYTES:
        raise ValueError(f"a set of characters has {SET_BYTES} bytes, not {len(members)}")
    for place, text in enumerate(texts):
        if not isinstance(text, str):
            continue
        view_text(text, &view)
        if view.length <= GIL_BYTES:
            found = holds_only(bits, &view)
        else:
            with nogil:
                found = holds_only(bits, &view)
        if not found:
            places.append(place)
    return places
