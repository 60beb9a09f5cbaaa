"""Generators of texts, each aimed at one thing that an encoder can get wrong.

A generator takes the source of randomness and a `Material`, and returns one text.
"""

from __future__ import annotations

import math
import os
import random
import sysconfig
from collections.abc import Sequence
from pathlib import Path
from typing import Callable, NamedTuple

from bpecore.fuzzing.characters import (
    BORDER_CODE_POINTS,
    CATEGORIES,
    CONTRACTIONS,
    EMOJI,
    LINE_ENDS,
    any_block,
    of_any_category,
    of_block,
    of_category,
    white_space,
)

THRESHOLDS = [
    *(1, 2, 3, 7, 8, 14, 15, 16, 17, 30, 31, 32, 33, 46, 47, 48, 49, 63, 64, 65, 66),
    *(127, 128, 129, 255, 256, 257, 511, 512, 513, 1023, 1024, 1025),
]
"""Lengths around the engine's internal limits: keys, blocks, batches, scans, the GIL."""

LARGE_THRESHOLDS = [4095, 4096, 4097, 8191, 8192, 16_384, 65_535, 65_536, 65_537]
"""Lengths around chunks and the size at which a cache grows."""

LONGEST_RUN = 1_000_000


class Material(NamedTuple):
    """What texts are made from, besides randomness.

    Attributes:
        texts: real texts, to be mutated.
        special_tokens: the names of the encoding's special tokens.
    """

    texts: Sequence[str]
    special_tokens: Sequence[str]


Generator = Callable[[random.Random, Material], str]


def real_texts(folder: Path | None = None) -> list[str]:
    """Returns texts written by people, in several scripts.

    Args:
        folder: a folder of `*.txt` files. None: the folder that `BPECORE_CORPORA` names, or, if it
            is not set, files of Python's standard library and characters of its legacy codecs.

    Raises:
        ValueError: the folder has no such file, or no text in any.
    """
    given = folder or os.environ.get("BPECORE_CORPORA")
    if given:
        files = sorted(Path(given).glob("*.txt"))
    else:
        library = Path(sysconfig.get_path("stdlib"))
        names = [
            *("argparse.py", "typing.py", "html/entities.py", "pydoc_data/topics.py"),
            *("encodings/mac_greek.py", "_pydecimal.py", "LICENSE.txt"),
        ]
        files = [library / name for name in names if (library / name).is_file()]
    texts = [file.read_bytes().decode("utf-8", "replace") for file in files]
    texts = [text for text in texts if text]
    if given and not texts:
        raise ValueError(f"there is no .txt file with text in {given}")
    return texts + ([] if given else legacy_scripts())


def legacy_scripts() -> list[str]:
    """Returns words of the characters in legacy codecs: other scripts, with no corpus needed."""
    texts = []
    pairs = [bytes([lead, trail]) for lead in range(0x81, 0xFF) for trail in range(0x40, 0xFF)]
    for codec in ("cp1251", "cp1253", "cp1255", "cp1256", "cp874", "shift_jis", "gb2312", "euc_kr"):
        text = "".join(pair.decode(codec, "ignore") for pair in pairs)
        texts.append(" ".join(text[i : i + 3 + i % 11] for i in range(0, len(text), 7)))
    return texts


def any_characters(source: random.Random, material: Material) -> str:
    """Characters of every category."""
    return "".join(of_any_category(source) for _ in range(source.randint(1, 20)))


def few_categories(source: random.Random, material: Material) -> str:
    """Long sequences of two or three categories and plain ASCII."""
    kinds = source.sample(CATEGORIES, 2)
    plain = source.choice((" ", "a", "A", "'", "\n", "/", "1"))
    elements = [*(of_category(source, kind) for kind in kinds * 2), plain]
    return "".join(source.choices(elements, k=source.randint(2, 40)))


def one_block(source: random.Random, material: Material) -> str:
    """Words of one block of code points, assigned or not."""
    start = any_block(source)
    characters = [of_block(source, start) for _ in range(8)] + [" ", "'s"]
    return "".join(source.choices(characters, k=source.randint(1, 30)))


def borders_of_utf8(source: random.Random, material: Material) -> str:
    """Characters where UTF-8 gets longer, beside others."""
    characters = [*map(chr, source.sample(BORDER_CODE_POINTS, 4)), "a", " ", "中"]
    return "".join(source.choices(characters, k=source.randint(1, 20)))


def white_space_runs(source: random.Random, material: Material) -> str:
    """Runs of white space with and without line ends, between words or at an end."""
    blanks = [*source.sample(white_space(), 2), " ", "\t"]
    parts = []
    for _ in range(source.randint(1, 6)):
        parts.append(source.choice(("", "a", "A", "1", ".", "'", "中", "x/", "'s")))
        run = source.choices(blanks + LINE_ENDS, k=source.randint(0, 5))
        parts.append("".join(run) * source.choice((1, 1, 1, 2, 30)))
    return "".join(parts) + source.choice(("", "a", " ", "\n"))


def contractions(source: random.Random, material: Material) -> str:
    """Contractions after every kind of character, chained and cut short."""
    before = [of_any_category(source), "a", "A", "aB", " ", "\n", "1", ".", "'", "中", "é", ""]
    after = ["", "", " ", "s", "'", "A", of_any_category(source)]
    if source.random() < 0.3:
        chain = source.choices(CONTRACTIONS, k=source.randint(2, 3))
        return "".join([source.choice(before), *chain, source.choice(after)])
    parts = []
    for _ in range(source.randint(1, 5)):
        parts += [source.choice(before), source.choice(CONTRACTIONS), source.choice(after)]
    return "".join(parts)


def digits(source: random.Random, material: Material) -> str:
    """Runs of numbers of several scripts, around multiples of three."""
    numbers = ["1", "0", of_category(source, "Nd"), of_category(source, "No"), "Ⅷ"]
    parts = []
    for _ in range(source.randint(1, 4)):
        parts += source.choices(numbers, k=source.randint(1, 10))
        parts.append(source.choice(("", " ", ".", ",", "a", "\n", "'s", "  ")))
    return "".join(parts)


def cases_and_marks(source: random.Random, material: Material) -> str:
    """Upper, lower and title case and letters without case, with marks between them."""
    kinds = ("Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc")
    letters = [of_category(source, source.choice(kinds)) for _ in range(5)]
    return "".join(
        source.choices([*letters, "a", "A", "B", " ", ".", "'s"], k=source.randint(2, 30))
    )


def alternatives(source: random.Random, material: Material) -> str:
    """Matches of each alternative of OpenAI's patterns in turn, adjoining or not."""
    upper, lower = of_category(source, "Lu"), of_category(source, "Ll")
    caseless = source.choice(("中", of_category(source, "Lo"), of_category(source, "Lm")))
    mark = of_category(source, "Mn")
    parts = []
    for _ in range(source.randint(1, 8)):
        prefix = source.choice(("", "", " ", "\t", ".", "-", "  ", of_any_category(source), "\n"))
        word = source.choices((upper, lower, caseless, mark, "a", "A"), k=source.randint(1, 5))
        parts.append(
            source.choice(
                (
                    prefix + "".join(word) + source.choice(("", source.choice(CONTRACTIONS))),
                    "1" * source.randint(1, 7),
                    " " * source.randint(0, 2) + source.choice((".", "...", "?!", "/", mark)),
                    source.choice((".", "…", "'", "")) + source.choice(LINE_ENDS),
                    source.choice(white_space()) * source.randint(1, 4),
                )
            )
        )
    return "".join(parts)


def glued_special_tokens(source: random.Random, material: Material) -> str:
    """Special tokens between text, whole, cut short and doubled."""
    names = source.choices(material.special_tokens, k=3) if material.special_tokens else ["<|x|>"]
    cut = source.choice(names)
    elements = [*names, *names, cut[: source.randint(1, len(cut))], cut[1:], "<|", "|>"]
    elements += ["a", " ", "\n", "中", "😀", "'s", of_any_category(source)]
    return "".join(source.choices(elements, k=source.randint(1, 8)))


def emoji(source: random.Random, material: Material) -> str:
    """Emoji with modifiers, joiners and variation selectors."""
    elements = [*source.sample(EMOJI, 3), " ", "a", "\u200d", "\ufe0f"]
    return "".join(source.choices(elements, k=source.randint(1, 12)))


def sentences(source: random.Random, material: Material) -> str:
    """Short sentences and lines: stops, closing marks and white space of several scripts."""
    stops = (".", "!", "?", "\u2026", "\u3002", "\uff01", "\u061f", "\u0964", "...", "?!", ",")
    closers = (
        "",
        "",
        '"',
        ")",
        "\u201d",
        "\u300d",
        ".)",
        ')"',
        "\u2019\u201d",
        '")',
        "]'",
        "'" * 9,
    )
    gaps = (" ", " ", " ", "  ", "\xa0", "\u3000", source.choice(LINE_ENDS))
    parts = []
    for _ in range(source.randint(1, 6)):
        word = source.choice(("a", "It", "3.1", "e\u0301", *EMOJI[:4], of_any_category(source)))
        parts += [word, source.choice(stops), source.choice(closers), source.choice(gaps)]
    return "".join(parts)


def surrogates(source: random.Random, material: Material) -> str:
    """Surrogates alone, in pairs and in the wrong order, which UTF-8 cannot encode."""
    elements = ["\ud800", "\udbff", "\udc00", "\udfff", "\ud83d\ude00", "a", " ", "中", "\x80"]
    return "".join(source.choices(elements, k=source.randint(1, 12)))


def raw_bytes(source: random.Random, material: Material) -> str:
    """Bytes that are not UTF-8, as `surrogateescape` writes them; see `checks`."""
    good = source.choice(("a", "hello wo", "中文", "é", "😀", "  ", "don'", "12")).encode()
    bad = bytes(source.choices((0x80, 0xBF, 0xC3, 0xE4, 0xF0, 0xFF, 0xED, 0xA0, 0x20), k=3))
    content = source.choice((good + bad, bad + good, good[:-1], good + bad + good))
    return content.decode("utf-8", "surrogateescape")


def mutated_snippet(source: random.Random, material: Material) -> str:
    """A few words of a real text with a few mutations."""
    return mutated(source, material, slice_of(source, material, source.randint(5, 120)))


def mutated_page(source: random.Random, material: Material) -> str:
    """Pages of a real text with a few mutations."""
    length = source.choice((2_000, 10_000, 50_000, 200_000))
    return mutated(source, material, slice_of(source, material, length))


def joined_snippets(source: random.Random, material: Material) -> str:
    """Hundreds of short strings in one text, so that each is somewhere in a block."""
    separator = source.choice(("", "", " ", "\n", "a", "ab ", ". ", "中"))
    makers = [*SHORT_GENERATORS.values()]
    if source.random() < 0.5:
        makers = source.sample(makers, 2)
    parts = [source.choice(makers)(source, material) for _ in range(source.randint(3, 150))]
    text = separator.join(parts)
    if source.random() < 0.3:
        text = text.encode("ascii", "ignore").decode()
    return text


def thresholds(source: random.Random, material: Material) -> str:
    """Pieces with lengths around internal limits, of one or a few characters."""
    character = source.choice(("a", "A", "é", "ж", "中", "😀", " ", "\n", "1", ".", "ab", "xyz"))
    parts = []
    for _ in range(source.randint(1, 5)):
        length = source.choice(THRESHOLDS)
        if source.random() < 0.5:
            part = character * length
        else:
            letters = [character, of_category(source, "Ll"), "e"]
            part = "".join(source.choices(letters, k=length))
        parts.append(part[:length])
        parts.append(source.choice(("", " ", "\n", ".", " '", "a")))
    return "".join(parts)


def large_thresholds(source: random.Random, material: Material) -> str:
    """A short string at a distance around the length of a chunk or window."""
    filler = source.choice(("a", " ", "word ", "1", "\n", "中", "é ", ".", "aB", "😀"))
    length = source.choice(LARGE_THRESHOLDS) + source.randint(-3, 3)
    middle = source.choice([*SHORT_GENERATORS.values()])(source, material)
    before = (filler * (length // len(filler) + 1))[:length]
    return f"{before}{middle}{filler * source.randint(0, 80)}"


def long_run(source: random.Random, material: Material) -> str:
    """Up to a million of one character."""
    character: str = source.choice([*"a A\n\t1.'/^中é😀", "\u0301", "\u3000"])
    length = int(math.pow(LONGEST_RUN, source.uniform(0.5, 0.9)))
    if source.random() < 0.01:
        length = LONGEST_RUN
    return source.choice(("", "x", " ")) + character * length + source.choice(("", "x", "\n", " "))


def many_pieces(source: random.Random, material: Material) -> str:
    """More distinct pieces than an empty cache holds, each twice; some differ in one byte."""
    letters = source.choice(("abcdef", "αβγδ", "的一是不", "aA1."))
    longest = source.choice((4, 7, 8, 15, 16, 31, 47, 48))
    words = [
        "".join(source.choices(letters, k=source.randint(1, longest)))
        for _ in range(source.choice((300, 1_000, 3_000)))
    ]
    return " ".join([*words, *source.sample(words, len(words))])


def slice_of(source: random.Random, material: Material, length: int) -> str:
    """Returns `length` characters of a real text."""
    text = source.choice(material.texts)
    start = source.randrange(max(1, len(text) - length))
    return text[start : start + length]


def mutated(source: random.Random, material: Material, text: str) -> str:
    """Returns the text with some parts cut out, doubled, recased, or replaced."""
    for _ in range(source.randint(0, 6)):
        start = source.randint(0, len(text))
        end = min(len(text), start + source.choice((0, 1, 1, 2, 5, 20)))
        part = text[start:end]
        change = source.randrange(7)
        if change == 0:
            part = ""
        elif change == 1:
            part *= source.choice((2, 3, 17, 70))
        elif change == 2:
            part = part.swapcase()
        elif change == 3:
            part = part[::-1]
        elif change == 4:
            part = of_any_category(source)
        else:
            part += source.choice([*SHORT_GENERATORS.values()][:8])(source, material)
        text = text[:start] + part + text[end:]
    return text


SHORT_GENERATORS: dict[str, Generator] = {
    make.__name__: make
    for make in (
        *(alternatives, any_characters, few_categories, one_block, borders_of_utf8, emoji),
        *(white_space_runs, contractions, digits, cases_and_marks, glued_special_tokens),
        sentences,
    )
}
"""Generators whose texts can be joined to longer ones: no surrogates."""

LONG_GENERATORS: dict[str, Generator] = {
    make.__name__: make
    for make in (joined_snippets, thresholds, large_thresholds, long_run, many_pieces)
}

BAD_GENERATORS: dict[str, Generator] = {make.__name__: make for make in (surrogates, raw_bytes)}
"""Texts with surrogates."""
