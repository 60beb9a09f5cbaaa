"""What an encoding is pickled as: its name if it is registered, otherwise what it is made of."""

from __future__ import annotations

from bpecore import _registered

TYPE_CHECKING = False  # as in `typing`, whose import takes longer than all of this
if TYPE_CHECKING:
    from typing import Any

    from bpecore.core import Encoding


def state_of(encoding: Encoding) -> object:
    """Returns what is pickled of an encoding."""
    # A registered one that has been pickled before is another object with the same dict.
    registered = _registered.find(encoding.name)
    if registered is not None and encoding._is_ordinary:
        registered = vars(registered).get("_ordinary")
    state: object = encoding.name
    if registered is None or registered.__dict__ is not encoding.__dict__:
        state = {
            "name": encoding.name,
            "pat_str": encoding._pat_str,
            "mergeable_ranks": encoding._mergeable_ranks,
            "special_tokens": encoding._special_tokens,
        }
    return {"ordinary": state} if encoding._is_ordinary else state


def restore(encoding: Encoding, state: Any) -> None:
    """Restores an encoding, whose `__init__` has not run, from what was pickled."""
    if isinstance(state, str):
        encoding.__dict__ = _registered.load(state).__dict__
    elif "ordinary" in state:
        whole = object.__new__(type(encoding))
        whole.__setstate__(state["ordinary"])
        encoding.__dict__ = whole.ordinary.__dict__
    else:
        encoding.__init__(**state)  # type: ignore[misc]
