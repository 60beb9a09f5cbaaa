"""How an encoding finds the registry when it is pickled; `bpecore.registry` fills this in."""

from __future__ import annotations

TYPE_CHECKING = False  # as in `typing`, whose import takes longer than all of this
if TYPE_CHECKING:
    from collections.abc import Callable

    from bpecore.core import Encoding

    find: Callable[[str], Encoding | None]
    """Returns the loaded encoding of a name, None if there is none."""

    load: Callable[[str], Encoding]
    """Returns the encoding of a name, loading it if necessary."""
