"""The normalizers of a tokenizer.json, exactly as `tokenizers` 0.23 applies them.

Its tables are those of Unicode 9.0.0 for the normalization forms, and 17.0.0 for lower case;
Python's are newer or older. Forms of characters never change once they are assigned, so the form by
older tables is that by newer ones with all later characters inert: text is normalized between them.
"""

from __future__ import annotations

import functools
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from bpecore._core import (
    doubtful_stretches,
    doubtful_texts,
    texts_with_others,
    without_surrogates,
)
from bpecore._models.errors import refusal
from bpecore._models.json_files import member
from bpecore._models.nfc_classes import nfc_classes
from bpecore._models.tuples import NamedTuple

TYPE_CHECKING = False  # as in `typing`, whose import takes longer than all of this
if TYPE_CHECKING:
    import re
    from typing import Any, Literal

    from bpecore._pattern.syntax import Node

    Change = tuple[int, int, str]
    Form = Literal["NFC", "NFD", "NFKC", "NFKD"]

_NEWEST_KNOWN = 18
"""The newest version of Unicode whose later characters are listed below."""
_CASES_OF = 17
"""The version of Unicode of the lower case."""

# Assigned after Unicode 9.0.0, up to 18.0.0, and composed, decomposed or reordered.
_LATER = (
    "558 58B-58C 5C8-5C9 7FD 897-89F 8CA-8D3 9FE C3C D3B-D3C EBA 1715 1ABF-1AF0 1DF6-1DFA "
    "209D-209F 32FF A7F1-A7F4 A82C AB69 105C9 105D2 105DA 105E4 10781-10785 10787-107B0 "
    "107B2-107BF 10D24-10D27 10D69-10D6D 10EAB-10EAC 10ECB-10ECF 10EF0-10EFB 10EFD-10EFF "
    "10F46-10F50 10F82-10F85 11070 1133B 11382-11385 1138B 1138E 11390-11391 113B8 113BB 113C2 "
    "113C5 113C7-113C9 113CE-113D0 1145E 11839-1183A 11930 11935 11938 1193D-1193E 11943 119E0 "
    "11A34 11A47 11A99 11D42 11D44-11D45 11D97 11F41-11F42 1611E-16129 1612F 16D63 16D67-16D6A "
    "16FF0-16FF1 1B123-1B126 1CCD6-1CCF9 1D127-1D128 1D250-1D252 1D25B-1D25C 1D25F 1D280-1D281 "
    "1D6A6 1DF95 1DFCD-1DFFF 1E030-1E06D 1E08F 1E130-1E136 1E2AE 1E2EC-1E2EF 1E4EC-1E4EF "
    "1E5EE-1E5EF 1E6E3 1E6E6 1E6EE-1E6EF 1E6F5 1F16C 1FBF0-1FBF9"
)
# Upper-case letters later than Unicode 13.0.0, and their distance to the lower-case ones.
_LATER_CASES = (
    "2C2F+48 A7C0+1 A7D0+1 A7D6+1 A7D8+1 10570-1057A+39 1057C-1058A+39 1058C-10592+39 "
    "10594-10595+39 1C89+1 A7CB-42343 A7CC+1 A7CE+1 A7D2+1 A7D4+1 A7DA+1 A7DC-42561 "
    "10D50-10D65+32 16EA0-16EB8+27"
)
# Of the marks that the split patterns know, StripAccents does not know these, and knows two others.
_LATER_MARKS = (
    "7FD 897-89F 8CA-8D3 9FE AFA-AFF B55 C04 C3C CF3 D00 D3B-D3C D81 EBA ECE 1715 180F 1ABF-1ACE "
    "1CF7 1DF6-1DFA A82C A8FF 10D24-10D27 10D69-10D6D 10EAB-10EAC 10EFC-10EFF 10F46-10F50 "
    "10F82-10F85 11070 11073-11074 110C2 11145-11146 111C9 111CE-111CF 11241 1133B 113B8-113C0 "
    "113C2 113C5 113C7-113CA 113CC-113D0 113D2 113E1-113E2 1145E 1182C-1183A 11930-11935 "
    "11937-11938 1193B-1193E 11940 11942-11943 119D1-119D7 119DA-119E0 119E4 11A01-11A0A "
    "11A33-11A39 11A3B-11A3E 11A47 11A51-11A5B 11A8A-11A99 11D31-11D36 11D3A 11D3C-11D3D "
    "11D3F-11D45 11D47 11D8A-11D8E 11D90-11D91 11D93-11D97 11EF3-11EF6 11F00-11F01 11F03 "
    "11F34-11F3A 11F3E-11F42 11F5A 13440 13447-13455 1611E-1612F 16F4F 16F7F-16F87 16FE4 "
    "16FF0-16FF1 1CF00-1CF2D 1CF30-1CF46 1E08F 1E130-1E136 1E2AE 1E2EC-1E2EF 1E4EC-1E4EF "
    "1E5EE-1E5EF"
)
_ALWAYS_MARKS = "\u1cf2\u1cf3"
# What Nmt removes, and what it turns into a blank.
_REMOVED = [*range(1, 9), 0xB, *range(0xE, 0x20), 0x7F, 0x8F, 0x9F]
_BLANK = [9, 10, 12, 13, 0x1680, *range(0x200B, 0x2010), 0x2028, 0x2029, 0x2581, 0xFEFF, 0xFFFD]
# Latin, Cyrillic, general punctuation, kana, Han and Hangul syllables.
_BORDERS = (
    (0, 0x2FF),
    (0x400, 0x482),
    (0x2010, 0x2027),
    (0x3041, 0x3096),
    (0x4E00, 0x9FFF),
    (0xAC00, 0xD7A3),
)
# Characters that are in a form by themselves and next to each other, of much used scripts: they are
# no marks, and no second part of a composition.
_PLAIN = {
    "NFKC": (
        "0-9F 180-1C3 388-3CF 400-482 488-586 621-64A 900-93B 960-9BB E00-E32 2018-2023 3001-3029 "
        "303B-3098 30A0-30FE 3400-A66E AC00-D7A3 1F300-1FBEF 20000-2F7FF"
    ),
}
_CHUNK = 4096
_MOST_STRETCHES = 1000
"""A text with this many doubtful stretches is normalized as a whole."""
_FORMS: dict[str, Form] = {
    "NFD": "NFD",
    "NFKC": "NFKC",
    "NFKD": "NFKD",
}


class Step(NamedTuple):
    """One normalizer.

    Attributes:
        apply: normalizes a stretch of text.
        leaves: returns whether it leaves a text as it is, and every stretch of it. None: never
            known.
        ends_at_borders: whether it does to a text what it does to its parts, if they begin with a
            border, see `is_border`.
        plain: ranges of characters; texts of these alone stay as they are.
        changes: finds where a text changes: the start and the end of each stretch, and what it
            becomes; None if there are very many. None: this is not known.
        doubtful: finds the places of the texts that may change. None: `plain` says it.
    """

    apply: Callable[[str], str]
    leaves: Callable[[str], bool] | None
    ends_at_borders: bool = False
    plain: str = ""
    changes: Callable[[str], list[Change] | None] | None = None
    doubtful: Callable[[list[str]], list[int]] | None = None


def read_normalizers(
    value: Any, source: str, path: str = "normalizer", all_kinds: bool = False
) -> list[Step]:
    """Returns the normalizers of a file in the order in which they are applied.

    Args:
        value: the member `normalizer`.
        source: the file, for errors.
        path: where it is in the file.
        all_kinds: also those of which it is not known where in a text their results come from.

    Raises:
        ValueError: one is invalid or unknown.
    """
    if value is None:
        return []
    if not isinstance(value, dict):
        raise ValueError(f"{source}: {path} must be a JSON object, found {value!r:.60}")
    kind = member(value, f"{path}.type", str, source)
    if kind == "Sequence":
        items = member(value, f"{path}.normalizers", list, source)
        return [
            step
            for number, item in enumerate(items)
            for step in read_normalizers(item, source, f"{path}.normalizers[{number}]", all_kinds)
        ]
    if kind == "NFC" or kind in _FORMS:
        return [_form(kind, source, path)]
    if kind == "Lowercase":
        _require_known_version(_CASES_OF, kind, source, path)
        return [_unchanged_if_equal(lowercase_of)]
    if kind == "Prepend":
        prefix = member(value, f"{path}.prepend", str, source)
        if not prefix:
            raise refusal(source, f"{path}.prepend is empty: tokenizers doubles a character then")
        return [Step(lambda text: prefix + text if text else text, None)]
    if kind == "Strip":
        left = member(value, f"{path}.strip_left", bool, source)
        right = member(value, f"{path}.strip_right", bool, source)
        return [Step(partial(_stripped, left=left, right=right), None)]
    if kind == "Replace":
        return [_replacement(value, source, path, all_kinds)]
    if all_kinds and kind == "StripAccents":
        return [Step(_without_marks, lambda text: _marks().search(text) is None, True, "0-7F")]
    if all_kinds and kind == "Nmt":
        return [_unchanged_if_equal(lambda text: text.translate(_cleaned()))]
    raise refusal(source, f"{path} is {kind}, which is not known exactly")


def normalized(steps: Sequence[Step], text: str) -> str:
    """Returns what normalizers make of a text."""
    for step in steps:
        text = step.apply(text)
    return text


def _form(kind: str, source: str, path: str) -> Step:
    _require_known_version(_NEWEST_KNOWN, kind, source, path)
    if kind == "NFC":
        return Step(_composed, _is_composed, True, "", _composing_changes, _doubtful_for_nfc)
    form = _FORMS[kind]
    plain = _PLAIN.get(form, "0-7F")

    def leaves(text: str) -> bool:
        if text.isascii():
            return True
        chunks = [*_chunks(text)]
        return all(
            unicodedata.is_normalized(form, chunks[place])
            for place in texts_with_others(chunks, character_set(plain))
        )

    def apply_to_chunks(text: str) -> str:
        chunks = [*_chunks(text)]
        for place in texts_with_others(chunks, character_set(plain)):
            if not unicodedata.is_normalized(form, chunks[place]):
                chunks[place] = _in_form(form, chunks[place])
        return "".join(chunks)

    return Step(apply_to_chunks, leaves, True, plain)


def _in_form(form: Form, text: str) -> str:
    """Returns a text in a normalization form; characters that are too new stay as they are."""
    if not texts_with_others([text], character_set(_LATER, others=True)):
        return unicodedata.normalize(form, text)
    parts = _later_characters().split(text)
    parts[::2] = [unicodedata.normalize(form, part) for part in parts[::2]]
    return "".join(parts)


def _composing_changes(text: str) -> list[Change] | None:
    """Returns where a text is not in NFC, and what is there in NFC; None: in very many places."""
    doubtful = doubtful_stretches(text, nfc_classes(), _MOST_STRETCHES)
    if len(doubtful) == _MOST_STRETCHES:
        return None
    found = []
    for start, stop in doubtful:
        composed = _in_form("NFC", text[start:stop])
        if composed != text[start:stop]:
            found.append((start, stop, composed))
    return found


def _doubtful_for_nfc(texts: list[str]) -> list[int]:
    return doubtful_texts(texts, nfc_classes())


def _composed(text: str) -> str:
    changes = _composing_changes(text)
    return _in_form("NFC", text) if changes is None else with_changes(text, changes)


def _is_composed(text: str) -> bool:
    changes = _composing_changes(text)
    return _in_form("NFC", text) == text if changes is None else not changes


def with_changes(text: str, changes: Sequence[Change]) -> str:
    """Returns a text with some stretches replaced."""
    parts, reached = [], 0
    for start, stop, new in changes:
        parts += [text[reached:start], new]
        reached = stop
    return "".join([*parts, text[reached:]]) if parts else text


@functools.cache
def character_set(ranges: str, others: bool = False) -> bytes:
    """Returns characters as `texts_with_others` reads them: a bit per code point.

    Args:
        ranges: their code points and ranges of these, in hexadecimal.
        others: whether all other characters are meant.
    """
    members = 0
    for item in ranges.split():
        first, _, last = item.partition("-")
        members |= (1 << int(last or first, 16) + 1) - (1 << int(first, 16))
    if others:
        members ^= (1 << 0x110000) - 1
    return members.to_bytes(0x110000 // 8, "little")


def _chunks(text: str) -> Iterator[str]:
    """Yields a text in chunks that are normalized by themselves.

    They end before characters that nothing before them changes or is changed by: what is doubtful
    about a few characters is then decided for their chunk alone.
    """
    start = 0
    while start < len(text):
        end = start + _CHUNK
        while end < len(text) and not is_border(text[end]):
            end += 1
        yield text[start:end]
        start = end


def is_border(character: str) -> bool:
    """Returns whether no normalizer joins a character with the one before it.

    That is so if its decomposition begins with a starter that is no second part of a composition:
    all such parts are marks, or vowels and final consonants of Hangul.
    """
    point = ord(character)
    if any(first <= point <= last for first, last in _BORDERS):
        return True
    first = unicodedata.normalize("NFKD", character)[0]
    return (
        not unicodedata.combining(first)
        and not unicodedata.category(first).startswith("M")
        and not "\u1160" <= first <= "\u11ff"
        and not "\ud7b0" <= first <= "\ud7ff"
    )


def _require_known_version(newest: int, kind: str, source: str, path: str) -> None:
    version = unicodedata.unidata_version
    if int(version.partition(".")[0]) > newest:
        raise refusal(
            source, f"{path} is {kind}, and this Python's Unicode {version} is newer than is known"
        )


@functools.cache
def _later_characters() -> Any:
    import re

    return re.compile(f"([{_ranges(_LATER)}]+)")


def _ranges(points: str) -> str:
    import re

    written = re.sub(r"\w+", lambda point: f"\\U{int(point[0], 16):08X}", points)
    return written.replace(" ", "")


@functools.cache
def _marks() -> re.Pattern[str]:
    """Returns a pattern for runs of what StripAccents removes."""
    import re

    from bpecore._pattern.properties import general_category

    marks = " ".join(f"{first:X}-{last:X}" for first, last in general_category("M").ranges())
    return re.compile(f"(?:(?![{_ranges(_LATER_MARKS)}])[{_ALWAYS_MARKS}{_ranges(marks)}])+")


def _without_marks(text: str) -> str:
    return _marks().sub("", text)


@functools.cache
def _cleaned() -> dict[int, str | None]:
    return {**dict.fromkeys(_REMOVED), **dict.fromkeys(_BLANK, " ")}


def _unchanged_if_equal(apply: Callable[[str], str]) -> Step:
    return Step(apply, lambda text: apply(text) == text, True)


@functools.cache
def _later_cases() -> dict[int, int]:
    import re

    cases = {}
    for first, last, distance in re.findall(r"(\w+)(?:-(?=\w+[+-])(\w+))?([+-]\d+)", _LATER_CASES):
        for point in range(int(first, 16), int(last or first, 16) + 1):
            cases[point] = point + int(distance)
    return cases


def lowercase_of(text: str) -> str:
    """Returns a text in lower case; a character can become two."""
    # Letter by letter: `str.lower` knows the final sigma.
    return "".join(map(str.lower, text)).translate(_later_cases())


@functools.cache
def white_space() -> str:
    """Returns the characters that are stripped."""
    from bpecore._pattern.properties import WHITE_SPACE

    return "".join(map(chr, WHITE_SPACE.code_points()))


def is_later(character: str) -> bool:
    """Returns whether the tables of the forms are older than a character, and leave it alone."""
    return _later_characters().match(character) is not None


def _stripped(text: str, *, left: bool, right: bool) -> str:
    spaces = white_space()
    if left:
        text = text.lstrip(spaces)
    return text.rstrip(spaces) if right else text


def _replacement(value: dict[str, Any], source: str, path: str, all_kinds: bool) -> Step:
    given = member(value, f"{path}.pattern", dict, source)
    content = member(value, f"{path}.content", str, source)
    if all_kinds and [*given] == ["Regex"]:
        from bpecore._models.onig_syntax import read_pattern

        return _pattern_replacement(
            read_pattern(given, f"{path}.pattern", source), content, source, path
        )
    old = given.get("String")
    if not isinstance(old, str) or not old:
        raise refusal(source, f"{path} replaces {given!r:.60}, which is not known")
    return Step(lambda text: text.replace(old, content), lambda text: old not in text)


def _pattern_replacement(pattern: str, content: str, source: str, path: str) -> Step:
    from bpecore._models.pieces import spans_of_matches
    from bpecore._models.pre_tokenizers import automaton_of
    from bpecore._pattern.parser import parse

    try:
        splitter = automaton_of(pattern)
    except ValueError as error:
        raise refusal(source, f"{path}.pattern: {error}") from None

    def apply(text: str) -> str:
        kept: list[str] = []
        reached = 0
        for start, stop in spans_of_matches(splitter, text):
            kept += (text[reached:start], content)
            reached = stop
        return "".join([*kept, text[reached:]])

    def leaves(text: str) -> bool:
        return next(spans_of_matches(splitter, without_surrogates(text)), None) is None

    # A stretch of a text can match where the text does not, if what follows matters.
    return Step(apply, None if _looks_around(parse(pattern)) else leaves)


def _looks_around(tree: Node) -> bool:
    from bpecore._pattern.syntax import LookAround, Next, children

    return isinstance(tree, (LookAround, Next)) or any(map(_looks_around, children(tree)))
