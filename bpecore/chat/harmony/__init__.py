"""Chats in the harmony format, the prompt format of gpt-oss: their ids.

`render_conversation` takes the messages of the format itself; `render_chat` takes messages and
tools as chat completions and other APIs do, and maps them as `from_chat` says.
"""

from bpecore.chat.harmony.conversation import render_conversation
from bpecore.chat.harmony.prompt import render_chat

__all__ = ["render_chat", "render_conversation"]
