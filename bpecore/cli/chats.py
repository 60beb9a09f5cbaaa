"""Reads a chat from JSON, and renders it to the ids that gpt-oss gets."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

import click

from bpecore.chat.harmony import render_chat
from bpecore.cli.inputs import BYTE_ORDER_MARK
from bpecore.cli.options import DEFAULT_ENCODING
from bpecore.core import Encoding
from bpecore.registry import get_encoding
from bpecore.view.tokens import TokenizedText

HARMONY = "o200k_harmony"

ADVICE = re.compile(r"(: pass costs=|\. Give ).*")
"""At the end of a message: how a caller says what images and audio cost, which have no text."""


def read_chat(content: str, name: str) -> dict[str, Any]:
    """Returns the `messages` of a chat, and what else JSON has beside them.

    Args:
        content: a list of messages, or a request with `messages` and perhaps `tools`.
        name: where it is from, for errors.

    Raises:
        click.ClickException: it is not such JSON.
    """
    try:
        read: Any = json.loads(content.removeprefix(BYTE_ORDER_MARK))
    except (ValueError, RecursionError) as error:
        raise click.ClickException(f"{name}: not a chat: not JSON: {error}") from None
    request: Any = {"messages": read} if isinstance(read, list) else read
    if not isinstance(request, dict) or "messages" not in request:
        message = "neither a list of messages nor an object with messages"
        raise click.ClickException(f"{name}: not a chat: {message}")
    return request


def tokens_of_chat(content: str, name: str, encodings: Sequence[Encoding]) -> TokenizedText:
    """Returns the tokens of a chat as gpt-oss sees it.

    Args:
        content: JSON, as for `read_chat`.
        name: where it is from, for errors.
        encodings: what the command's options name; only the default and gpt-oss's own will do.

    Raises:
        click.ClickException: it is not such JSON, or no chat for gpt-oss.
        click.UsageError: another encoding was named.
    """
    if [encoding.name for encoding in encodings] not in ([DEFAULT_ENCODING], [HARMONY]):
        raise click.UsageError(f"--chat shows what gpt-oss sees, which is in {HARMONY}")
    request = read_chat(content, name)
    try:
        ids = render_chat(
            request["messages"],
            tools=request.get("tools"),
            reasoning_effort=request.get("reasoning_effort"),
            response_format=request.get("response_format"),
        )
    except (KeyError, ValueError, TypeError, RecursionError) as error:
        message = ADVICE.sub("", str(error.args[0]))
        raise click.ClickException(f"{name}: not a chat that can be shown: {message}") from None
    return TokenizedText.of_ids(get_encoding(HARMONY), ids)
