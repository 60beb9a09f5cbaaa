"""What a chat has besides messages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypedDict

from bpecore.chat.reader import CostOf
from bpecore.chat.rules import Rules


class Request(TypedDict, total=False):
    """What a chat has besides messages, and what is known of its costs.

    Attributes:
        tools: the tools that the model can call, as dicts or objects, as chat completions, the
            Responses API or Anthropic's API take them.
        tool_choice: as the API takes it.
        functions: deprecated: the functions that the model can call.
        function_call: deprecated: the choice of a function.
        response_format: the format of the reply; its JSON schema is counted.
        reasoning_effort: how much the model reasons; gpt-oss sees it.
        default: the name of the encoding for unknown models, or of a known model whose rules
            are taken for them.
        rules: rules of the caller, tried before those of `bpecore.chat.rules`.
        costs: what parts cost for which nothing is published, by their type: tokens, or a
            function that takes the part and returns them. "*" is for all other types.
        image_sizes: width and height in pixels of images, by their URL or file id.
    """

    tools: Iterable[Any] | None
    tool_choice: Any
    functions: Iterable[Any] | None
    function_call: Any
    response_format: Any
    reasoning_effort: str | None
    default: str | None
    rules: Iterable[Rules]
    costs: Mapping[str, CostOf] | None
    image_sizes: Mapping[str, tuple[int, int]] | None
