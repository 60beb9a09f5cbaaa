"""The choice of vector instructions for new engines."""

import os

from engine.simd.vectors cimport vectors_named

simd = "off"


def choose_simd(wanted=None) -> str:
    """Chooses the vector instructions of engines made from now on.

    Args:
        wanted: "sse2", "avx2", "avx512" or "neon"; "off" for 64-bit words, which every machine
            has; "automaton" to split nothing by blocks, which tests compare the others with;
            None for the best that this machine has.

    Returns:
        The choice.

    Raises:
        ValueError: this machine does not have the wanted instructions.
    """
    global vectors, simd
    cdef Vectors found
    choices = ("avx512", "avx2", "sse2", "neon", "off") if wanted is None else (wanted,)
    for choice in choices:
        found = vectors_named(choice.encode())
        if found.masks != NULL or choice == "automaton":
            vectors, simd = found, choice
            return simd
    raise ValueError(f"this machine has no {wanted!r} instructions: BPECORE_SIMD may be 'off', "
                     "'sse2', 'avx2', 'avx512', 'neon' or 'automaton'")


cdef bint has_gathers():
    """Returns whether the chosen instructions gather words from computed places."""
    return simd in ("avx2", "avx512")


choose_simd(os.environ.get("BPECORE_SIMD") or None)
