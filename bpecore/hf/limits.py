"""Truncation and padding: the members of a tokenizer.json, the arguments that set them, and both
done to encodings.

Reference: `utils/truncation.rs` and `utils/padding.rs` of tokenizers 0.23.
"""

from __future__ import annotations

import operator
import warnings
from typing import TYPE_CHECKING, Any, NamedTuple

from bpecore._models.json_files import member

if TYPE_CHECKING:
    from typing_extensions import Self

    from bpecore.hf.encoding import Encoding

_STRATEGIES = {
    "longest_first": "LongestFirst",
    "only_first": "OnlyFirst",
    "only_second": "OnlySecond",
}
_DIRECTIONS = {"left": "Left", "right": "Right"}
_TRUNCATION_NAMES = ("max_length", "stride", "strategy", "direction")
_PADDING_NAMES = (
    *("length", "pad_to_multiple_of", "pad_id", "pad_token", "pad_type_id"),
    "direction",
)
PADDING_BITS = {"length": 64, "pad_to_multiple_of": 64, "pad_id": 32, "pad_type_id": 32}
"""How large the numbers of padding may be."""


class _TruncationFields(NamedTuple):
    max_length: int
    strategy: str
    direction: str
    stride: int


class Truncation(_TruncationFields):
    """How long encodings may be: `tokenizers.Truncation` of version 1.0.

    Args:
        max_length: how many tokens there may be, with those around a text.
        strategy: which of two texts is cut: "longest_first", "only_first" or "only_second".
        direction: the end that is cut, "right" or "left".
        stride: how many tokens the parts that overflow share; `tokenizers` 1.0 has no such parts.

    Raises:
        ValueError: `strategy` or `direction` is none of these.
        TypeError, OverflowError: a number is none, or negative, or too large.
    """

    __slots__ = ()

    def __new__(
        cls,
        max_length: int,
        strategy: str = "longest_first",
        direction: str = "right",
        *,
        stride: int = 0,
    ) -> Self:
        """Checks the arguments."""
        _check_choice("strategy", strategy, _STRATEGIES)
        _check_choice("direction", direction, _DIRECTIONS)
        max_length = checked_number("max_length", max_length, 64)
        stride = checked_number("stride", stride, 64)
        return super().__new__(cls, max_length, strategy, direction, stride)

    def __reduce__(self) -> tuple[Any, ...]:
        return _truncation, tuple(self)

    def shown(self) -> dict[str, Any]:
        """Returns the arguments of `enable_truncation` as `tokenizers` 0.23 shows them."""
        return {name: getattr(self, name) for name in _TRUNCATION_NAMES}

    def written(self) -> dict[str, Any]:
        """Returns the member of a file."""
        return {
            "direction": _DIRECTIONS[self.direction],
            "max_length": self.max_length,
            "strategy": _STRATEGIES[self.strategy],
            "stride": self.stride,
        }

    def apply(self, first: Encoding, second: Encoding | None, added: int) -> None:
        """Truncates the encodings of one text or two.

        Args:
            first: that of the first text.
            second: that of the second.
            added: how many tokens are put around them.

        Raises:
            ValueError: the one that is to be truncated is missing or too short.
        """
        limit = self.max_length - added
        if limit < 0:
            return  # as in tokenizers, whose numbers have no sign
        lengths = len(first), 0 if second is None else len(second)
        surplus = sum(lengths) - limit
        if limit == 0:
            targets = [(first, 0), (second, 0)]
        elif surplus <= 0:
            return
        elif self.strategy == "longest_first":
            targets = [*zip((first, second), _shared(*lengths, limit, second is None))]
        else:
            chosen = self.strategy == "only_second"
            if chosen and second is None:
                raise ValueError("Truncation error: Second sequence not provided")
            if lengths[chosen] <= surplus:
                raise ValueError(
                    "Truncation error: Sequence to truncate too short to respect the provided "
                    "max_length"
                )
            targets = [((first, second)[chosen], lengths[chosen] - surplus)]
        for encoding, length in targets:
            if encoding is not None:
                encoding.truncate(length, self.stride, self.direction)


def _shared(first: int, second: int, limit: int, is_alone: bool) -> tuple[int, int]:
    """Returns how long two texts may be that are too long together."""
    if is_alone:
        return limit, 0
    shorter, longer = sorted((first, second))
    longer = shorter if shorter > limit else max(shorter, limit - shorter)
    if shorter + longer > limit:
        shorter = limit // 2
        longer = shorter + limit % 2
    return (longer, shorter) if first > second else (shorter, longer)


def _truncation(max_length: int, strategy: str, direction: str, stride: int) -> Truncation:
    return Truncation(max_length, strategy, direction, stride=stride)


class _PaddingFields(NamedTuple):
    direction: str
    pad_id: int
    pad_type_id: int
    pad_token: str
    length: int | None
    pad_to_multiple_of: int | None


class Padding(_PaddingFields):
    """What short encodings are filled with: `tokenizers.Padding` of version 1.0.

    Args:
        direction: the end that is filled, "right" or "left".
        pad_id: the id of padding.
        pad_type_id: its type.
        pad_token: how it is spelled.
        length: how many tokens there are afterwards; None: as many as the longest of a batch.
        pad_to_multiple_of: what that number must be a multiple of.

    Raises:
        ValueError: `direction` is neither.
        TypeError, OverflowError: a number is none, or negative, or too large.
    """

    __slots__ = ()

    def __new__(
        cls,
        direction: str = "right",
        pad_id: int = 0,
        pad_type_id: int = 0,
        pad_token: str = "[PAD]",
        length: int | None = None,
        pad_to_multiple_of: int | None = None,
    ) -> Self:
        """Checks the arguments."""
        _check_choice("direction", direction, _DIRECTIONS)
        if not isinstance(pad_token, str):
            raise TypeError(f"pad_token must be str, not {type(pad_token).__name__}")
        numbers = [
            number if number is None else checked_number(name, number, 64)
            for name, number in (("length", length), ("pad_to_multiple_of", pad_to_multiple_of))
        ]
        pad_id = checked_number("pad_id", pad_id, PADDING_BITS["pad_id"])
        pad_type_id = checked_number("pad_type_id", pad_type_id, PADDING_BITS["pad_type_id"])
        return super().__new__(cls, direction, pad_id, pad_type_id, pad_token, *numbers)

    def shown(self) -> dict[str, Any]:
        """Returns the arguments of `enable_padding` as `tokenizers` 0.23 shows them."""
        return {name: getattr(self, name) for name in _PADDING_NAMES}

    def written(self) -> dict[str, Any]:
        """Returns the member of a file."""
        return {
            "strategy": "BatchLongest" if self.length is None else {"Fixed": self.length},
            "direction": _DIRECTIONS[self.direction],
            "pad_to_multiple_of": self.pad_to_multiple_of,
            "pad_id": self.pad_id,
            "pad_type_id": self.pad_type_id,
            "pad_token": self.pad_token,
        }

    def apply(self, encodings: list[Encoding]) -> None:
        """Pads all encodings of a batch to one length."""
        length = self.length
        if length is None:
            length = max(map(len, encodings), default=0)
        if self.pad_to_multiple_of:
            length += -length % self.pad_to_multiple_of
        for encoding in encodings:
            encoding.pad(length, self.direction, self.pad_id, self.pad_type_id, self.pad_token)


def read_truncation(value: Any, source: str) -> Truncation | None:
    """Returns what the member `truncation` of a file says; ValueError if it is invalid."""
    if value is None:
        return None
    _require_object(value, "truncation", source)
    return Truncation(
        member(value, "truncation.max_length", int, source),
        _named(value, "truncation.strategy", _STRATEGIES, source),
        _named(value, "truncation.direction", _DIRECTIONS, source, "right"),
        stride=member(value, "truncation.stride", int, source),
    )


def read_padding(value: Any, source: str) -> Padding | None:
    """Returns what the member `padding` of a file says; ValueError if it is invalid."""
    if value is None:
        return None
    _require_object(value, "padding", source)
    strategy = value.get("strategy")
    length = None
    if strategy != "BatchLongest":
        strategy = member(value, "padding.strategy", dict, source)
        length = member(strategy, "padding.strategy.Fixed", int, source)
    return Padding(
        _named(value, "padding.direction", _DIRECTIONS, source),
        member(value, "padding.pad_id", int, source),
        member(value, "padding.pad_type_id", int, source),
        member(value, "padding.pad_token", str, source),
        length,
        member(value, "padding.pad_to_multiple_of", int, source, default=None),
    )


def _require_object(value: Any, path: str, source: str) -> None:
    if not isinstance(value, dict):
        raise ValueError(f"{source}: {path} must be a JSON object, found {value!r:.60}")


def _named(
    value: dict[str, Any], path: str, names: dict[str, str], source: str, default: str | None = None
) -> str:
    written = member(value, path, str, source, default=names[default] if default else ...)
    for name, known in names.items():
        if known == written:
            return name
    raise ValueError(f"{source}: {path} must be one of {', '.join(names.values())}")


def _check_choice(what: str, given: str, names: dict[str, str]) -> None:
    if given not in names:
        raise ValueError(f"{what} must be one of {', '.join(names)}, not {given!r:.60}")


def checked_number(what: str, given: Any, bits: int) -> int:
    """Returns an argument that is a number without sign.

    Raises:
        TypeError: it is no number.
        OverflowError: it is negative or has more bits.
    """
    number = operator.index(given)
    if not 0 <= number < 1 << bits:
        raise OverflowError(f"{what} must be from 0 to 2**{bits} - 1, not {number}")
    return number


def given_truncation(given: Any, own: Truncation | None) -> Truncation | None:
    """Returns the truncation of one call.

    Args:
        given: the argument; `...` if there is none.
        own: the tokenizer's.

    Raises:
        TypeError: it is no `Truncation`.
    """
    if given is ...:
        return own
    if given is None or isinstance(given, Truncation):
        return given
    raise TypeError(f"truncation must be a Truncation or None, not {type(given).__name__}")


def given_padding(given: Any, own: Padding | None) -> Padding | None:
    """Returns the padding of one call, as `given_truncation`."""
    if given is ...:
        return own
    if given is None or isinstance(given, Padding):
        return given
    raise TypeError(f"padding must be a Padding or None, not {type(given).__name__}")


def warn_of(unknown: dict[str, Any]) -> None:
    """Warns of arguments that are ignored, as `tokenizers` does."""
    if unknown:
        warnings.warn(f"ignored unknown arguments: {', '.join(unknown)}", stacklevel=3)
