"""What bpecore must reach: the bars, and whether a record meets them.

A bar compares the best values of one record, each subject (a text, a length, a character) by
itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple, Optional

from .record import Record, Sample


class Bar(NamedTuple):
    """One line of the table of bars."""

    what: str
    measure: str
    quantity: str
    """"speed" or "time" over that of `over`, "ns per character", or "MB"."""
    limit: float
    """The lowest speed, or the highest value of any other quantity."""
    over: Optional[tuple[str, str]] = None  # noqa: UP045 (evaluated by Python 3.9)
    """Measure and engine that are compared with."""
    engine: str = "bpecore"
    limits: Mapping[str, float] = MappingProxyType({})
    """Other limits by subject, file names without their suffix."""
    subjects: tuple[str, ...] = ()
    """The subjects that are judged; none means all."""
    encodings: tuple[str, ...] = ()
    """The encodings that are judged; none means all."""

    @property
    def at_least(self) -> bool:
        """Whether more is better."""
        return self.quantity == "speed"

    def limit_of(self, subject: str) -> float:
        """Returns the limit for a subject."""
        return self.limits.get(subject.removesuffix(".txt"), self.limit)

    def sign(self) -> str:
        """Returns the relation to the limit as a sign."""
        return "≥" if self.at_least else "≤"


CJK = {"zh": 1.5, "ja": 1.5, "ko": 1.5}
ENCODE = "get_encoding and first encode"
FIRST, TEXT = "after the first encode", "after 1 MB to a list"
ONE, EIGHT = ("one process",), ("eight processes",)
O200K = ("o200k_base",)

BARS = (
    Bar(
        "one pass, over gigatoken's better way", "one pass", "speed", 2.0, ("one pass", "gigatoken")
    ),
    Bar("one pass, over snaptokens", "one pass", "speed", 3.0, ("one pass", "snaptokens")),
    Bar("one pass, over tokenizers", "one pass", "speed", 3.0, ("one pass", "tokenizers")),
    Bar(
        "one pass, lists over tiktoken",
        "one pass, lists",
        "speed",
        12.0,
        ("one pass, lists", "tiktoken"),
    ),
    Bar(
        "one pass, count over arrays",
        "one pass, counts",
        "speed",
        1.15,
        ("one pass, arrays", "bpecore"),
    ),
    Bar(
        "one pass, all cores over one",
        "one pass, arrays, all cores",
        "speed",
        1.9,
        ("one pass, arrays", "bpecore"),
    ),
    Bar(
        "one pass, with rules of every length",
        "one pass, with dashes",
        "speed",
        0.9,
        ("one pass, arrays", "bpecore"),
    ),
    Bar(
        "ids as array, warm, over gigatoken",
        "warm",
        "speed",
        1.3,
        ("warm", "gigatoken"),
        limits=CJK,
    ),
    Bar("ids as array, cold, over gigatoken", "cold", "speed", 1.5, ("cold", "gigatoken")),
    Bar("list, over gigatoken's tiktoken layer", "list", "speed", 2.0, ("list", "gigatoken")),
    Bar("list, over tiktoken", "list", "speed", 10.0, ("list", "tiktoken")),
    Bar("count over ids as array", "count", "speed", 1.1, ("ids beside the count", "bpecore")),
    Bar(
        "short strings, time over tiktoken's",
        "short",
        "time",
        0.3,
        ("short", "tiktoken"),
        limits={"500 characters": 0.12},
    ),
    Bar("10,000 tiny strings, time over tiktoken's", "batch", "time", 0.05, ("batch", "tiktoken")),
    Bar("two threads over one", "two threads", "speed", 1.8, ("one thread", "bpecore")),
    Bar("decode, time over tiktoken's", "decode", "time", 0.5, ("decode", "tiktoken")),
    Bar("a million of one character", "hostile, 1,000,000", "ns per character", 150.0),
    Bar(
        "the same over 100,000, time",
        "hostile, 1,000,000",
        "time",
        13.0,
        ("hostile, 100,000", "bpecore"),
    ),
    Bar(
        "a million of any of 200 characters",
        "any character, 1,000,000",
        "ns per character",
        40.0,
    ),
    Bar("their median", "any character, median", "ns per character", 15.0),
    Bar(
        "SIMD off, ids as array, over tiktoken",
        "warm",
        "speed",
        8.0,
        ("warm", "tiktoken"),
        engine="bpecore-simd-off",
    ),
    Bar(f"{ENCODE}, over tiktoken's", ENCODE, "time", 0.05, (ENCODE, "tiktoken")),
    Bar("import, time over tiktoken's", "import", "time", 0.5, ("import", "tiktoken")),
    Bar("private memory after a first encode", FIRST, "MB", 6.0, subjects=ONE, encodings=O200K),
    Bar("private memory after 1 MB of text", TEXT, "MB", 14.0, subjects=ONE, encodings=O200K),
    Bar("private memory of eight workers", FIRST, "MB", 48.0, subjects=EIGHT, encodings=O200K),
    Bar(
        "encoding of 200,000 ranks, time over tiktoken's",
        "construction",
        "time",
        0.33,
        ("construction", "tiktoken"),
    ),
    Bar(
        "split at 512 by 64, time over encode_to_numpy's",
        "split at 512 by 64",
        "time",
        1.5,
        ("ids beside the chunks", "bpecore"),
    ),
    Bar(
        "token_offsets, time over encode and decode",
        "offsets of a text",
        "time",
        1.0,
        ("encode and decode", "bpecore"),
    ),
    Bar(
        "decode_with_offsets, time over decode's",
        "decode with offsets",
        "time",
        1.0,
        ("text beside its offsets", "bpecore"),
    ),
    Bar(
        "encode_with_unstable, over tiktoken",
        "completions",
        "speed",
        20.0,
        ("completions", "tiktoken"),
    ),
    Bar(
        "truncate, over tiktoken's encode and decode",
        "cut to 1,000 tokens",
        "speed",
        10.0,
        ("cut to 1,000 tokens", "tiktoken"),
    ),
    Bar(
        "counts of a growing text, over tiktoken",
        "counts of a growing text",
        "speed",
        20.0,
        ("counts of a growing text", "tiktoken"),
    ),
    Bar("command line, memory on any input", "command line, memory", "MB", 200.0),
    Bar(
        "first id of a large file, time over a line's",
        "first id of a large file",
        "time",
        3.0,
        ("first id of a line", "bpecore"),
    ),
    Bar("999 more encodings of equal ranks", "equal ranks", "MB", 2.0),
)
"""What the project has promised, in the order in which it is shown."""

MODELS_CJK = {"zh": 1.8, "ja": 1.8, "ko": 1.8}
MODEL_BARS = (
    *(
        Bar(
            f"model's ids as array, over {engine}",
            "warm",
            "speed",
            1.3,
            ("warm", engine),
            limits=MODELS_CJK,
        )
        for engine in ("gigatoken", "snaptokens")
    ),
    *(
        Bar(f"ids of 256 prompts, over {engine}", "prompts", "speed", limit, ("prompts", engine))
        for engine, limit in (("tokenizers-1", 2.0), ("fastokens", 2.0), ("snaptokens", 1.0))
    ),
    *(
        Bar(f"{pattern}'s pattern over {other}'s", pattern, "speed", 0.85, (other, "bpecore"))
        for pattern in ("qwen3", "llama3", "tekken", "kimik2", "deepseekv3", "starcoder")
        for other in ("o200k", "cl100k")
    ),
)
"""What `python -m benchmarks.models` judges."""


class Judgement(NamedTuple):
    """How one subject compares with a bar."""

    bar: Bar
    encoding: str
    subject: str
    value: float

    @property
    def met(self) -> bool:
        """Whether the bar is reached."""
        limit = self.bar.limit_of(self.subject)
        return self.value >= limit if self.bar.at_least else self.value <= limit

    @property
    def margin(self) -> float:
        """How many times better than the limit it is; below 1 the bar is missed."""
        limit = self.bar.limit_of(self.subject)
        if self.bar.at_least:
            return self.value / limit
        return limit / self.value if self.value > 0 else float("inf")


def judge(record: Record, bar: Bar, encoding: str) -> list[Judgement]:
    """Returns one judgement per measured subject; none where a needed engine is missing."""
    if bar.encodings and encoding not in bar.encodings:
        return []
    own = record.find(bar.measure, encoding, bar.engine)
    over = record.find(bar.over[0], encoding, bar.over[1]) if bar.over else {}
    return [
        Judgement(bar, encoding, subject, value_of(bar, sample, over.get(subject)))
        for subject, sample in own.items()
        if (not bar.over or subject in over) and (not bar.subjects or subject in bar.subjects)
    ]


def value_of(bar: Bar, own: Sample, over: Sample | None) -> float:
    """Returns what a bar compares with its limit."""
    if bar.quantity == "MB":
        return own.value / 1e6
    if bar.quantity == "ns per character":
        return own.value / own.items * 1e9
    assert over is not None
    return over.value / own.value if bar.quantity == "speed" else own.value / over.value


def judgements(record: Record, bars: Sequence[Bar] = BARS) -> Iterator[list[Judgement]]:
    """Yields the judgements of each bar and encoding, in the order of the table of bars."""
    for bar in bars:
        for encoding in record.encodings():
            found = judge(record, bar, encoding)
            if found:
                yield found
