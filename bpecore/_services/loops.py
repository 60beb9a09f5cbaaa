"""A running event loop, asyncio's or trio's, as code outside its tasks sees it. Needs anyio.

Imported only where an event loop is used: a pool's workers and blocking clients do without anyio.
"""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress
from importlib import import_module
from typing import Any, Callable

try:
    from anyio.lowlevel import current_token
except ImportError as error:
    message = 'event loops need anyio: pip install "bpecore[aio]"'
    raise ImportError(message, name="anyio") from error


def import_backends() -> None:
    """Imports anyio's part for each event loop that the program may run.

    Otherwise anyio imports it in the first call inside a loop, which stops the loop for 16 ms.
    """
    for name in ("asyncio", "trio"):
        if name in sys.modules:
            with suppress(ImportError):  # anyio's own module, which may go by another name one day
                import_module(f"anyio._backends._{name}")


import_backends()


class Loop:
    """A running event loop: how other threads call it, and how much may still run in its turn.

    Args:
        native: what `running` returned.
        room: characters that may be encoded in one turn.

    Attributes:
        native: asyncio's loop or trio's token.
        room: characters that may still be encoded in this turn.
        turning: whether a call at the end of this turn is already scheduled.
    """

    __slots__ = ("call_soon", "call_soon_from_thread", "native", "room", "turning")

    def __init__(self, native: Any, room: int = 0) -> None:
        self.native = native
        self.room = room
        self.turning = False
        if isinstance(native, asyncio.AbstractEventLoop):
            self.call_soon: Callable[..., object] = native.call_soon
            self.call_soon_from_thread: Callable[..., object] = native.call_soon_threadsafe
        else:
            self.call_soon = self.call_soon_from_thread = native.run_sync_soon

    @staticmethod
    def running() -> Any:
        """Returns the native loop that runs in this thread.

        Raises:
            RuntimeError: none does.
        """
        return current_token().native_token
