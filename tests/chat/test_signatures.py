"""Signatures and annotations of the functions for chats, as help and frameworks read them."""

from __future__ import annotations

import inspect
import sys
import typing

import pytest

import bpecore.chat
from bpecore.chat import Request, num_tokens_from_messages, truncate_tokens_from_messages

CHATS = (num_tokens_from_messages, truncate_tokens_from_messages)


@pytest.mark.parametrize("function", CHATS)
def test_signatures_show_every_option(function: typing.Any) -> None:
    parameters = inspect.signature(function).parameters
    assert list(parameters)[-len(Request.__annotations__) :] == list(Request.__annotations__)
    assert parameters["tools"].kind is inspect.Parameter.KEYWORD_ONLY
    assert parameters["tools"].annotation == "Iterable[Any] | None"
    for name, parameter in parameters.items():
        assert name in ("messages", "model", "max_tokens", "explain") or parameter.default is None
        assert parameter.kind is not inspect.Parameter.VAR_KEYWORD


@pytest.mark.parametrize("function", CHATS)
def test_options_are_none_by_default(function: typing.Any) -> None:
    options = dict.fromkeys(Request.__annotations__)
    arguments = [[{"role": "user", "content": "hello"}], "gpt-4o"]
    if function is truncate_tokens_from_messages:
        arguments.append(10)
    assert function(*arguments, **options) == function(*arguments)


@pytest.mark.skipif(sys.version_info < (3, 11), reason="typing.Unpack is new in 3.11")
@pytest.mark.parametrize("name", bpecore.chat.__all__)
def test_annotations_can_be_read_at_run_time(name: str) -> None:
    assert typing.get_type_hints(getattr(bpecore.chat, name))


@pytest.mark.parametrize("function", CHATS)
def test_the_docstring_of_the_options_describes_each(function: typing.Any) -> None:
    assert "bpecore.chat.Request" in (function.__doc__ or "")
    assert all(f"{name}: " in (Request.__doc__ or "") for name in Request.__annotations__)
