"""`bpecore count`: many inputs, those that cannot be read, directories, and forms of output."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import bpecore
from bpecore.cli import main

ROOT = hasattr(os, "geteuid") and os.geteuid() == 0


def run(*arguments: str, stdin: bytes = b"") -> Result:
    return CliRunner().invoke(main, ["count", *arguments], input=stdin)


def write(folder: Path, **texts: str | bytes) -> None:
    for name, text in texts.items():
        path = folder / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    write(tmp_path, two="two words\n", four="one two three four", wide="a b".encode("utf-16"))
    (tmp_path / "below").mkdir()
    return tmp_path


class TestInputsThatFail:
    def test_the_others_are_counted(self, folder: Path) -> None:
        result = run("two", "nowhere", "below", "four", "wide")
        assert result.exit_code == 1
        assert result.stdout == "3 two\n4 four\n7 total\n"
        messages = result.stderr.splitlines()
        assert messages[:2] == [
            "Error: nowhere: No such file or directory",
            "Error: below: Is a directory (-r searches it)",
        ]
        assert messages[2].startswith("Error: wide: not UTF-8 at byte offset 0: ")

    @pytest.mark.skipif(ROOT, reason="root may read all")
    def test_without_permission(self, folder: Path) -> None:
        (folder / "four").chmod(0)
        result = run("four", "two")
        assert (result.exit_code, result.stdout) == (1, "3 two\n3 total\n")
        assert result.stderr == "Error: four: Permission denied\n"

    def test_one_input_that_fails(self, folder: Path) -> None:
        result = run("nowhere")
        assert (result.exit_code, result.stdout) == (1, "")

    def test_json_has_the_errors(self, folder: Path) -> None:
        result = run("--json", "two", "nowhere")
        assert result.exit_code == 1
        answer = json.loads(result.stdout)
        assert answer["total"] == {"tokens": 3, "characters": 10}
        assert answer["errors"] == [
            {"name": "nowhere", "error": "nowhere: No such file or directory"}
        ]


class TestCharacterEncodings:
    @pytest.mark.parametrize("codec", ["utf-16", "utf-32"])
    @pytest.mark.parametrize("order", ["-le", "-be"])
    def test_another_unicode_is_named(self, folder: Path, codec: str, order: str) -> None:
        write(folder, wide="\ufeffhello wörld".encode(codec + order))
        result = run("wide")
        assert result.exit_code == 1
        expected = f"wide: not UTF-8 at byte offset 0: its byte order mark says {codec.upper()}"
        assert expected in result.stderr
        assert f"--input-encoding {codec}" in result.stderr
        assert run("--input-encoding", codec, "wide").stdout == run("-x", "hello wörld").stdout

    @pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be"])
    def test_utf_16_without_a_mark_is_named(self, folder: Path, codec: str) -> None:
        write(folder, wide="hello wörld, 3 + 4\r\n".encode(codec))
        result = run("wide", "two")
        assert (result.exit_code, "two" in result.stdout) == (1, True)
        assert "wide: every other byte is NUL, as in UTF-16" in result.stderr
        assert f"--input-encoding {codec}" in result.stderr
        assert run("--input-encoding", codec, "wide").exit_code == 0
        assert run("--input-encoding", "utf-8", "--errors", "replace", "wide").exit_code == 0

    @pytest.mark.parametrize("text", ["a\0b\0c\0", "\0" * 99, "ab\0" * 40, "é\0" * 40])
    def test_other_texts_with_nul(self, folder: Path, text: str) -> None:
        write(folder, nul=text.encode())
        assert run("nul").stdout == f"{bpecore.get_encoding('o200k_base').count(text)}\n"

    def test_the_errors_of_other_codecs(self, folder: Path) -> None:
        write(folder, greek=b"abc\xff\xd2")
        result = run("--input-encoding", "iso8859-7", "greek")
        assert result.exit_code == 1
        assert "greek: not iso8859-7 at byte offset 3: " not in result.stdout
        assert "greek: not iso8859-7 at byte offset 3: " in result.stderr

    @pytest.mark.parametrize("name", ["nonsense", "rot13", "base64", "utf-8\0"])
    def test_unknown_codecs(self, folder: Path, name: str) -> None:
        result = run("--input-encoding", name, "two")
        assert result.exit_code == 2
        assert "unknown character encoding" in result.stderr

    def test_errors(self, folder: Path) -> None:
        write(folder, latin=b"caf\xe9 ok")
        for errors, text in (("replace", "caf\ufffd ok"), ("ignore", "caf ok")):
            result = run("--errors", errors, "latin")
            expected = bpecore.get_encoding("o200k_base").count(text)
            assert (result.exit_code, result.stdout) == (0, f"{expected}\n")


class TestTexts:
    def test_a_text_as_argument(self) -> None:
        assert run("-x", "hello world").stdout == "2\n"
        assert run("--text", "").stdout == "0\n"

    def test_files_and_texts(self, folder: Path) -> None:
        result = run("-x", "hello  world\n again", "two", "-x", "w " * 50)
        lines = result.stdout.splitlines()
        assert lines[0] == "3 two"
        assert lines[1].endswith(" hello world again…")
        assert lines[2].split(" ", 1)[1] == "w " * 19 + "w…"


class TestForms:
    def test_json(self, folder: Path) -> None:
        answer = json.loads(run("--json", "--encoding", "cl100k_base", "two", "four").stdout)
        assert answer == {
            "encoding": "cl100k_base",
            "inputs": [
                {"name": "two", "tokens": 3, "characters": 10},
                {"name": "four", "tokens": 4, "characters": 18},
            ],
            "errors": [],
            "total": {"tokens": 7, "characters": 28},
        }
        assert json.loads(run("--json", stdin=b"hello").stdout)["inputs"][0]["name"] == "-"

    def test_sorted(self, folder: Path) -> None:
        assert run("--sort", "tokens", "two", "four").stdout == "4 four\n3 two\n7 total\n"
        assert run("--sort", "name", "two", "four").stdout == "4 four\n3 two\n7 total\n"
        assert run("two", "four").stdout == "3 two\n4 four\n7 total\n"

    def test_a_short_option_names_the_model(self, folder: Path) -> None:
        text = "naïve 中文 wörds"
        assert run("-m", "gpt-4", "-x", text).stdout == run("-e", "cl100k_base", "-x", text).stdout

    @pytest.mark.skipif(sys.platform == "win32", reason="no pseudo terminals")
    def test_a_terminal_gets_a_table_and_a_bar(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        write(folder, long="word " * 400_000)
        output = in_terminal("count.LONG_INPUT = 1000", "count", "two", "long")
        assert "counting" in output
        assert output.replace("\r", "").split("\n")[-5:] == [
            " tokens  characters",
            "      3          10  two",
            "400,001   2,000,000  long",
            "-------------------",
            "400,004   2,000,010  total",
        ]
        assert in_terminal("", "count", "two") == "3", "one input is a number"
        assert "counting" not in in_terminal("", "count", "two", "four")


def in_terminal(setting: str, *arguments: str) -> str:
    """Returns what a command prints on a terminal of 80 columns."""
    import pty

    code = (
        "import importlib; count = importlib.import_module('bpecore.cli.count'); "
        f"{setting or 'pass'}; from bpecore.cli import main; main({list(arguments)!r})"
    )
    parent, child = pty.openpty()
    environment = {**os.environ, "COLUMNS": "80", "TERM": "xterm"}
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, stdout=child, stderr=child, env=environment) as process:
        os.close(child)
        output = b""
        while True:
            try:
                block = os.read(parent, 1 << 16)
            except OSError:
                break
            if not block:
                break
            output += block
    os.close(parent)
    assert process.returncode == 0, output
    return output.decode().replace("\r\n", "\n").strip("\n")


class TestDirectories:
    def test_files_below(self, folder: Path) -> None:
        write(folder, below__deeper__one="one", below__b="a b", below__picture=b"\x89PNG\xff")
        result = run("-r", "below", "two")
        assert result.exit_code == 0
        expected = "2 below/b\n1 below/deeper/one\n3 two\n6 total\n"
        assert result.stdout == expected
        assert result.stderr == "skipped: 1 file that is not text\n"

    def test_one_file_below_has_its_name(self, folder: Path) -> None:
        write(folder, below__one="one")
        assert run("-r", "below").stdout == "1 below/one\n1 total\n"

    def test_a_named_file_that_is_no_text_is_an_error(self, folder: Path) -> None:
        assert run("-r", "below", "wide").exit_code == 1

    @pytest.mark.skipif(ROOT, reason="root may read all")
    def test_a_directory_without_permission(self, folder: Path) -> None:
        write(folder, below__secret__one="one", below__two="two")
        (folder / "below" / "secret").chmod(0)
        try:
            result = run("-r", "below")
        finally:
            (folder / "below" / "secret").chmod(0o700)
        assert (result.exit_code, result.stdout) == (1, "1 below/two\n1 total\n")
        assert result.stderr == "Error: below/secret: Permission denied\n"

    @pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names")
    def test_pipes_and_links(self, folder: Path) -> None:
        write(folder, below__one="one")
        os.mkfifo(folder / "below" / "pipe")
        (folder / "below" / "circle").symlink_to(folder / "below")
        (folder / "below" / "broken").symlink_to("nowhere")
        (folder / "below" / "link").symlink_to(folder / "two")
        assert run("-r", "below").stdout == "3 below/link\n1 below/one\n4 total\n"


GIT = shutil.which("git")


@pytest.mark.skipif(GIT is None, reason="needs git to compare with")
@pytest.mark.parametrize("start", [".", "src", "src/inner"])
def test_ignored_as_git_ignores(folder: Path, start: str) -> None:
    subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
    write(
        folder,
        **{
            ".gitignore": "*.log\n!keep.log\n/top\nbuild/\n**/cache/*.txt\n# no\nsp ace\n\\#x\n",
            ".git__info__exclude": "private*\n",
            "src__.gitignore": "/local\n!important.log\ninner/*.tmp\n",
            "src__inner__.gitignore": "!special.tmp\n*\n!.gitignore\n!d*\n",
            "a.log": "x",
            "keep.log": "x",
            "top": "x",
            "sp ace": "x",
            "#x": "x",
            "private1": "x",
            "src__top": "x",
            "src__local": "x",
            "src__important.log": "x",
            "src__private2": "x",
            "src__build__out": "x",
            "src__buildfile": "x",
            "src__cache__a.txt": "x",
            "src__cache__a.md": "x",
            "src__inner__a.tmp": "x",
            "src__inner__special.tmp": "x",
            "src__inner__data": "x",
            "src__inner__other": "x",
            "src__inner__local": "x",
        },
    )
    (folder / "wide").unlink()
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "-z"],
        cwd=folder / start,
        capture_output=True,
        check=True,
        text=True,
        env={**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull},
    )
    expected = {f"{start}/{name}" for name in listed.stdout.split("\0") if name}
    found = json.loads(run("-r", "--json", start).stdout)["inputs"]
    assert {row["name"] for row in found} == expected
