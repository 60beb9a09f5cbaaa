from collections.abc import Collection, Sequence
from collections.abc import Set as AbstractSet
from typing import Literal, SupportsIndex, final

import numpy as np
import numpy.typing as npt

from bpecore.core import Encoding
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
    @property
    def splits_by_automaton(self) -> bool: ...
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
def count_up_to(
    core: CoreBPE,
    text: str,
    limit: int,
    allowed_special: Literal["all"] | AbstractSet[str],
    disallowed_special: Literal["all"] | Collection[str],
    special_tokens_set: AbstractSet[str],
) -> int | None: ...
def longest_token(core: CoreBPE) -> int: ...
def refuse_disallowed(
    core: CoreBPE,
    text: str,
    allowed_special: Literal["all"] | AbstractSet[str],
    disallowed_special: Literal["all"] | Collection[str],
    special_tokens_set: AbstractSet[str],
) -> None: ...

@final
class CounterCheckpoint: ...

@final
class TokenCounter:
    def __init__(
        self,
        encoding: Encoding,
        *,
        allowed_special: Literal["all"] | AbstractSet[str] = ...,
        disallowed_special: Literal["all"] | Collection[str] = "all",
    ) -> None: ...
    @property
    def total(self) -> int: ...
    def feed(self, chunk: str, /) -> int: ...
    def checkpoint(self) -> CounterCheckpoint: ...
    def restore(self, checkpoint: CounterCheckpoint, /) -> None: ...

@final
class StreamEncoder:
    def __init__(
        self,
        encoding: Encoding,
        *,
        allowed_special: Literal["all"] | AbstractSet[str] = ...,
        disallowed_special: Literal["all"] | Collection[str] = "all",
    ) -> None: ...
    def feed(self, chunk: str, /) -> list[int]: ...
    def flush(self) -> list[int]: ...

@final
class StreamDecoder:
    def __init__(self, encoding: Encoding, errors: str = "replace") -> None: ...
    def feed(self, ids: SupportsIndex | Sequence[int] | npt.NDArray[np.integer], /) -> str: ...
    def flush(self) -> str: ...

@final
class StreamDecoderBatch:
    def __init__(self, encoding: Encoding, n: int, errors: str = "replace") -> None: ...
    def __len__(self) -> int: ...
    def feed(
        self,
        ids: Sequence[SupportsIndex | Sequence[int] | None] | npt.NDArray[np.integer],
        /,
    ) -> list[str]: ...
    def feed_ragged(
        self,
        ids: Sequence[int] | npt.NDArray[np.integer],
        offsets: Sequence[int] | npt.NDArray[np.integer],
        /,
    ) -> list[str]: ...
    def flush(self, sequence: int, /) -> str: ...

simd: str

def choose_simd(wanted: str | None = None) -> str: ...
