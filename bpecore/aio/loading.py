"""`load`: encodings loaded without blocking the event loop.

Importing this module does what the first `get_encoding` of a process would otherwise do inside a
loop: it imports modules, looks for plugins and reads the split patterns' automata. What remains of
`get_encoding` is mapping one file of the package, whose path is known.
"""

from __future__ import annotations

from contextlib import suppress

import anyio.to_thread

from bpecore import encodings as encodings  # imported now, so that no call does it
from bpecore import registry
from bpecore._build.assemble import compile_split_pattern
from bpecore._pattern.families import CL100K_PATTERN, O200K_PATTERN, R50K_PATTERN
from bpecore.core import Encoding
from bpecore.registry import get_encoding


async def load(encoding_name: str) -> Encoding:
    """Returns the encoding of a name, like `get_encoding`, and loads it in a thread if necessary.

    Use it for encodings of plugins, which may read files of many megabytes, and wherever the
    package lies on a slow disk.

    Args:
        encoding_name: one of `bpecore.list_encoding_names()`.

    Returns:
        The encoding, the same object that `get_encoding` returns.

    Raises:
        ValueError: as `get_encoding` does.

    Example:
        >>> import anyio, bpecore
        >>> anyio.run(load, "o200k_base") is bpecore.get_encoding("o200k_base")
        True
    """
    if isinstance(encoding_name, str) and encoding_name in registry.ENCODINGS:
        return get_encoding(encoding_name)
    return await anyio.to_thread.run_sync(get_encoding, encoding_name)


def _prepare() -> None:
    for pattern in (R50K_PATTERN, CL100K_PATTERN, O200K_PATTERN):
        compile_split_pattern(pattern)
    # A plugin that fails makes `get_encoding` of its names raise, which tries again.
    with suppress(Exception):
        registry.list_encoding_names()


_prepare()
