"""What a call gives, as a value: so that two engines' results and errors compare alike."""

from __future__ import annotations

from typing import Any, Callable


def outcome(call: Callable[..., Any], *arguments: Any, **keywords: Any) -> Any:
    """Returns what a call returns, or the type of its error and, of all but TypeError, the text."""
    try:
        return call(*arguments, **keywords)
    except TypeError:
        return TypeError
    except (ValueError, KeyError, LookupError) as error:
        return type(error), str(error)
