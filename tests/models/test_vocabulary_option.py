"""`--vocabulary`: a model's own file, for the commands that take one encoding."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from small_models import both, model_json

from bpecore import Encoding
from bpecore.cli import main

TEXT = "aa ab abab b the tool "


@pytest.fixture
def encoding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Encoding:
    monkeypatch.chdir(tmp_path)
    file = model_json(normalizer={"type": "NFC"})
    Path("tokenizer.json").write_text(json.dumps(file))
    return both(file, tmp_path)[0]


def run(*arguments: str, stdin: str = TEXT) -> Result:
    return CliRunner().invoke(
        main, [arguments[0], "--vocabulary", "tokenizer.json", *arguments[1:]], input=stdin.encode()
    )


def test_each_command_is_the_method(encoding: Encoding) -> None:
    ids = " ".join(map(str, encoding.encode(TEXT)))
    assert run("count").output.split() == [str(encoding.count(TEXT))]
    assert run("encode").output.split() == ids.split()
    assert run("decode", stdin=ids).output.rstrip("\n") == TEXT
    assert run("truncate", "-t", "3").output == encoding.truncate(TEXT, 3)
    chunks = [json.loads(line) for line in run("split", "-t", "4").output.splitlines()]
    assert chunks == encoding.split(TEXT, 4)


@pytest.mark.parametrize("command", ["truncate", "split"])
def test_a_text_that_normalizers_change_is_refused(encoding: Encoding, command: str) -> None:
    result = run(command, "-t", "3", stdin="a\u0308 b")
    assert result.exit_code == 1
    assert result.output.startswith("Error: standard input: ")
    assert "normalizers" in result.output


def test_one_of_the_three(encoding: Encoding) -> None:
    result = run("count", "-e", "gpt2")
    assert result.exit_code == 2
    assert "give one of --encoding, --model and --vocabulary" in result.output


@pytest.fixture
def byte_ranks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    ranks = enumerate(reversed(range(256)))
    lines = [f"{base64.b64encode(bytes([byte])).decode()} {rank}\n" for rank, byte in ranks]
    Path("bytes.tiktoken").write_text("".join(lines))
    return "bytes.tiktoken"


def test_a_pattern_that_is_unknown(byte_ranks: str) -> None:
    arguments = ["count", "--vocabulary", byte_ranks, "--pattern", "llama3.1", "-x", "a"]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: no split pattern is known as 'llama3.1'; the nearest ")


def test_advice_is_about_options(byte_ranks: str) -> None:
    result = CliRunner().invoke(main, ["count", "--vocabulary", byte_ranks, "-x", "a"])
    assert result.exit_code == 1
    assert "no split pattern: pass --pattern, a regular expression or the name" in result.stderr


COMMANDS = (
    *(["count"], ["encode"], ["view"], ["view", "--html", "-"], ["compare"]),
    *(["truncate", "-t", "9"], ["split", "-t", "9"]),
)


@pytest.mark.parametrize("pattern", ["", "b*", "(?=a)|b"])
@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_pattern_that_matches_nothing_of_a_text(
    command: list[str], pattern: str, byte_ranks: str
) -> None:
    arguments = [*command, "--vocabulary", byte_ranks, "--pattern", pattern, "-x", "ab"]
    result = CliRunner().invoke(main, arguments)
    assert (result.exit_code, result.stdout) == (1, "")
    expected = f"Error: ab: the split pattern matches the empty string: {pattern!r}\n"
    assert result.stderr == expected


@pytest.mark.parametrize("command", ["count", "compare"])
def test_other_inputs_are_counted(command: str, byte_ranks: str) -> None:
    Path("a").write_text("ab")
    Path("b").write_text("bbb")
    arguments = [command, "--vocabulary", byte_ranks, "--pattern", "(?=a)|b", "a", "b"]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: a: the split pattern matches the empty string")
    assert "3 b\n3 total" in result.stdout or "total  bytes.tiktoken       3" in result.stdout


@pytest.mark.parametrize("option", ["--pattern", "--special-tokens"])
@pytest.mark.parametrize("command", [*COMMANDS, ["decode", "1"]], ids=" ".join)
def test_what_is_for_a_file_needs_one(command: list[str], option: str) -> None:
    result = CliRunner().invoke(main, [*command, option, "qwen3"], input=b"a")
    assert (result.exit_code, result.stdout) == (2, "")
    assert f"Error: {option} is for a file, which --vocabulary names" in result.stderr


def test_a_file_that_is_no_vocabulary(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("hello")
    result = CliRunner().invoke(main, ["count", "--vocabulary", str(tmp_path / "x"), "-x", "a"])
    assert result.exit_code == 1
    assert "neither a .tiktoken file nor a JSON object" in result.output
