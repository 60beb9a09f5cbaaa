"""What a chat has besides messages."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Callable, TypedDict, TypeVar

from bpecore.chat.rules import Rules
from bpecore.types import CostOf

if sys.version_info >= (3, 11):
    from typing import TYPE_CHECKING, Unpack
elif TYPE_CHECKING:
    from typing_extensions import Unpack

__all__ = ["Request", "Unpack", "with_options"]

_Function = TypeVar("_Function", bound=Callable[..., Any])


class Request(TypedDict, total=False):
    """What a chat has besides messages, and what is known of its costs.

    Attributes:
        tools: the tools that the model can call, as dicts or objects, as chat completions, the
            Responses API or Anthropic's API take them.
        tool_choice: as the API takes it.
        functions: deprecated: the functions that the model can call.
        function_call: deprecated: the choice of a function.
        response_format: the format of the reply; its JSON schema is counted.
        reasoning_effort: "low", "medium" or "high"; only gpt-oss sees it.
        default: the name of the encoding for unknown models, or of a known model whose rules
            are taken for them.
        rules: rules of the caller, tried before those of `bpecore.chat.rules`.
        costs: what parts cost for which nothing is published, by their type: tokens, or a
            function that takes the part and returns them. "*" is for all other types.
        image_sizes: width and height in pixels of images, by their URL or file id.

    Example:
        >>> from bpecore.chat import num_tokens_from_messages
        >>> request: Request = {"tools": [{"name": "now"}], "tool_choice": "none"}
        >>> num_tokens_from_messages([{"role": "user", "content": "hello"}], "gpt-4o", **request)
        32
    """

    tools: Iterable[Any] | None
    tool_choice: Any
    functions: Iterable[Any] | None
    function_call: Any
    response_format: Any
    reasoning_effort: str | None
    default: str | None
    rules: Iterable[Rules] | None
    costs: Mapping[str, CostOf] | None
    image_sizes: Mapping[str, tuple[int, int]] | None


def with_options(function: _Function) -> _Function:
    """Makes the signature of a function that takes `**request` show each option.

    `help`, `inspect.signature` and notebooks show it; what the function takes does not change.
    """
    signature = inspect.signature(function)
    named = [each for each in signature.parameters.values() if each.kind is not each.VAR_KEYWORD]
    options = [
        inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            default=None,
            annotation=getattr(kind, "__forward_arg__", kind),
        )
        for name, kind in Request.__annotations__.items()
    ]
    function.__signature__ = signature.replace(parameters=named + options)  # type: ignore[attr-defined]
    return function
