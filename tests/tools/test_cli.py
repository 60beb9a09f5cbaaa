"""The command line: what it prints, what it refuses, and its exit codes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import tiktoken
from click.testing import CliRunner, Result
from pairs import ENCODING_NAMES, Pair
from texts import random_texts

import bpecore
from bpecore.cli import main

TEXT = "hello wörld\r\n 中文 😀\n\n<|endoftext|>don't\t"


def run(*arguments: str, stdin: bytes | str = b"") -> Result:
    return CliRunner().invoke(main, arguments, input=stdin)


def run_process(*arguments: str, cwd: Path, **options: Any) -> subprocess.CompletedProcess[bytes]:
    """Runs the command in its own process, away from the source tree."""
    command = [sys.executable, "-m", "bpecore", *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, timeout=60, **options)


def write(folder: Path, **texts: str | bytes) -> None:
    for name, text in texts.items():
        (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    write(tmp_path, one=TEXT, two="two words\n", empty="", latin="caf\xe9 ok".encode("latin-1"))
    return tmp_path


class TestCount:
    def test_one_input_gives_the_number_alone(self, pair: Pair, folder: Path) -> None:
        expected = f"{len(pair.theirs.encode_ordinary(TEXT))}\n"
        for source in (
            run("count", "--encoding", pair.name, "one"),
            run("count", "--encoding", pair.name, stdin=TEXT.encode()),
            run("count", "--encoding", pair.name, "-", stdin=TEXT.encode()),
        ):
            assert (source.exit_code, source.output) == (0, expected)

    def test_several_inputs_give_a_line_each_and_a_total(self, folder: Path) -> None:
        result = run("count", "two", "-", "empty", "two", stdin=b"hello")
        assert result.exit_code == 0
        assert result.output == "3 two\n1 -\n0 empty\n3 two\n7 total\n"

    def test_the_default_encoding_is_o200k_base(self, folder: Path) -> None:
        text = "".join(random_texts(1, 20))
        write(folder, text=text)
        expected = bpecore.get_encoding("o200k_base").count(text, disallowed_special=())
        assert run("count", "text").output == f"{expected}\n"

    def test_special_tokens_are_text_unless_allowed(self, folder: Path) -> None:
        write(folder, special="<|endoftext|>")
        ordinary = len(bpecore.get_encoding("o200k_base").encode_ordinary("<|endoftext|>"))
        assert run("count", "special").output == f"{ordinary}\n"
        assert run("count", "--allow-special", "special").output == "1\n"

    def test_one_bad_file_among_others_is_named_and_the_rest_counted(self, folder: Path) -> None:
        result = run("count", "two", "latin", "two")
        assert result.exit_code == 1
        assert "latin: not UTF-8 at byte offset 3" in result.output
        assert result.output.endswith("6 total\n")


class TestEncode:
    def test_a_line_of_ids_an_input(self, pair: Pair, folder: Path) -> None:
        first, second = map(pair.theirs.encode_ordinary, (TEXT, "two words\n"))
        result = run("encode", "--encoding", pair.name, "one", "empty", "two")
        lines = [" ".join(map(str, ids)) for ids in (first, [], second)]
        assert (result.exit_code, result.output.split("\n")) == (0, [*lines, ""])

    def test_json(self, folder: Path) -> None:
        result = run("encode", "--json", "one", "empty")
        expected = bpecore.get_encoding("o200k_base").encode(TEXT, disallowed_special=())
        assert [json.loads(line) for line in result.output.splitlines()] == [expected, []]

    def test_special_tokens_when_allowed(self, folder: Path) -> None:
        result = run(
            "encode", "--encoding", "r50k_base", "--allow-special", stdin=b"a<|endoftext|>"
        )
        assert result.output == "64 50256\n"

    def test_a_byte_order_mark_and_line_ends_are_kept(self, folder: Path) -> None:
        text = "\ufeffa\r\nb\rc\n"
        result = run("encode", stdin=text.encode())
        assert result.output.split() == list(
            map(str, bpecore.get_encoding("o200k_base").encode(text))
        )


class TestDecode:
    @pytest.mark.parametrize("options", [[], ["--json"]])
    def test_gives_back_the_bytes_that_were_encoded(
        self, pair: Pair, folder: Path, options: list[str]
    ) -> None:
        write(
            folder, ids=run("encode", "--encoding", pair.name, *options, "one", "two").stdout_bytes
        )
        result = run("decode", "--encoding", pair.name, "ids")
        assert (result.exit_code, result.stdout_bytes) == (0, (TEXT + "two words\n").encode())

    @pytest.mark.parametrize(
        "ids",
        [
            "64 65",
            "64,65",
            " 64\n\t65\n",
            "[64, 65]",
            "[64]\n[65]",
            "[64,\n65]\n",
            "64, 65",
            "[] [64,65]",
        ],
    )
    def test_ids_in_every_form(self, ids: str) -> None:
        result = run("decode", "--encoding", "r50k_base", stdin=ids.encode())
        assert (result.exit_code, result.stdout_bytes) == (0, b"ab")

    def test_bytes_that_are_no_text(self) -> None:
        id = bpecore.get_encoding("r50k_base").encode_single_token(b"\xff")
        result = run("decode", "--encoding", "r50k_base", stdin=f"{id} 13".encode())
        assert result.stdout_bytes == b"\xff."

    def test_nothing(self) -> None:
        assert run("decode").stdout_bytes == run("decode", stdin=b"[]").stdout_bytes == b""

    @pytest.mark.parametrize(
        ("ids", "named"),
        [
            ("64 x65", "x65"),
            ("-1", "-1"),
            ("1.5", "1.5"),
            ("64 ٣", "not a token id"),
            ("9" * 5_000, "not a token id"),
            ("[64, 65", "JSON"),
            ('["64"]', "integers"),
            ("[true]", "integers"),
            ("[[64]]", "integers"),
            ("[64] 65", "integers"),
            ("[" * 100_000, "JSON"),
            ("4294967295", "4294967295"),
            ("4294967296", "standard input: "),
            ("[-1]", "standard input: "),
            ("50257", "50257"),
        ],
        ids=lambda value: value[:20],
    )
    def test_what_is_no_id_is_named(self, ids: str, named: str) -> None:
        result = run("decode", "--encoding", "r50k_base", stdin=ids.encode())
        assert result.exit_code == 1
        assert named in result.output
        assert len(result.output) < 300


class TestChoiceOfEncoding:
    def test_by_model(self, folder: Path) -> None:
        for model in ("gpt-4", "gpt-2", "gpt-4o-2024-05-13", "text-davinci-edit-001"):
            encoding = tiktoken.encoding_name_for_model(model)
            assert run("encode", "--model", model, "one").exit_code == 0
            by_model, by_name = (
                run("encode", *choice, "one").output
                for choice in (("--model", model), ("--encoding", encoding))
            )
            assert by_model == by_name

    @pytest.mark.parametrize("command", ["count", "encode", "decode"])
    def test_unknown_names_are_refused_and_the_known_ones_listed(self, command: str) -> None:
        result = run(command, "--encoding", "cl100k")
        assert result.exit_code == 2
        assert all(name in result.output for name in ("'cl100k'", *ENCODING_NAMES))
        result = run(command, "--model", "claude")
        assert result.exit_code == 2
        assert all(name in result.output for name in ("'claude'", "gpt-4o", "text-davinci-003"))
        assert run(command, "--encoding", "gpt2", "--model", "gpt-4").exit_code == 2

    def test_names_are_listed(self) -> None:
        assert run("encodings").output.split() == bpecore.list_encoding_names()


@pytest.mark.parametrize("command", ["count", "encode", "decode"])
class TestInputs:
    def test_a_file_that_is_not_there(self, command: str, folder: Path) -> None:
        result = run(command, "nowhere")
        assert result.exit_code == (1 if command == "count" else 2)
        assert "nowhere" in result.output

    def test_a_folder(self, command: str, folder: Path) -> None:
        assert run(command, ".").exit_code == (1 if command == "count" else 2)

    @pytest.mark.parametrize(
        ("content", "offset"),
        [(b"\xff", 0), (b"abc\xe4\xb8", 3), (b"a\xed\xa0\x80", 1), (b"\xc0\x80", 0)],
    )
    def test_what_is_not_utf_8(
        self, command: str, folder: Path, content: bytes, offset: int
    ) -> None:
        write(folder, wrong=content)
        result = run(command, "wrong")
        assert result.exit_code == 1
        assert f"wrong: not UTF-8 at byte offset {offset}" in result.output
        result = run(command, stdin=content)
        assert result.exit_code == 1
        assert f"standard input: not UTF-8 at byte offset {offset}" in result.output


class TestProcess:
    @pytest.mark.parametrize("locale", ["C", "POSIX", "en_US.ISO-8859-1"])
    def test_the_locale_does_not_matter(self, folder: Path, locale: str) -> None:
        environment = {
            **os.environ,
            "LC_ALL": locale,
            "PYTHONUTF8": "0",
            "PYTHONCOERCECLOCALE": "0",
            "PYTHONIOENCODING": "ascii",
        }
        write(folder, **{"naïve 中": TEXT})
        encoded = run_process("encode", "naïve 中", cwd=folder, env=environment)
        assert encoded.returncode == 0, encoded.stderr
        decoded = run_process("decode", cwd=folder, env=environment, input=encoded.stdout)
        assert decoded.stdout == TEXT.encode()
        counted = run_process("count", "naïve 中", "two", cwd=folder, env=environment)
        assert "naïve 中\n".encode() in counted.stdout
        wrong = run_process("count", "latin", cwd=folder, env=environment)
        assert (wrong.returncode, wrong.stdout) == (1, b"")
        assert b"latin: not UTF-8 at byte offset 3" in wrong.stderr

    def test_no_network_and_no_cache_are_needed(self, folder: Path) -> None:
        guard = (
            "import socket, sys\n"
            "def refuse(*a, **k): raise AssertionError('network')\n"
            "socket.socket.connect = socket.getaddrinfo = refuse\n"
            "from bpecore.cli import main; main(['count', 'two'])"
        )
        environment = {**os.environ, "TIKTOKEN_CACHE_DIR": "", "DATA_GYM_CACHE_DIR": ""}
        command = [sys.executable, "-c", guard]
        result = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, timeout=60
        )
        assert (result.returncode, result.stdout) == (0, b"3\n"), result.stderr

    @pytest.mark.skipif(sys.platform == "win32", reason="no SIGPIPE there")
    def test_a_reader_that_leaves_early_is_no_traceback(self, folder: Path) -> None:
        write(folder, long="word " * 300_000)
        command = [sys.executable, "-m", "bpecore", "encode", "long"]
        process = subprocess.Popen(
            command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.read(10)
        process.stdout.close()
        errors = process.stderr.read()
        process.stderr.close()
        process.wait(timeout=60)
        assert errors == b""

    @pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
    @pytest.mark.parametrize("arguments", [["count", "two"], ["encode", "two"], ["encodings"]])
    def test_output_without_room_is_one_line(self, folder: Path, arguments: list[str]) -> None:
        command = [sys.executable, "-m", "bpecore", *arguments]
        with open("/dev/full", "wb") as full:
            result = subprocess.run(
                command, cwd=folder, stdout=full, stderr=subprocess.PIPE, timeout=60
            )
        assert result.returncode == 1
        assert result.stderr.startswith(b"Error: standard output: ")
        assert result.stderr.count(b"\n") == 1

    @pytest.mark.skipif(sys.platform == "win32", reason="a shell closes it")
    @pytest.mark.parametrize("name", ["count", "encode", "decode"])
    @pytest.mark.parametrize(("closed", "stream"), [("<&-", "input"), (">&-", "output")])
    def test_a_closed_stream_is_one_line(
        self, folder: Path, name: str, closed: str, stream: str
    ) -> None:
        command = ["sh", "-c", f'exec "$0" -m bpecore "$1" {closed}', sys.executable, name]
        result = subprocess.run(command, cwd=folder, input=b"1", capture_output=True, timeout=60)
        assert (result.returncode, result.stdout) == (1, b"")
        assert result.stderr == f"Error: standard {stream}: it is closed\n".encode()

    def test_the_installed_script_is_the_same_command(self, folder: Path) -> None:
        script = shutil.which("bpecore", path=str(Path(sys.executable).parent))
        assert script is not None, "the package is not installed in this environment"
        result = subprocess.run([script, "count", "two"], capture_output=True, timeout=60)
        assert (result.returncode, result.stdout) == (0, b"3\n")

    def test_version_and_help(self, folder: Path) -> None:
        assert bpecore.__version__ in run_process("--version", cwd=folder).stdout.decode()
        for arguments in (["--help"], ["-h"], ["count", "--help"], ["decode", "-h"]):
            assert run_process(*arguments, cwd=folder).returncode == 0
