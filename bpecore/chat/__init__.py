"""Tokens of a chat: its strings, messages, tools and images; and messages cut to a budget."""

from bpecore.chat.counting import num_tokens_from_messages
from bpecore.chat.explanation import Explanation
from bpecore.chat.images import num_tokens_from_image, num_tokens_from_image_url
from bpecore.chat.request import Request
from bpecore.chat.rules import Patches, Rules, Tiles
from bpecore.chat.strings import num_tokens_from_string
from bpecore.chat.truncation import truncate_tokens_from_messages

__all__ = [
    "Explanation",
    "Patches",
    "Request",
    "Rules",
    "Tiles",
    "num_tokens_from_image",
    "num_tokens_from_image_url",
    "num_tokens_from_messages",
    "num_tokens_from_string",
    "truncate_tokens_from_messages",
]
