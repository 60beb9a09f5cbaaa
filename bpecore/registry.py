"""The encodings of this process by name: each is loaded once, whoever asks and however many."""

from __future__ import annotations

import threading
from typing import Any, Callable, TypedDict

from bpecore.core import Encoding

_lock = threading.RLock()
ENCODINGS: dict[str, Encoding] = {}
ENCODING_CONSTRUCTORS: dict[str, Callable[[], dict[str, Any]]] | None = None
_requests: dict[str, int] = {}
_loads: dict[str, int] = {}


class EncodingStatistics(TypedDict):
    """What `stats` tells of one encoding.

    Attributes:
        requests: how often `get_encoding` was asked for it. Counted without a lock: threads that
            ask at the same instant may be counted once.
        loads: how often it was loaded.
        vocabulary_bytes: size of its vocabulary's tables in bytes; encodings with equal ranks
            share them.
    """

    requests: int
    loads: int
    vocabulary_bytes: int


def _find_constructors() -> dict[str, Callable[[], dict[str, Any]]]:
    global ENCODING_CONSTRUCTORS
    with _lock:
        if ENCODING_CONSTRUCTORS is None:
            from bpecore import encodings

            ENCODING_CONSTRUCTORS = dict(encodings.ENCODING_CONSTRUCTORS)
        return ENCODING_CONSTRUCTORS


def get_encoding(encoding_name: str) -> Encoding:
    """Returns the encoding of a name: one object a name, loaded when first asked for.

    Args:
        encoding_name: one of `list_encoding_names()`.

    Returns:
        The encoding. It may be used by any number of threads at once.

    Raises:
        ValueError: there is no encoding of that name, or the name is no string.

    Example:
        >>> get_encoding("o200k_base").encode("hello world")
        [24912, 2375]
    """
    if not isinstance(encoding_name, str):
        raise ValueError(
            f"get_encoding takes an encoding's name as a str, not {type(encoding_name).__name__}"
        )
    encoding = ENCODINGS.get(encoding_name)
    if encoding is None:
        encoding = _load(encoding_name)
    _requests[encoding_name] = _requests.get(encoding_name, 0) + 1
    return encoding


def _load(encoding_name: str) -> Encoding:
    """Loads an encoding unless another thread has done so; a failure leaves nothing behind."""
    with _lock:
        encoding = ENCODINGS.get(encoding_name)
        if encoding is not None:
            return encoding
        constructors = _find_constructors()
        if encoding_name not in constructors:
            raise ValueError(
                f"Unknown encoding {encoding_name!r}. Encodings: {', '.join(constructors)}"
            )
        encoding = Encoding(**constructors[encoding_name]())
        ENCODINGS[encoding_name] = encoding
        _loads[encoding_name] = _loads.get(encoding_name, 0) + 1
        return encoding


def list_encoding_names() -> list[str]:
    """Returns the names that `get_encoding` takes.

    Example:
        >>> "cl100k_base" in list_encoding_names()
        True
    """
    return list(_find_constructors())


def stats() -> dict[str, EncodingStatistics]:
    """Tells which encodings are loaded, what they take and how often they were asked for.

    Returns:
        The statistics of every loaded encoding by name.

    Example:
        >>> encoding = get_encoding("r50k_base")
        >>> stats()["r50k_base"]["loads"]
        1
    """
    with _lock:
        return {
            name: EncodingStatistics(
                requests=_requests.get(name, 0),
                loads=_loads.get(name, 0),
                vocabulary_bytes=encoding._core_bpe.vocabulary.nbytes,
            )
            for name, encoding in ENCODINGS.items()
        }
