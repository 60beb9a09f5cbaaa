"""What `bpecore view` prints: every token, in lines that fit, safe for a terminal."""

from __future__ import annotations

import re

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st
from own import BYTES, own_encoding
from wcwidth import wcswidth

import bpecore
from bpecore.cli import main
from bpecore.load import dump_tiktoken_bpe
from bpecore.view.terminal import Style, printed
from bpecore.view.tokens import TokenizedText
from bpecore.view.visible import lines_of

ENCODING = bpecore.get_encoding("o200k_base")
ESCAPES = re.compile(r"\x1b\[[\d;]*m")
MIXED = "naïve 漢字 مرحبا e\u0301\u0327 👨‍👩‍👧‍👦 𓀀\tx\r\n\n  <|endoftext|>\x1b[31m\u202e"


def run(*arguments: str, **options: object) -> Result:
    return CliRunner().invoke(main, ["view", *arguments], **options)  # type: ignore[arg-type]


def lines(text: str, **style: object) -> list[str]:
    return [*printed(TokenizedText(ENCODING, text, "all"), Style(**style))]  # type: ignore[arg-type]


class TestVisible:
    @pytest.mark.parametrize(
        ("token", "shown"),
        [
            (b" a\tb", " a    b"),
            ("é".encode(), "é"),
            (b"\xe4\xb8", "⟨e4 b8⟩"),
            (b" \xe4\xb8", " ⟨e4 b8⟩"),
            (b"\xadx\xe4", "⟨ad⟩x⟨e4⟩"),
            ("\u0301".encode(), "◌\u0301"),
            ("e\u0301".encode(), "e\u0301"),
            ("\u200d".encode(), "⟨U+200D⟩"),
            ("\ufe0f".encode(), "⟨U+FE0F⟩"),
            ("👨‍👩".encode(), "👨‍👩"),
            (b"\x1b[31m", "⟨U+001B⟩[31m"),
            ("\u202ea".encode(), "⟨U+202E⟩a"),
            ("\x9b".encode(), "⟨U+009B⟩"),
            (b"", ""),
        ],
    )
    def test_a_token(self, token: bytes, shown: str) -> None:
        assert lines_of(token, False) == [shown]

    def test_line_ends_cut(self) -> None:
        assert lines_of(b"a\r\n\n  ", False) == ["a␍↵", "↵", "  "]

    def test_white_space_on_request(self) -> None:
        assert lines_of(b" a\tb", True) == ["·a→   b"]

    def test_bytes_are_apart_from_visible_spaces(self) -> None:
        assert lines_of(b" \xe4\xb8", True) == ["·⟨e4 b8⟩"]

    @given(st.binary(max_size=20), st.booleans())
    def test_nothing_controls_the_terminal(self, token: bytes, white_space: bool) -> None:
        for line in lines_of(token, white_space):
            assert wcswidth(line) >= 0
            assert line.isprintable() or not re.search(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e]", line)


class TestLayout:
    def test_bars_between_tokens(self) -> None:
        assert lines("hello world\nHi") == ["hello│ world│↵", "Hi"]

    def test_special_tokens_are_marked(self) -> None:
        assert lines("a<|endoftext|>") == ["a│⟦<|endoftext|>⟧"]

    def test_ids_below(self) -> None:
        assert lines("hello world", ids="below") == ["hello│ world", "24912 2375"]

    def test_ids_beside(self) -> None:
        first, second = lines("hello world", ids="beside")
        assert first.split() == ["24912", "hello", "68", "65", "6c", "6c", "6f"]
        assert second.split()[:2] == ["2375", "world"]

    def test_neighbours_differ_in_colour(self) -> None:
        (line,) = lines("a b c d e f g h", colour=True)
        colours = re.findall(r"\x1b\[[\d;]+m(?! *$)", line)
        used = [colour for colour in colours if colour != "\x1b[0m"]
        assert len(used) == 8
        assert all(one != other for one, other in zip(used, used[1:]))
        assert ESCAPES.sub("", line) == "a b c d e f g h"

    @pytest.mark.parametrize("ids", [None, "below"])
    @pytest.mark.parametrize("colour", [False, True])
    @pytest.mark.parametrize("width", [20, 80, 200])
    def test_lines_fit(self, width: int, colour: bool, ids: str | None) -> None:
        text = MIXED * 9 + "x" * 300 + "漢" * 150
        for line in lines(text, width=width, colour=colour, ids=ids):
            assert wcswidth(ESCAPES.sub("", line)) <= width
            assert not colour or line.endswith("\x1b[0m")

    @given(st.text(max_size=60))
    def test_no_character_is_lost(self, text: str) -> None:
        """Without the signs, the lines are the text."""
        text = text.encode("utf-8", "replace").decode()
        shown = lines_of(text.encode(), False)
        plain = "".join(shown).replace("↵", "\n").replace("␍", "\r").replace(" " * 4, "\t")
        plain = re.sub(r"⟨U\+([0-9A-F]+)⟩", lambda found: chr(int(found[1], 16)), plain)
        if not set("↵␍◌⟨⟩") & {*text} and " " * 4 not in text:
            assert plain.replace("◌", "") == text


class TestCommand:
    def test_a_pipe_has_no_colours(self) -> None:
        result = run("-x", "hello world")
        assert result.stdout.splitlines() == [
            "hello│ world",
            "o200k_base: 2 tokens, 11 characters, 11 bytes, 5.50 characters per token",
        ]

    def test_colours_on_request(self) -> None:
        assert "\x1b[" in run("--color", "always", "-x", "hello").stdout
        assert "\x1b[" not in run("--color", "never", "-x", "hello").stdout

    @pytest.mark.parametrize(
        ("variables", "coloured"),
        [({}, False), ({"FORCE_COLOR": "1"}, True), ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False)],
    )
    def test_variables(self, variables: dict[str, str], coloured: bool) -> None:
        environment = {"NO_COLOR": None, "FORCE_COLOR": None, "TERM": "xterm", **variables}
        assert ("\x1b[" in run("-x", "hello", env=environment).stdout) == coloured

    def test_standard_input_and_a_file(self, tmp_path: object) -> None:
        assert run(input="hello").stdout.startswith("hello\n")
        (path := tmp_path / "text").write_text("hello")  # type: ignore[operator]
        assert run(str(path)).stdout.startswith("hello\n")

    def test_special_tokens_are_text_unless_allowed(self) -> None:
        assert "<│|│end│of│text│|│>" in run("-x", "<|endoftext|>").stdout
        assert "⟦<|endoftext|>⟧" in run("--allow-special", "-x", "<|endoftext|>").stdout

    def test_several_encodings(self, tmp_path: object) -> None:
        dump_tiktoken_bpe({**BYTES, b"he": 256}, path := str(tmp_path) + "/mine.tiktoken")
        found = run("-e", "gpt2", "-m", "gpt-4o", "--vocabulary", path, "--pattern", r"\S+|\s+",
                    "-x", "hello")  # fmt: skip
        assert found.exit_code == 0
        assert [line.split(":")[0] for line in found.stdout.splitlines() if ":" in line] == [
            "gpt2",
            "o200k_base",
            "mine.tiktoken",
        ]
        assert "he│l│l│o" in found.stdout

    def test_a_file_that_is_no_vocabulary(self, tmp_path: object) -> None:
        (path := tmp_path / "vocabulary").write_text("<html>")  # type: ignore[operator]
        result = run("--vocabulary", str(path), "-x", "hello")
        assert result.exit_code == 1
        assert str(path) in result.stderr.replace("\n", "")

    def test_an_empty_text(self) -> None:
        assert run("-x", "").stdout == "o200k_base: 0 tokens, 0 characters, 0 bytes\n"


def test_tokens_are_those_of_the_encoding() -> None:
    tokens = TokenizedText(ENCODING, MIXED)
    assert tokens.ids == ENCODING.encode(MIXED, disallowed_special=())
    assert b"".join(token.bytes for token in tokens).decode() == MIXED
    assert not any(token.special for token in tokens)


def test_an_encoding_whose_pattern_leaves_characters_out() -> None:
    tokens = TokenizedText(own_encoding(r"\w+"), "a b")
    assert [token.bytes for token in tokens] == [b"a", b"b"]


def test_columns_for_an_id_have_no_colour() -> None:
    """A space with colour belongs to the token."""
    shown, _ = lines(", not.", colour=True, ids="below")[:2]
    assert ESCAPES.sub("", shown) == ",   not ."
    assert ",\x1b[0m" in shown
    assert " not\x1b[0m" in shown
