"""Chats in the harmony format, the prompt format of gpt-oss: their ids, and their exact count.

`render_conversation` takes the messages of the format itself; `render_chat`, `count_chat` and
`explain_chat` take messages and tools as chat completions do, and map them as `from_chat` says.
"""

from bpecore.chat.harmony.conversation import render_conversation
from bpecore.chat.harmony.count import HarmonyCount, count_chat, explain_chat, render_chat

__all__ = [
    "HarmonyCount",
    "count_chat",
    "explain_chat",
    "render_chat",
    "render_conversation",
]
