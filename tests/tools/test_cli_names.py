"""`bpecore info`, what shells complete, and what is said about unknown names."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from click.testing import CliRunner, Result

import bpecore
from bpecore import _core
from bpecore.cli import main

COMMANDS_WITH_AN_ENCODING = ("compare", "count", "encode", "decode", "truncate", "split", "view")


def run(*arguments: str, **environment: str) -> Result:
    return CliRunner().invoke(main, arguments, env=environment)


class TestInfo:
    def test_what_a_bug_report_needs(self, tmp_path: object) -> None:
        environment = {"TIKTOKEN_CACHE_DIR": "/nowhere", "BPECORE_TABLES_DIR": str(tmp_path)}
        facts = json.loads(run("info", "--json", **environment).stdout)
        assert facts["bpecore"].startswith(f"{bpecore.__version__} in ")
        assert facts["SIMD"] == _core.simd
        assert facts["tiktoken"] == "0.14.0"
        assert facts["cache of downloads"] == "/nowhere (does not exist)"
        assert facts["BPECORE_TABLES_DIR"] == str(tmp_path)
        assert set(bpecore.list_encoding_names()) <= set(facts)
        assert facts["cl100k_base"].startswith("100,277 tokens, ")
        assert "frozen (" in facts["tables"]
        lines = run("info", **environment).stdout.splitlines()
        assert [line.split("  ")[0] for line in lines] == list(facts)

    def test_a_cache_that_is_off(self) -> None:
        facts = json.loads(run("info", "--json", TIKTOKEN_CACHE_DIR="").stdout)
        assert facts["cache of downloads"] == "off"

    def test_values_do_not_reach_the_terminal_raw(self) -> None:
        result = run("info", BPECORE_CACHE_MB="1\033[31m")
        assert "\033" not in result.stdout
        assert r"1\x1b[31m" in result.stdout

    def test_an_encoding_that_cannot_be_loaded(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(bpecore.registry._constructors(), "broken", lambda: 1 / 0)
        result = run("info")
        assert result.exit_code == 0
        assert "cannot be loaded: ZeroDivisionError" in result.stdout


def completions(line: str) -> list[str]:
    """Returns what bash is offered for the last word of a line."""
    words = line.split(" ")
    environment = {
        **os.environ,
        "_BPECORE_COMPLETE": "bash_complete",
        "COMP_WORDS": line,
        "COMP_CWORD": str(len(words) - 1),
    }
    command = [sys.executable, "-c", "from bpecore.cli import main; main(prog_name='bpecore')"]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    return [entry.partition(",")[2] for entry in result.stdout.split()]


class TestCompletion:
    def test_commands(self) -> None:
        assert completions("bpecore enc") == ["encode", "encodings"]
        assert completions("bpecore run") == ["run"]

    @pytest.mark.parametrize("command", [*COMMANDS_WITH_AN_ENCODING, "verify"])
    def test_encodings(self, command: str) -> None:
        assert completions(f"bpecore {command} --encoding o200k") == ["o200k_base", "o200k_harmony"]
        assert completions(f"bpecore {command} -e ") == bpecore.list_encoding_names()

    @pytest.mark.parametrize("command", COMMANDS_WITH_AN_ENCODING)
    def test_models(self, command: str) -> None:
        found = completions(f"bpecore {command} -m gpt-4")
        assert {"gpt-4", "gpt-4o", "gpt-4.1"} <= set(found)
        assert all(name.startswith("gpt-4") for name in found)

    def test_the_script_for_the_shell(self) -> None:
        environment = {**os.environ, "_BPECORE_COMPLETE": "zsh_source"}
        command = [sys.executable, "-c", "from bpecore.cli import main; main(prog_name='bpecore')"]
        result = subprocess.run(command, env=environment, capture_output=True, text=True)
        assert "_BPECORE_COMPLETE=zsh_complete bpecore" in result.stdout


class TestUnknownNames:
    @pytest.mark.parametrize("command", COMMANDS_WITH_AN_ENCODING)
    @pytest.mark.parametrize(
        ("wrong", "right"),
        [
            ("gpt4o", "gpt-4o"),
            ("gtp-4", "gpt-4"),
            ("openai/GPT3.5-turbo", "gpt-3.5-turbo"),
            ("text-embedding-small", "text-embedding-3-small"),
        ],
    )
    def test_the_nearest_models_are_named(self, command: str, wrong: str, right: str) -> None:
        result = run(command, "-m", wrong)
        assert result.exit_code == 2
        assert f"unknown model {wrong!r}; did you mean " in " ".join(result.output.split())
        assert right in result.output
        assert len(result.output) < 400

    @pytest.mark.parametrize("command", [*COMMANDS_WITH_AN_ENCODING, "verify"])
    def test_the_nearest_encoding_is_named(self, command: str) -> None:
        result = run(command, "-e", "o200", "." * (command == "verify"))
        assert result.exit_code == 2
        assert "unknown encoding 'o200'; did you mean o200k_base" in result.output


def test_a_model_instead_of_an_encoding() -> None:
    assert "it is a model (--model gpt-4o)" in run("count", "-e", "gpt-4o", "-x", "a").output
    assert "it is a model (of o200k_base)" in run("verify", "-e", "gpt-4o", __file__).output


def test_an_encoding_instead_of_a_model() -> None:
    output = run("count", "-m", "o200k_base", "-x", "a").output
    assert "it is an encoding (--encoding o200k_base)" in output
    assert len(output) < 400


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ("cuont", "No such command 'cuont'; did you mean count?"),
        ("zzz", "No such command 'zzz'."),
        ("--vesion", "No such option"),
    ],
)
def test_a_wrong_command(wrong: str, message: str) -> None:
    result = run(wrong)
    assert result.exit_code == 2
    assert message in result.output
