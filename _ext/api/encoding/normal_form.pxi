"""What of a text a normalization form may change."""

from libc.stdint cimport uint8_t

from api.arguments cimport view_text
from engine.encode.workspace cimport Workspace, give_back
from engine.text.normal_form cimport CLASSED_CHARACTERS, DoubtfulStretch, find_doubtful
from engine.text.utf8 cimport TextView


cdef const uint8_t *checked_classes(bytes classes) except NULL:
    if len(classes) != CLASSED_CHARACTERS:
        raise ValueError(
            f"classes must have {CLASSED_CHARACTERS} bytes, not {len(classes)}")
    return <const uint8_t *><char *>classes


def doubtful_stretches(text, bytes classes not None, size_t most) -> list[tuple[int, int]]:
    """Returns where a text may change, each as its start and its end.

    Args:
        text: the text.
        classes: of characters, as `engine/text/normal_form.pxd` says.
        most: how many are found at most.

    Raises:
        TypeError: `text` is no `str`.
        ValueError: `classes` has a wrong length.
    """
    cdef const uint8_t *of_characters = checked_classes(classes)
    cdef DoubtfulStretch stretch
    cdef TextView view
    cdef bint found
    cdef list stretches = []
    view_text(text, &view)
    stretch.end = 0
    while <size_t>len(stretches) < most:
        if view.length <= GIL_BYTES:
            found = find_doubtful(of_characters, &view, &stretch)
        else:
            with nogil:
                found = find_doubtful(of_characters, &view, &stretch)
        if not found:
            break
        stretches.append((stretch.start, stretch.end))
    return stretches


def doubtful_texts(list texts not None, bytes classes not None) -> list[int]:
    """Returns the places of texts that may change; what is no `str` is passed over."""
    return [
        place for place, text in enumerate(texts)
        if isinstance(text, str) and doubtful_stretches(text, classes, 1)
    ]


def encode_changed(CoreBPE core not None, text, list changes not None, allowed_special,
                   disallowed_special, special_tokens_set) -> TokenBuffer:
    """Encodes a text some parts of which are replaced, without copying the others.

    Args:
        core: the engine; its split pattern must be an automaton's.
        text: the text.
        changes: the start and the end of each part, and what replaces it. Each begins and ends at
            sure borders, of the text and of what is encoded; no special token touches one.
        allowed_special: as for `CoreBPE.encode_checked`, and so the others.
        disallowed_special: see there.
        special_tokens_set: see there.

    Raises:
        ValueError: a disallowed string occurs.
        UnicodeEncodeError: the text holds a surrogate.
    """
    cdef TokenBuffer buffer = TokenBuffer.__new__(TokenBuffer)
    cdef TextView view, part
    cdef size_t reached = 0, start, end
    cdef Workspace *workspace
    cdef bytearray mask
    if core.split_pattern is None:
        raise ValueError("only an automaton splits a text in parts")
    view_text(text, &view)
    mask = permit(core.special_tokens, text, &view, allowed_special, disallowed_special,
                  special_tokens_set)
    workspace = core.take(view.length)
    try:
        for start, end, new in [*changes, (view.length, view.length, "")]:
            if not reached <= start <= end <= view.length:
                raise ValueError(f"changes must be in order, within the text: {changes!r:.200}")
            part.data = <const uint8_t *>view.data + reached * max(view.width, 1)
            part.width = view.width
            part.length = start - reached
            append_text(core, text, &part, mask, False, workspace, &buffer.ids)
            view_text(new, &part)
            append_text(core, new, &part, mask, False, workspace, &buffer.ids)
            reached = end
    finally:
        give_back(&core.vocabulary.pool, workspace)
    buffer.finish()
    return buffer
