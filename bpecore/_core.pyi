from collections.abc import Collection, Sequence
from collections.abc import Set as AbstractSet
from typing import Literal, final

from bpecore.pattern import Automaton

class RankTable:
    def __init__(self, mergeable_ranks: dict[bytes, int]) -> None: ...
    def digest(self) -> bytes: ...

class Vocabulary:
    def __init__(self, ranks: RankTable) -> None: ...
    def __len__(self) -> int: ...
    @property
    def nbytes(self) -> int: ...
    @property
    def unreachable_count(self) -> int: ...
    def sorted_tokens(self) -> list[bytes]: ...

class SplitPattern:
    def __init__(self, automaton: Automaton, family: int = 0, class_kinds: bytes = b"") -> None: ...

class TokenBuffer:
    def __len__(self) -> int: ...
    def __buffer__(self, flags: int, /) -> memoryview: ...

@final
class CoreBPE:
    @property
    def vocabulary(self) -> Vocabulary: ...
    def __init__(
        self,
        encoder: dict[bytes, int] | Vocabulary,
        special_tokens_encoder: dict[str, int],
        pattern: str,
    ) -> None: ...
    def encode_checked(
        self,
        text: str,
        allowed_special: Literal["all"] | AbstractSet[str],
        disallowed_special: Literal["all"] | Collection[str],
        special_tokens_set: AbstractSet[str],
    ) -> list[int]: ...
    def encode(self, text: str, allowed_special: AbstractSet[str]) -> list[int]: ...
    def encode_ordinary(self, text: str) -> list[int]: ...
    def encode_to_buffer(
        self,
        text: str,
        allowed_special: Literal["all"] | AbstractSet[str],
        disallowed_special: Literal["all"] | Collection[str],
        special_tokens_set: AbstractSet[str],
    ) -> TokenBuffer: ...
    def encode_to_tiktoken_buffer(
        self, text: str, allowed_special: AbstractSet[str]
    ) -> TokenBuffer: ...
    def count(
        self,
        text: str,
        allowed_special: Literal["all"] | AbstractSet[str],
        disallowed_special: Literal["all"] | Collection[str],
        special_tokens_set: AbstractSet[str],
    ) -> int: ...
    def encode_single_piece(self, piece: bytes) -> list[int]: ...
    def encode_with_unstable(
        self, text: str, allowed_special: AbstractSet[str]
    ) -> tuple[list[int], list[list[int]]]: ...
    def encode_single_token(self, piece: bytes) -> int: ...
    def _sure_borders(self, text: str) -> list[int]: ...
    def _encode_bytes(self, bytes: bytes) -> list[int]: ...
    def decode_bytes(self, tokens: Sequence[int]) -> bytes: ...
    def decode_single_token_bytes(self, token: int) -> bytes: ...
    def token_byte_values(self) -> list[bytes]: ...

def encode_batch(
    core: CoreBPE,
    texts: list[str],
    allowed_special: Literal["all"] | AbstractSet[str],
    disallowed_special: Literal["all"] | Collection[str],
    special_tokens_set: AbstractSet[str],
    num_threads: int,
) -> list[list[int] | None]: ...
def count_batch(
    core: CoreBPE,
    texts: list[str],
    allowed_special: Literal["all"] | AbstractSet[str],
    disallowed_special: Literal["all"] | Collection[str],
    special_tokens_set: AbstractSet[str],
    num_threads: int,
) -> list[int | None]: ...
def encode_batch_to_buffer(
    core: CoreBPE,
    texts: list[str],
    allowed_special: Literal["all"] | AbstractSet[str],
    disallowed_special: Literal["all"] | Collection[str],
    special_tokens_set: AbstractSet[str],
    num_threads: int,
) -> tuple[TokenBuffer, bytearray] | None: ...

simd: str

def choose_simd(wanted: str | None = None) -> str: ...
