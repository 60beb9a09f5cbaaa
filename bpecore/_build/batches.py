"""What all methods that take several texts do with them."""

from __future__ import annotations

TYPE_CHECKING = False  # as in `typing`, whose import takes long
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any, TypeVar

    Result = TypeVar("Result")


def texts_of_batch(texts: Iterable[str]) -> list[str]:
    """Returns the texts of a batch; TypeError if it is a single one."""
    if isinstance(texts, str):
        raise TypeError(f"expected several texts, got a single str: {texts!r:.80}")
    return list(texts)


def do_at_index(
    index: int, call: Callable[..., Result], text: str, *arguments: Any, **keywords: Any
) -> Result:
    """Calls a function with one text of a batch; an error says which text it is about."""
    try:
        return call(text, *arguments, **keywords)
    except (TypeError, ValueError) as error:
        if type(error) is ValueError or not isinstance(text, str):
            error.args = (f"at index {index}: {error}",)
        raise
