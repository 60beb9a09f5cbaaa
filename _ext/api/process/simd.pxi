"""The vector instructions that engines are made with."""

import os

from engine.simd.vectors cimport vectors_named

simd = "off"


def choose_simd(wanted=None) -> str:
    """Chooses the vector instructions that splitting uses, for engines made from now on.

    Args:
        wanted: "sse2", "avx2", "avx512" or "neon"; "off" for words of 64 bits, which every machine
            has; "automaton" for no splitting by blocks at all, with which tests compare the
            others; None for the best there is.

    Returns:
        The choice.

    Raises:
        ValueError: this machine does not have what is wanted.
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
