"""How an encoding finds what is above it: the registry when it is pickled, and the files of models.

`bpecore.registry` fills this in.
"""

from __future__ import annotations

TYPE_CHECKING = False  # as in `typing`, whose import takes longer than all of this
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from bpecore.core import Encoding

    find: Callable[[str], Encoding | None]
    """Returns the loaded encoding of a name, None if there is none."""

    load: Callable[[str], Encoding]
    """Returns the encoding of a name, loading it if necessary."""

    load_file: Callable[..., Any]
    """Makes an encoding of a class from a model's files; arguments as for `Encoding.from_file`."""
