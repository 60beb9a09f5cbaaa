"""Chunks of `split_spans`, `split` and `split_batch` beside a twin that counts every part."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import regex
from own import BYTES, own_encoding
from pairs import Pair
from texts import EMOJI, WORDS, random_text

import bpecore
from bpecore._core import set_thread_sizes
from bpecore._limits.counted_chunks import counted_spans
from bpecore._limits.counting import Counting
from bpecore._limits.splitting import checked_rules

KINDS = ("character", "word", "sentence", "line")
BREAKING_SPACES = {
    c for c in map(chr, range(0x110000)) if regex.match(r"\p{White_Space}", c)
} - set("\xa0\u2007\u202f")
LINE_ENDS = set("\n\r\v\f\x85\u2028\u2029")
WIDE_STOPS = set("。！？｡")  # noqa: RUF001
STOPS = WIDE_STOPS | set(".!?…‼⁇⁈⁉؟۔।॥։።")  # noqa: RUF001
CLOSERS = set("\"')]}”’»》」』】）")  # noqa: RUF001
PUNCTUATION = [
    *[".", "..", "?", "!", "\n", "\r\n", "\n\n", "。", "。」", ".)", "'"],
    ".\u2028",
    '." ',
    "?!」 ",
    " \n ",
]


def is_border(text: str, place: int, kind: str) -> bool:
    """Returns whether words, sentences or lines end before a character."""
    left, right = text[place - 1], text[place]
    if left in LINE_ENDS and left + right != "\r\n":
        return True
    word_ends = right in BREAKING_SPACES and left not in BREAKING_SPACES
    if kind == "line":
        return False
    if kind == "word" and word_ends:
        return True
    last = text[:place]
    for _ in range(8):
        last = last[:-1] if last[-1:] in CLOSERS and len(last) > 1 else last
    if last[-1] in WIDE_STOPS and right not in CLOSERS | STOPS:
        return True
    return word_ends and last[-1] in STOPS


def wanted_places(text: str, kind: str, whole: bool) -> list[list[int]]:
    """Returns where a text may be cut: at places of a kind, then at those of finer kinds."""
    kinds = KINDS[1 : KINDS.index(kind) + 1][::-1]
    inner = range(1, len(text))
    places = [[place for place in inner if is_border(text, place, each)] for each in kinds]
    if whole:
        ends = {found.end() for found in regex.finditer(r"\X", text)}
        places = [[place for place in row if place in ends] for row in places]
        places.append(sorted(ends - {len(text)}))
    return places


class Twin:
    """Checks chunks by counting parts of a text.

    Args:
        encoding: counts.
        text: without surrogates.
        special: the arguments on special tokens.
    """

    def __init__(self, encoding: bpecore.Encoding, text: str, special: dict[str, Any]) -> None:
        self.text = text
        self._encoding = encoding
        self._special = special

    def count(self, start: int, end: int) -> int:
        return self._encoding.count(self.text[start:end], **self._special)

    def check_end(self, start: int, low: int, end: int, limit: int, kinds: list[list[int]]) -> None:
        """Checks that the end is the last good one after `low`, and no better kind has any."""
        if end == len(self.text):
            return
        for places in kinds:
            if end in places:
                after = next((place for place in places if place > end), None)
                if after is not None and self.count(start, after) <= limit:
                    assert any(self.count(start, p) > limit for p in range(end, after))
                return
            for place in places:
                assert not low < place <= end or self.count(start, place) > limit
        assert self.count(start, end) >= limit - 1 or self.count(start, end + 1) > limit

    def check_start(
        self, low: int, start: int, end: int, limit: int, kinds: list[list[int]]
    ) -> None:
        """Checks that an overlap begins at the first good place, and no better kind has any."""
        assert self.count(start, end) <= limit
        if start in (low, end):
            return
        for places in kinds:
            if start in places:
                return
            for place in places:
                assert not start <= place < end or self.count(place, end) > limit
        assert self.count(start, end) >= limit - 1 or self.count(start - 1, end) > limit


def check_spans(
    encoding: bpecore.Encoding, text: str, arguments: dict[str, Any], special: dict[str, Any]
) -> list[tuple[int, int]]:
    """Checks all chunks of a text; returns where they are."""
    found = encoding.split_spans(text, **arguments, **special)
    twin = Twin(encoding, text, special)
    limit, overlap = arguments["max_tokens"], arguments["overlap"]
    kinds = wanted_places(text, arguments["boundary"], arguments["whole_graphemes"])
    before, low = 0, 0
    for (start, end), tokens in zip(found.characters.tolist(), found.tokens.tolist()):
        assert tokens == twin.count(start, end) <= limit
        assert start <= before < end
        twin.check_end(start, before, end, limit, kinds)
        if before:
            twin.check_start(low, start, before, overlap, kinds) if start < before else None
        before, low = end, start
    assert before == len(text)
    for (start, end), places in zip(found.characters.tolist(), found.bytes.tolist()):
        assert places == [len(text[:start].encode()), len(text[:end].encode())]
    return [(start, end) for start, end in found.characters.tolist()]


def some_text(source: random.Random) -> str:
    if source.random() < 0.4:
        return str(random_text(source, 30))
    parts = source.choices([*WORDS, *EMOJI, "e\u0301", "<|endoftext|>"], k=source.randint(0, 25))
    return "".join(part + source.choice([" ", *PUNCTUATION, ""]) for part in parts)


@pytest.mark.parametrize("boundary", KINDS)
@pytest.mark.parametrize("whole_graphemes", [False, True])
def test_chunks_beside_the_twin(pair: Pair, boundary: str, whole_graphemes: bool) -> None:
    source = random.Random(boundary)
    for _ in range(40):
        text = some_text(source)
        limit = source.choice((8, 12, 30))
        if max(map(pair.ours.count, text), default=0) > limit:
            continue
        arguments = {
            "max_tokens": limit,
            "overlap": source.choice((0, 1, 5)),
            "boundary": boundary,
            "whole_graphemes": False,
        }
        special = source.choice(({"disallowed_special": ()}, {"allowed_special": "all"}))
        clusters = regex.findall(r"\X", text)
        if whole_graphemes and max(map(pair.ours.count, clusters), default=0) <= limit:
            arguments["whole_graphemes"] = True
            arguments["overlap"] = 0
        spans = check_spans(pair.ours, text, arguments, special)
        chunks = [text[start:end] for start, end in spans]
        assert pair.ours.split(text, **arguments, **special) == chunks
        if not arguments["overlap"]:
            assert "".join(chunks) == text


@pytest.mark.parametrize("boundary", KINDS)
def test_chunks_found_by_counting_follow_the_same_rules(cl100k: Pair, boundary: str) -> None:
    source = random.Random(boundary)
    counting = Counting(cl100k.ours, frozenset())
    pattern = own_encoding(r"(?<=a)b|\w+|\s|[^\w\s]", {**BYTES, b"ab": 256, b"th": 257})
    for _ in range(20):
        text = some_text(source)
        arguments: dict[str, Any] = {
            "max_tokens": 30,
            "overlap": source.choice((0, 5)),
            "boundary": boundary,
            "whole_graphemes": False,
        }
        check_spans(pattern, text, arguments, {"disallowed_special": ()})
        rules = checked_rules(**arguments)
        spans, misfit = counted_spans(counting, text, rules)
        assert misfit is None
        places = memoryview(spans).cast("q").tolist()
        found = cl100k.ours.split_spans(text, **arguments, disallowed_special=())
        if boundary in ("sentence", "line") and not arguments["overlap"]:
            assert len(places) // 3 >= len(found.tokens) - 1


@pytest.mark.parametrize(
    "text", ["a" * 3000, " " * 3000, "的" * 999, "𓀀" * 500, "😀" * 700, "7" * 900]
)
@pytest.mark.parametrize("boundary", ["character", "sentence"])
def test_a_single_long_piece(cl100k: Pair, text: str, boundary: str) -> None:
    for limit, overlap in ((5, 0), (60, 9)):
        arguments = {
            "max_tokens": limit,
            "overlap": overlap,
            "boundary": boundary,
            "whole_graphemes": False,
        }
        check_spans(cl100k.ours, text, arguments, {})


@pytest.mark.parametrize("boundary", ["character", "word"])
def test_letters_that_may_or_may_not_be_counted_apart(pair: Pair, boundary: str) -> None:
    """Letters without case go on with each other; whether a capital after them begins a piece
    depends on what is before them."""
    source = random.Random(boundary)
    for letters in ("あい中国文", "aAあ中", "aA中ǅʰ\u03011", "あ、。 中'sſ\n", "한글 é中"):  # noqa: RUF001
        for _ in range(12):
            text = "".join(source.choices(letters, k=source.randint(20, 90)))
            for limit, overlap in ((6, 0), (9, 4)):
                arguments = {
                    "max_tokens": limit,
                    "overlap": overlap,
                    "boundary": boundary,
                    "whole_graphemes": False,
                }
                check_spans(pair.ours, text, arguments, {})


def test_tokens_that_no_merge_makes_are_counted_in_whole_pieces() -> None:
    ranks = {**BYTES, "中".encode(): 256, "中国人".encode(): 257}
    encoding = own_encoding(r"\w+|\W", ranks)
    arguments = {"max_tokens": 7, "overlap": 3, "boundary": "character", "whole_graphemes": False}
    for text in ("中国人" * 9, "中国人、国人中国人人" * 5):
        check_spans(encoding, text, arguments, {})


@pytest.fixture(params=[0, 3000])
def sections(request: pytest.FixtureRequest) -> Iterator[None]:
    """Divides texts into sections of the usual size, or of a few thousand characters."""
    if request.param:
        set_thread_sizes(request.param, request.param, request.param)
    yield
    set_thread_sizes()


@pytest.mark.usefixtures("sections")
def test_long_texts() -> None:
    """Places of tokens are found from marks: between groups of pieces, windows and sections."""
    encoding = bpecore.get_encoding("o200k_base")
    source = random.Random(3)
    special: dict[str, Any]
    words = [*WORDS, *EMOJI, "<|endoftext|>", "a" * 300, "漢字かな混じり文、です。"]
    texts = ["".join(w + source.choice(" \n") for w in source.choices(words, k=6000))]
    texts += ["word " * 5000, "7" * 3000 + " x" * 3000, "".join(source.choices("あい中国", k=9000))]
    for text in texts:
        for special in ({"disallowed_special": ()}, {"allowed_special": "all"}):
            twin = Twin(encoding, text, special)
            found = encoding.split_spans(text, 100, overlap=20, **special)
            before = low = 0
            for (start, end), tokens in zip(found.characters.tolist(), found.tokens.tolist()):
                assert start <= before < end
                assert tokens == twin.count(start, end)
                twin.check_end(start, before, end, 100, [])
                if start < before:
                    twin.check_start(low, start, before, 20, [])
                before, low = end, start
            assert before == len(text)


@pytest.mark.parametrize("section", [40, 700])
def test_chunks_do_not_depend_on_where_sections_end(pair: Pair, section: int) -> None:
    source = random.Random(section)
    texts = [some_text(source) * 8 for _ in range(12)]
    texts += ["word " * 400, "的" * 2000, "a" * 900 + " あ中、a" * 99, "<|endoftext|> x" * 90]
    texts += ["".join(source.choices("あい中国、a '\n", k=1500)), "ab \ud83d\ude00 c\ud800" * 90]
    special: dict[str, Any]
    for text in texts:
        for _ in range(4):
            limit = source.choice((12, 60, 300, 10**20))
            arguments = {
                "max_tokens": limit,
                "overlap": source.choice((0, 5, min(limit // 3, 400))),
                "boundary": source.choice(KINDS),
                "whole_graphemes": source.random() < 0.3,
            }
            special = source.choice(({"disallowed_special": ()}, {"allowed_special": "all"}))
            usual = pair.ours.split_spans(text, **arguments, **special)
            try:
                set_thread_sizes(section)
                found = pair.ours.split_spans(text, **arguments, **special)
                chunks = pair.ours.split(text, **arguments, **special)
            finally:
                set_thread_sizes()
            assert found.characters.tolist() == usual.characters.tolist()
            assert found.tokens.tolist() == usual.tokens.tolist()
            assert chunks == [text[start:end] for start, end in usual.characters.tolist()]


def test_special_tokens_that_share_an_id() -> None:
    encoding = own_encoding(r"\w+|\W", BYTES, {"<|end|>": 300, "<|e|>": 300})
    assert encoding.split("a<|end|>", 2, allowed_special="all") == ["a<|end|>"]
    with pytest.raises(ValueError, match="other characters than the text"):
        encoding.split("a<|end|><|e|>", 2, allowed_special="all")


def test_grapheme_clusters_stay_whole(cl100k: Pair) -> None:
    for text in ("👩‍👩‍👧‍👦" * 30, "🇯🇵" * 50, "e\u0301\u0327" * 60, "क्षि" * 40, "각" * 50):
        chunks = cl100k.ours.split(text, 40, whole_graphemes=True)
        assert "".join(chunks) == text
        clusters = regex.findall(r"\X", text)
        assert [c for chunk in chunks for c in regex.findall(r"\X", chunk)] == clusters
    letter = "e" + "\u0301" * 100  # a single cluster that does not fit
    assert "".join(cl100k.ours.split(letter, 10, whole_graphemes=True)) == letter


def test_characters_that_are_taken_to_begin_or_end_a_cluster() -> None:
    """The engine asks the `regex` library only about others (`is_sure_grapheme`)."""
    whole = regex.compile(r"\X")
    encoding = own_encoding(r"[\s\S]", BYTES)
    for code in [*range(0xD800), *range(0xE000, 0x30000), *range(0xE0000, 0xE1000)]:
        for text in (chr(code) + "a", "中" + chr(code), "\n" + chr(code)):
            size = len(text[0].encode())
            if len(whole.findall(text)) == 1:
                limit = len(text.encode())
                assert encoding.split("x" * (limit - size) + text, limit, whole_graphemes=True) == [
                    "x" * (limit - size),
                    text,
                ]


def test_batches(cl100k: Pair) -> None:
    source = random.Random(1)
    texts = [some_text(source) for _ in range(30)] + ["word " * 300_000, "\ud83d\ude00 a\ud83d"]
    for threads in (None, 1):
        found = cl100k.ours.split_batch(
            texts, 50, overlap=3, boundary="word", num_threads=threads, disallowed_special=()
        )
        assert found == [
            cl100k.ours.split(text, 50, overlap=3, boundary="word", disallowed_special=())
            for text in texts
        ]
    assert cl100k.ours.split_batch([], 5) == []
    with pytest.raises(ValueError, match=r"at index 1: .*takes more than"):
        cl100k.ours.split_batch(["a", "𓀀"], 2)
    with pytest.raises(TypeError, match="single str"):
        cl100k.ours.split_batch("ab", 2)
    with pytest.raises(ValueError, match="boundary must be one of"):
        cl100k.ours.split("ab", 2, boundary="page")


@pytest.mark.parametrize("widest", ["a", "\xff", "中", "😀", "\U0010ffff"])
def test_strings_are_as_narrow_as_slices(cl100k: Pair, widest: str) -> None:
    alphabets = ("ab c", "aé \xff", "a中 \uffff", "a😀 \U000f0000\U00100000\U0010ffff")
    parts = ["".join(random.Random(1).choices(letters, k=90)) for letters in alphabets]
    text = "".join(part for part in parts if max(part) <= widest) + parts[0] + widest
    wide = "\n".join(letter * (60 + i) for i, letter in enumerate("abcdefghij")) + "é"
    text = wide + text + wide.replace("é", "") * 3
    for limit in (4, 30, 100):
        places = cl100k.ours.split_spans(text, limit).characters.tolist()
        slices = [text[start:end] for start, end in places]
        chunks = cl100k.ours.split(text, limit)
        assert chunks == slices
        assert list(map(sys.getsizeof, chunks)) == list(map(sys.getsizeof, slices))
        assert list(map(hash, chunks)) == list(map(hash, slices))


def test_places_of_surrogates_are_those_of_the_text(cl100k: Pair) -> None:
    text = "a \ud83d\ude00 b \ud83d c" * 20
    found = cl100k.ours.split_spans(text, 6)
    chunks = cl100k.ours.split(text, 6)
    assert [text[start:end] for start, end in found.characters.tolist()] == chunks
    assert "".join(chunks) == text
    clean = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    assert found.bytes[-1, 1] == len(clean.encode())


@pytest.mark.parametrize("pattern", [None, r"(?:(\s)\1|[\s\S])+"])
def test_an_overlap_leaves_a_cluster_whole_that_fits_alone(pattern: str | None) -> None:
    encoding = bpecore.get_encoding("r50k_base")
    if pattern is not None:  # the regex library runs it
        encoding = bpecore.Encoding(
            "own",
            pat_str=pattern,
            mergeable_ranks=encoding._mergeable_ranks,
            special_tokens={},
        )
    flags = "\U0001f1ef\U0001f1f5"
    size = encoding.count(flags)
    chunks = encoding.split(f"\u2603{flags}{flags}", size, overlap=2, whole_graphemes=True)
    assert len(chunks) > 1
    assert {chunk.replace(flags, "") for chunk in chunks} <= {"", "\u2603"}
