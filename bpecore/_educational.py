"""Byte pair encoding in its simplest form, to read and to watch. It is deliberately slow.

`bpe_train` learns a vocabulary from a text and `bpe_encode` applies it. Both print every merge with
a background colour per token. Names and results are those of `tiktoken._educational`.

>>> ranks = bpe_train("low lower lowest", vocab_size=258, pat_str=r"\\w+", visualise=None)
>>> list(ranks)[256:]
[b'lo', b'low']
>>> bpe_encode(ranks, b"slow", visualise="simple")
[b's', b'l', b'o', b'w']
[b's', b'lo', b'w']
[b's', b'low']
<BLANKLINE>
[115, 257]
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import regex

import bpecore

COLOUR_NAMES = ("colour", "color")
"""The values of `visualise` that print coloured tokens."""

_BACKGROUNDS = tuple(f"\x1b[48;5;{number}m" for number in (167, 179, 185, 77, 80, 68, 134))
_RESET = "\x1b[0m"

_GPT2_PATTERN = r"'s|'t|'re|'ve|'m|'ll|'d| ?[\p{L}]+| ?[\p{N}]+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"


class SimpleBytePairEncoding:
    """An encoding that shows how it works.

    Args:
        pat_str: a regular expression; each match in a text is encoded separately.
        mergeable_ranks: the id of each token's bytes; lower ids merge first.

    Example:
        >>> encoding = SimpleBytePairEncoding.from_tiktoken("cl100k_base")
        >>> encoding.encode("hello world", visualise=None)
        [15339, 1917]
        >>> encoding.decode([15339, 1917])
        'hello world'
    """

    def __init__(self, *, pat_str: str, mergeable_ranks: dict[bytes, int]) -> None:
        self.pat_str = pat_str
        self.mergeable_ranks = mergeable_ranks
        self._decoder = {rank: token for token, rank in mergeable_ranks.items()}
        self._pat = regex.compile(pat_str)

    def encode(self, text: str, visualise: str | None = "colour") -> list[int]:
        """Encodes text and shows each merge.

        Args:
            text: any text.
            visualise: "colour" or "color" prints the tokens on coloured backgrounds, "simple"
                prints them as lists, None prints nothing.

        Returns:
            The ids of its tokens.

        Raises:
            KeyError: a byte of the text is not a token.
        """
        ids = []
        for piece in self._pat.findall(text):
            ids += bpe_encode(self.mergeable_ranks, piece.encode("utf-8"), visualise=visualise)
        return ids

    def decode_bytes(self, tokens: list[int]) -> bytes:
        """Returns the bytes of ids; raises KeyError if one is unknown."""
        return b"".join(self.decode_tokens_bytes(tokens))

    def decode(self, tokens: list[int]) -> str:
        """Returns the text of ids, with U+FFFD where the bytes are not UTF-8."""
        return self.decode_bytes(tokens).decode("utf-8", errors="replace")

    def decode_tokens_bytes(self, tokens: list[int]) -> list[bytes]:
        """Returns the bytes of each token; raises KeyError if an id is unknown."""
        return [self._decoder[token] for token in tokens]

    @staticmethod
    def train(training_data: str, vocab_size: int, pat_str: str) -> SimpleBytePairEncoding:
        """Trains an encoding on a text; see `bpe_train`."""
        ranks = bpe_train(data=training_data, vocab_size=vocab_size, pat_str=pat_str)
        return SimpleBytePairEncoding(pat_str=pat_str, mergeable_ranks=ranks)

    @staticmethod
    def from_tiktoken(encoding: str | bpecore.Encoding) -> SimpleBytePairEncoding:
        """Returns the simple form of an encoding, given by itself or its name."""
        if isinstance(encoding, str):
            encoding = bpecore.get_encoding(encoding)
        return SimpleBytePairEncoding(
            pat_str=encoding._pat_str, mergeable_ranks=encoding._mergeable_ranks
        )


def bpe_encode(
    mergeable_ranks: dict[bytes, int], input: bytes, visualise: str | None = "colour"
) -> list[int]:
    """Encodes one piece: merges the pair of lowest rank, leftmost first, until none is left.

    Args:
        mergeable_ranks: the id of each token's bytes.
        input: the piece.
        visualise: as for `SimpleBytePairEncoding.encode`.

    Returns:
        The ids of its tokens.

    Raises:
        KeyError: a byte is not a token.
    """
    parts = [bytes([byte]) for byte in input]
    while True:
        if visualise in COLOUR_NAMES:
            visualise_tokens(parts)
        elif visualise == "simple":
            print(parts)
        candidates = [
            (mergeable_ranks[left + right], position)
            for position, (left, right) in enumerate(zip(parts, parts[1:]))
            if left + right in mergeable_ranks
        ]
        if not candidates:
            break
        _, position = min(candidates)
        parts[position : position + 2] = [parts[position] + parts[position + 1]]
    if visualise:
        print()
    return [mergeable_ranks[part] for part in parts]


def bpe_train(
    data: str, vocab_size: int, pat_str: str, visualise: str | None = "colour"
) -> dict[bytes, int]:
    """Learns a vocabulary: the 256 bytes, then repeatedly the most frequent pair of tokens.

    Args:
        data: the text to learn from.
        vocab_size: number of tokens, including the 256 bytes.
        pat_str: a regular expression; no token crosses from one match to the next.
        visualise: as for `SimpleBytePairEncoding.encode`.

    Returns:
        The id of each token's bytes, in the order in which they were learned.

    Raises:
        ValueError: `vocab_size` is below 256, or the text has too few pairs for it.
    """
    if vocab_size < 256:
        raise ValueError(
            f"vocab_size must be at least 256, one token for each byte, not {vocab_size}"
        )
    ranks = {bytes([byte]): byte for byte in range(256)}
    pieces = [
        [bytes([byte]) for byte in piece.encode("utf-8")] for piece in regex.findall(pat_str, data)
    ]
    while len(ranks) < vocab_size:
        pairs = Counter(pair for piece in pieces for pair in zip(piece, piece[1:]))
        if not pairs:
            raise ValueError(
                f"the text is used up after {len(ranks)} tokens: no two are left to join, "
                f"so vocab_size={vocab_size} is out of reach"
            )
        # Of equally frequent pairs, the one that occurs first.
        pair = max(pairs, key=pairs.__getitem__)
        token = pair[0] + pair[1]
        ranks[token] = len(ranks)
        pieces = [_join_pair(piece, pair) for piece in pieces]
        if visualise:
            _show_merge(pair, len(ranks), pieces, visualise)
    return ranks


def _join_pair(piece: list[bytes], pair: tuple[bytes, bytes]) -> list[bytes]:
    """Merges every occurrence of a pair, from the left."""
    joined: list[bytes] = []
    position = 0
    while position < len(piece):
        if tuple(piece[position : position + 2]) == pair:
            joined.append(pair[0] + pair[1])
            position += 2
        else:
            joined.append(piece[position])
            position += 1
    return joined


def _show_merge(
    pair: tuple[bytes, bytes], token_count: int, pieces: Sequence[list[bytes]], visualise: str
) -> None:
    print(f"Most frequent pair: {pair[0]!r} + {pair[1]!r}")
    print(f"It becomes token {token_count}: {pair[0] + pair[1]!r}")
    if visualise in COLOUR_NAMES:
        print("The first fifty pieces of the text are now:")
        visualise_tokens([token for piece in pieces[:50] for token in piece])
    elif visualise == "simple":
        print("The first twenty pieces of the text are now:")
        for piece in pieces[:20]:
            print(piece)
    print("\n")


def visualise_tokens(token_values: Iterable[bytes]) -> None:
    """Prints tokens in a line, each on a background different from its neighbours'.

    A token's colour depends on the number of characters before it, so that a token keeps its colour
    when others are merged. Bytes that are not a whole character print as U+FFFD.

    Args:
        token_values: the bytes of each token.
    """
    characters = 0
    previous = None
    for token in token_values:
        text = token.decode("utf-8", errors="replace")
        colour = characters % len(_BACKGROUNDS)
        if colour == previous:
            colour = (colour + 1) % len(_BACKGROUNDS)
        print(_BACKGROUNDS[colour] + text, end="")
        characters += len(text)
        previous = colour
    print(_RESET)


def train_simple_encoding() -> SimpleBytePairEncoding:
    """Trains a small encoding on this file and shows how it encodes "hello world".

    Returns:
        The encoding, of 600 tokens; `hello` and ` world` are two of them, because hello world is
        so frequent in this file: hello world, hello world.
    """
    text = Path(__file__).read_text(encoding="utf-8")
    encoding = SimpleBytePairEncoding.train(text, vocab_size=600, pat_str=_GPT2_PATTERN)
    print("The merges that encode 'hello world':")
    ids = encoding.encode("hello world")
    assert encoding.decode_tokens_bytes(ids) == [b"hello", b" world"]
    return encoding
