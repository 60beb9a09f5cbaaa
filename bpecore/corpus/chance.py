"""Random choices that are the same on every machine, by hashing what they are about."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

_MASK = (1 << 64) - 1


def hashes(seed: int, stream: int, first: int, count: int) -> npt.NDArray[np.uint64]:
    """Returns a random number for each of some consecutive documents (SplitMix64).

    Args:
        seed: the caller's.
        stream: a number for each use and portion, so that these are independent.
        first: the number of the first document.
        count: how many documents there are.
    """
    start = _mixed(_mixed(seed & _MASK) ^ stream)
    numbers = np.arange(first, first + count, dtype=np.uint64)
    state = np.uint64(start) + (numbers + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return state ^ (state >> np.uint64(31))


def _mixed(number: int) -> int:
    number = (number + 0x9E3779B97F4A7C15) & _MASK
    number = ((number ^ (number >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    number = ((number ^ (number >> 27)) * 0x94D049BB133111EB) & _MASK
    return number ^ (number >> 31)


def held_out(
    seed: int, portion: int, first: int, count: int, fraction: float
) -> npt.NDArray[np.bool_]:
    """Returns which of some consecutive documents of a portion are held out."""
    return hashes(seed, 2 * portion, first, count) < np.uint64(int(fraction * 2**64))


def order(seed: int, portion: int, first: int, count: int) -> npt.NDArray[np.int64]:
    """Returns a random order of some consecutive documents of a portion."""
    return np.argsort(hashes(seed, 2 * portion + 1, first, count), kind="stable")
