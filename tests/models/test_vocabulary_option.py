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
    lines = [f"{base64.b64encode(bytes([rank])).decode()} {rank}\n" for rank in range(256)]
    Path("bytes.tiktoken").write_text("".join(lines))
    return "bytes.tiktoken"


def test_a_pattern_that_is_unknown(byte_ranks: str) -> None:
    arguments = ["count", "--vocabulary", byte_ranks, "--pattern", "llama3.1", "-x", "a"]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: no split pattern is known as 'llama3.1'; the nearest ")


def test_a_file_that_is_no_vocabulary(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("hello")
    result = CliRunner().invoke(main, ["count", "--vocabulary", str(tmp_path / "x"), "-x", "a"])
    assert result.exit_code == 1
    assert "neither a .tiktoken file nor a JSON object" in result.output
