"""Encodings for event loops, asyncio's and trio's, that they never block for long."""

from bpecore.aio.encoder import AsyncEncoder
from bpecore.aio.queue import EncoderClosedError, QueueFullError

__all__ = ["AsyncEncoder", "EncoderClosedError", "QueueFullError"]
