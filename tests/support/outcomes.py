"""The outcome of a call as a value, so that results and errors of two engines can be compared."""

from __future__ import annotations

import re
from typing import Any, Callable


def outcome(call: Callable[..., Any], *arguments: Any, **keywords: Any) -> Any:
    """Returns what a call returns, or the type of its error with what the error names.

    Engines word errors differently. The type must be equal; for a ValueError also the first quoted
    text, such as a special token; for others, except TypeError, everything.
    """
    try:
        return call(*arguments, **keywords)
    except TypeError:
        return TypeError
    except (UnicodeError, LookupError) as error:
        return type(error), str(error)
    except ValueError as error:
        quoted = re.search(r"""(["'])(.*?)\1""", str(error))
        return ValueError, quoted and quoted[2]
