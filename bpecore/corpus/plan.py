"""The plan of a corpus: inputs, the ranges they are cut into, and the portions that ranges go to.

A portion is what one task does, wherever it runs. It becomes one shard, or, where shards have a
fixed number of tokens, a draft that shards are cut from. The plan follows from the inputs and the
options alone, not from the number of workers, so that any of them can do any portion at any time,
and the result is the same.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from bpecore.corpus.inputs import InputFile
from bpecore.corpus.layout import first_lines, units_of
from bpecore.corpus.options import Options
from bpecore.corpus.ranges import Range, Unit

VERSION = 2
"""Changes when the same inputs and options give other portions or other bytes."""

_PORTIONS = 16
_LEAST = 64 << 20
_MOST = 1 << 30
_MOST_SHUFFLED = 256 << 20
_BLOCKS = 100_000
_LEAST_BLOCK = 16 << 20


@dataclass(frozen=True)
class Portion:
    """What one task does.

    Attributes:
        number: from 0 on.
        ranges: what is read, in order.
    """

    number: int
    ranges: tuple[Range, ...]

    @property
    def size(self) -> int:
        """Bytes of input."""
        return sum(part.size for part in self.ranges)


@dataclass(frozen=True)
class Plan:
    """All that the bytes of a corpus depend on.

    Attributes:
        options: the options.
        inputs: the files.
        portions: what tasks do; at least one.
        version: `VERSION` when the plan was made.
    """

    options: Options
    inputs: tuple[InputFile, ...]
    portions: tuple[Portion, ...]
    version: int = VERSION

    @property
    def size(self) -> int:
        """Bytes of all inputs, as they are stored."""
        return sum(file.size for file in self.inputs)

    def as_json(self) -> dict[str, Any]:
        """Returns the plan as a manifest holds it."""
        return {
            "version": self.version,
            "options": self.options.as_json(),
            "inputs": [asdict(file) for file in self.inputs],
            "portions": [
                [[r.input, r.start, r.end, r.size, r.first_line] for r in portion.ranges]
                for portion in self.portions
            ],
        }

    @classmethod
    def from_json(cls, found: Mapping[str, Any], pickled: bytes | None = None) -> Plan:
        """Returns a plan from a manifest.

        Args:
            found: what `as_json` returned.
            pickled: the encoding, if it is neither registered nor in a file.
        """
        portions = [
            Portion(number, tuple(Range(*numbers) for numbers in ranges))
            for number, ranges in enumerate(found["portions"])
        ]
        return cls(
            Options.from_json(found["options"], pickled),
            tuple(InputFile(**file) for file in found["inputs"]),
            tuple(portions),
            found["version"],
        )


def make_plan(options: Options, inputs: Sequence[InputFile]) -> Plan:
    """Returns the plan for inputs, which are looked at for where they can be cut.

    Raises:
        InputError: an input cannot be read.
    """
    total = sum(file.size for file in inputs)
    most = _MOST_SHUFFLED if options.shuffle else _MOST
    target = options.shard_size or min(max(total // _PORTIONS, _LEAST), most)
    block = target
    if options.shuffle:
        block = min(target, max(total // _BLOCKS, _LEAST_BLOCK, 1))
    ranges = list(_cut(options, inputs, block))
    if options.shuffle:
        ranges.sort(key=lambda part: _dealt(options.seed, part))
    portions: list[list[Range]] = [[]]
    filled = 0
    for part in ranges:
        if filled and filled + part.size > target:
            portions.append([])
            filled = 0
        portions[-1].append(part)
        filled += part.size
    made = tuple(Portion(number, tuple(found)) for number, found in enumerate(portions))
    return Plan(options, tuple(inputs), made)


def _cut(options: Options, inputs: Sequence[InputFile], block: int) -> Iterator[Range]:
    """Yields ranges of about `block` bytes at most, as far as the inputs can be cut."""
    for number, file in enumerate(inputs):
        units = units_of(file, options)
        if units is None:
            pieces = -(-file.size // block)
            edges = [file.size * piece // pieces for piece in range(pieces + 1)] if pieces else []
            lines = first_lines(file, edges) if options.format == "olmo" else [-1] * pieces
            for start, end, line in zip(edges, edges[1:], lines):
                yield Range(number, start, end, end - start, line)
        elif not units:
            yield Range(number, 0, -1, file.size, 0)
        else:
            yield from _grouped(number, units, block)


def _dealt(seed: int, part: Range) -> bytes:
    """Returns what sorts ranges at random."""
    return hashlib.sha256(b"%d %d %d" % (seed, part.input, part.start)).digest()


def _grouped(number: int, units: Sequence[Unit], block: int) -> Iterator[Range]:
    """Yields ranges of row groups or record batches, each of `block` bytes or a single unit."""
    first = size = rows = first_row = 0
    for place, unit in enumerate(units):
        if size and size + unit.size > block:
            yield Range(number, first, place, size, first_row)
            first, size, first_row = place, 0, rows
        size += unit.size
        rows += unit.rows
    yield Range(number, first, len(units), size, first_row)
