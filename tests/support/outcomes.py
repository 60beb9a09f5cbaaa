"""What a call gives, as a value: so that two engines' results and errors compare alike."""

from __future__ import annotations

import re
from typing import Any, Callable


def outcome(call: Callable[..., Any], *arguments: Any, **keywords: Any) -> Any:
    """Returns what a call returns, or the type of its error with what the error names.

    Engines word their errors differently. What they must share: the type always; of a ValueError
    the text that it quotes first, such as a special token; of the others but TypeError everything.
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
