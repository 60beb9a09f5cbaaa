"""The methods of an encoding that cutting texts uses."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from bpecore._core import CoreBPE


class CountingEncoding(Protocol):
    """The part of `bpecore.Encoding` that counts tokens."""

    @property
    def _core_bpe(self) -> CoreBPE: ...

    @property
    def special_tokens_set(self) -> set[str]: ...

    def count(
        self,
        text: str,
        *,
        allowed_special: AbstractSet[str],
        disallowed_special: Collection[str],
    ) -> int: ...

    def count_batch(
        self,
        texts: Iterable[str],
        *,
        num_threads: int | None,
        allowed_special: AbstractSet[str],
        disallowed_special: Collection[str],
    ) -> list[int]: ...

    def count_up_to(
        self,
        text: str,
        limit: int,
        *,
        allowed_special: AbstractSet[str],
        disallowed_special: Collection[str],
    ) -> int | None: ...
