"""What is raised about a model's file: one error that names the file, the place and the fault."""

from __future__ import annotations

_LONGEST = 700


def refusal(source: str, what: str) -> ValueError:
    """Returns the error for a sound file whose ids could not be reproduced exactly.

    Args:
        source: the file.
        what: what cannot be expressed, and where it is in the file.
    """
    return ValueError(f"{source} cannot be loaded exactly: {clipped(what)}")


def clipped(text: str) -> str:
    """Returns a text for a message, shortened if it is long: it may quote a hostile file."""
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def fault(source: str, place: str, what: str, contents: bytes, is_json: bool = False) -> ValueError:
    """Returns the error for a file that is damaged, or no vocabulary at all.

    Args:
        source: the file.
        place: where the fault is in it; "" if everywhere.
        what: the fault.
        contents: the file's bytes, which may look like something else.
        is_json: whether the file should be JSON.
    """
    from bpecore.data.appearance import appearance

    where = f"{source}, {place}" if place else source
    what = clipped(what)
    looks = appearance(contents, is_json)
    return ValueError(f"{where}: {what}.{looks}" if looks else f"{where}: {what}")
