"""Files in other character encodings, and with byte order marks, for every command."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bpecore.cli import main

COMMANDS = (
    *(["count"], ["encode"], ["view"], ["compare"], ["decode"], ["chat", "-m", "gpt-4o"]),
    *(["truncate", "-t", "9"], ["split", "-t", "9"]),
)
MESSAGES = json.dumps([{"role": "user", "content": "Hi"}])


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
@pytest.mark.parametrize("codec", ["utf-16", "utf-32", "undefined"])
def test_a_fault_without_a_place_is_one_line(command: list[str], codec: str) -> None:
    is_wide = codec != "undefined"
    Path("wide").write_bytes("12  ".encode(f"{codec}-le" if is_wide else "utf-8"))
    result = run(*command, "--input-encoding", codec, "wide")
    assert (result.exit_code, result.stdout) == (1, "")
    without_mark = f"{codec.upper()} stream does not start with BOM ({codec}-le and {codec}-be "
    reason = f"{without_mark}need none)" if is_wide else "undefined encoding"
    assert result.stderr == f"Error: wide: not {codec}: {reason}\n"


def test_the_other_inputs_are_counted() -> None:
    Path("wide").write_bytes("a b ".encode("utf-16-le"))
    Path("marked").write_bytes("a b".encode("utf-16"))
    result = run("count", "--errors", "replace", "--input-encoding", "utf-16", "wide", "marked")
    assert (result.exit_code, result.stdout) == (1, "2 marked\n2 total\n")


@pytest.mark.parametrize("codec", ["utf-16", "utf-16-le", "latin-1"])
def test_ids_are_decoded_from_any(codec: str) -> None:
    Path("ids").write_bytes("24912 2375".encode(codec))
    assert run("decode", "--input-encoding", codec, "ids").stdout == "hello world"


def test_an_option_that_is_advised_exists() -> None:
    Path("ids").write_bytes("24912 2375".encode("utf-16"))
    assert "(--input-encoding utf-16)" in run("decode", "ids").stderr


@pytest.mark.parametrize("codec", ["utf-8-sig", "utf-16"])
def test_a_byte_order_mark_is_no_part_of_ids_and_json(codec: str) -> None:
    option = () if codec == "utf-8-sig" else ("--input-encoding", codec)
    for name, text in (("ids", "24912 2375"), ("list", "[24912, 2375]"), ("chat", MESSAGES)):
        Path(name).write_bytes(text.encode(codec))
    assert run("decode", *option, "ids").stdout == "hello world"
    assert run("decode", *option, "list").stdout == "hello world"
    counted = run("chat", "-m", "gpt-4o", *option, "chat")
    assert counted.stdout == run("chat", "-m", "gpt-4o", "-x", MESSAGES).stdout != ""
    shown = run("view", "--chat", *option, "chat")
    assert shown.stdout == run("view", "--chat", "-x", MESSAGES).stdout != ""
