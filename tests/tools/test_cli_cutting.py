"""`bpecore truncate` and `bpecore split`, and ids as arguments of `bpecore decode`."""

from __future__ import annotations

import inspect
import json
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from texts import random_texts

import bpecore
from bpecore.cli import chunk_stream, inputs, main
from bpecore.cli.split import split

TEXT = "one two three four five\r\n中文 😀 <|endoftext|> six"


def run(*arguments: str, stdin: str = "") -> Result:
    return CliRunner().invoke(main, arguments, input=stdin.encode())


class TestTruncate:
    @pytest.mark.parametrize("side", ["end", "start", "middle"])
    @pytest.mark.parametrize("tokens", [0, 1, 5, 9, 100])
    def test_is_the_method(self, side: str, tokens: int) -> None:
        encoding = bpecore.get_encoding("cl100k_base")
        for options, allowed in (([], set()), (["--allow-special"], "all")):
            expected = encoding.truncate(
                TEXT,
                tokens,
                side=side,  # type: ignore[arg-type]
                allowed_special=allowed,  # type: ignore[arg-type]
                disallowed_special=(),
            )
            arguments = ("-t", str(tokens), "--side", side, "-m", "gpt-4", *options)
            result = run("truncate", *arguments, stdin=TEXT)
            assert (result.exit_code, result.stdout_bytes) == (0, expected.encode())

    @pytest.mark.parametrize("tokens", [3, 50, 700, 5_000])
    def test_only_the_beginning_is_read(
        self, tokens: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(inputs, "FIRST_CHUNK", 100)
        monkeypatch.setattr(inputs, "CHUNK", 100)
        text = "".join(random_texts(seed=3, count=400)).encode(errors="replace").decode()
        (tmp_path / "text").write_bytes(text.encode() + b"\xff" * 100)
        encoding = bpecore.get_encoding("o200k_base")
        result = run("truncate", "-t", str(tokens), str(tmp_path / "text"))
        expected = encoding.truncate(text, tokens, disallowed_special=())
        assert (result.exit_code, result.stdout_bytes) == (0, expected.encode())

    def test_text_as_argument(self) -> None:
        assert run("truncate", "-t", "2", "-x", "one two three").output == "one two"

    def test_wrong_arguments(self) -> None:
        assert run("truncate", "-x", "a").exit_code == 2
        assert run("truncate", "-t", "-1", "-x", "a").exit_code == 2


@pytest.mark.parametrize("command", ["truncate", "split"])
def test_one_input_and_the_usage_says_so(command: str) -> None:
    result = run(command, "-t", "1", "-x", "a", "-x", "b")
    assert result.exit_code == 2
    assert f"bpecore {command} [OPTIONS] [FILE]\n".replace("bpecore", "main") in result.output
    assert "takes one input, but got 2" in result.output
    help_text = run(command, "--help").output
    assert "[FILE]\n" in help_text
    assert "several times" not in help_text


class TestSplit:
    def test_json_strings_by_line(self) -> None:
        encoding = bpecore.get_encoding("o200k_base")
        expected = encoding.split(TEXT, 5, overlap=2, disallowed_special=())
        result = run("split", "-t", "5", "--overlap", "2", stdin=TEXT)
        assert result.exit_code == 0
        assert [json.loads(line) for line in result.output.splitlines()] == expected
        assert "中" in result.output

    def test_zero_bytes(self) -> None:
        encoding = bpecore.get_encoding("o200k_base")
        expected = encoding.split(TEXT, 5, disallowed_special=())
        result = run("split", "-0", "-t", "5", stdin=TEXT)
        assert result.stdout_bytes.decode().split("\0") == [*expected, ""]

    def test_boundaries(self) -> None:
        encoding = bpecore.get_encoding("o200k_base")
        text = "One. Two three. Four five. 👩‍👩‍👧‍👦👩‍👩‍👧‍👦"
        options = ["--boundary", "sentence", "--whole-graphemes"]
        expected = encoding.split(text, 12, boundary="sentence", whole_graphemes=True)
        result = run("split", "-t", "12", *options, stdin=text)
        assert [json.loads(line) for line in result.output.splitlines()] == expected
        assert run("split", "-t", "12", "--boundary", "page", stdin=text).exit_code == 2

    def test_every_argument_of_the_method_is_an_option(self) -> None:
        method = inspect.signature(bpecore.Encoding.split).parameters
        options = {parameter.name for parameter in split.params}
        assert {*method} - options == {
            "self",
            "text",
            "max_tokens",
            "allowed_special",
            "disallowed_special",
        }  # whose options are TEXT, --tokens and --allow-special

    def test_nothing(self) -> None:
        assert run("split", "-t", "5").output == ""

    @pytest.mark.parametrize("overlap", [0, 3])
    @pytest.mark.parametrize("tokens", [7, 60, 900, 20_000])
    def test_parts_of_a_long_text_have_the_chunks_of_the_whole(
        self, tokens: int, overlap: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(chunk_stream, "FIRST_PART", 5_000)
        monkeypatch.setattr(chunk_stream, "LONGEST_PART", 9_000)
        encoding = bpecore.get_encoding("cl100k_base")
        texts = [text.encode(errors="replace").decode() for text in random_texts(seed=4, count=900)]
        texts += ["a" * 30_000, " \n" * 9_000, "<|endoftext|>" * 3_000, "中文字" * 2_000]
        for special in ({"disallowed_special": ()}, {"allowed_special": "all"}):
            found = chunk_stream.chunk_stream(encoding, texts, tokens, special, overlap=overlap)
            expected = encoding.split("".join(texts), tokens, overlap=overlap, **special)  # type: ignore[arg-type]
            assert [chunk for part in found for chunk in part] == expected

    @pytest.mark.parametrize("boundary", ["word", "sentence", "line"])
    @pytest.mark.parametrize("tokens", [9, 200])
    def test_parts_end_at_the_boundaries_of_the_whole(
        self, tokens: int, boundary: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Also where an overlap begins inside quotation marks that end a sentence."""
        monkeypatch.setattr(chunk_stream, "FIRST_PART", 5_000)
        monkeypatch.setattr(chunk_stream, "LONGEST_PART", 9_000)
        source = random.Random(f"{tokens} {boundary}")
        joints = [". ", ".\"'))» ", "\n", " \r\n", "。」」", " ", " ", "🇯🇵🇫🇷", "e\u0301", "..."]
        words = ["some", "words", "in", "a", "sentence", "漢字"]
        texts = [source.choice(words) + source.choice(joints) for _ in range(3_000)]
        text = "".join(texts)
        encoding = bpecore.get_encoding("cl100k_base")
        for overlap, whole in ((0, False), (5, False), (7, True)):
            cutting = {"overlap": overlap, "boundary": boundary, "whole_graphemes": whole}
            found = chunk_stream.chunk_stream(encoding, texts, tokens, {}, **cutting)
            expected = encoding.split(text, tokens, **cutting)  # type: ignore[arg-type]
            assert [chunk for part in found for chunk in part] == expected

    def test_the_first_chunks_come_before_the_end(self) -> None:
        encoding = bpecore.get_encoding("o200k_base")
        read = 0

        def texts() -> Iterator[str]:
            nonlocal read
            for _ in range(1_000):
                read += 1
                yield "some words " * 1_000

        first = next(chunk_stream.chunk_stream(encoding, texts(), 10, {}))
        assert len(first) > 100
        assert read < 10

    def test_a_character_that_does_not_fit_is_named_by_its_place(self) -> None:
        text = "some words " * 20_000 + "\U00012345"
        result = run("split", "-t", "3", "-e", "r50k_base", stdin=text)
        assert result.exit_code == 1
        assert f" at {len(text) - 1} takes more than max_tokens=3 tokens" in result.output

    def test_wrong_arguments(self) -> None:
        result = run("split", "-t", "2", "--overlap", "2", "-x", "a")
        assert result.exit_code == 2
        assert "--overlap 2 is not below --tokens 2" in result.output
        assert run("split", "-t", "0", "-x", "a").exit_code == 2
        result = run("split", "-t", "1", "-e", "r50k_base", "-x", "\U00012345")
        assert result.exit_code == 1
        assert result.output.startswith("Error: ")


class TestIdsAsArguments:
    @pytest.mark.parametrize(
        "arguments", ["24912 2375", "24912,2375", "[24912, 2375]", "[24912,2375]", "24912, 2375"]
    )
    def test_are_decoded(
        self, arguments: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        assert run("decode", *arguments.split()).stdout_bytes == b"hello world"
        assert run("decode", arguments).stdout_bytes == b"hello world"

    def test_a_file_of_that_name_comes_first(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        Path("24912").write_text("2375")
        assert run("decode", "24912").output == " world"

    def test_files_and_ids_keep_their_order(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        Path("ids").write_text("24912")
        assert run("decode", "2375", "ids", "-", "24912", stdin="2375").output == (
            " worldhello worldhello"
        )

    def test_unknown_ids_are_named(self) -> None:
        result = run("decode", "24912", "999999999")
        assert result.exit_code == 1
        assert "arguments: " in result.output
        assert "999999999" in result.output
