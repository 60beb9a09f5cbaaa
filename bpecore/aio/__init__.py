"""Encodings for asyncio and trio that never block the event loop for long."""

from bpecore.aio.encoder import AsyncEncoder
from bpecore.aio.loading import load
from bpecore.aio.queue import EncoderClosedError, QueueFullError

__all__ = ["AsyncEncoder", "EncoderClosedError", "QueueFullError", "load"]
