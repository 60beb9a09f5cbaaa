"""`bpecore tokenize`: options, exit codes, and what is printed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import corpus_twin
import pytest
from click.testing import CliRunner, Result

from bpecore.cli import main

pytest.importorskip("orjson", reason="needs the extra corpus")

COMMAND = [sys.executable, "-m", "bpecore", "tokenize"]


def run(*arguments: Any) -> Result:
    return CliRunner().invoke(main, ["tokenize", *map(str, arguments)])


def test_all_is_well(lines: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    options = ("-m", "gpt-4", "--append", "eot", "--prepend", "<|fim_prefix|>", "--prepend", "7")
    result = run(lines, "-f", "npy", "-o", out, *options, "--shard-size", "20kB", "--workers", 1)
    assert (result.exit_code, result.stderr) == (0, "")
    assert "documents  shard" in result.stdout
    assert "tokens of 400 documents in " in result.stdout
    first = corpus_twin.documents_of(out, "npy")[0]
    assert (first[:2], first[-1]) == ([100258, 7], 100257)


def test_records_set_aside(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"t": {"x": "one"}}\n{}\n')
    rest = (path, "-f", "bin", "--text-field", "t.x", "--workers", 1)
    result = run(*rest, "-o", tmp_path / "1")
    assert result.exit_code == 1
    assert "1 record was set aside, see _bpecore/aside.jsonl" in result.stdout
    result = run(*rest, "-o", tmp_path / "2", "--strict")
    assert result.exit_code == 2
    assert result.stderr == f"Error: {path}: line 2 has no field 't'\n"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--append", "nope"], "--append nope: o200k_base has no such special token; it has <|"),
        (["--prepend", "999999"], "--prepend 999999: ids of o200k_base go from 0 to 200018"),
        (["--shard-tokens", "many"], "'many' is not a number such as 100M"),
        (["--encoding", "o200"], "unknown encoding 'o200'; did you mean o200k_base"),
        (["--encoding", "gpt2", "--model", "gpt-4"], "give one of --encoding, --model and"),
        (["--document", "line", "--separator", "x"], "give --document or --separator, not both"),
        (["--dtype", "uint16"], "holds ids up to 65,535 as uint16"),
        (["--prefix", "a/b"], "must begin a file's name"),
        (["--max-tokens", "2", "--append", "eot", "--append", "eot"], "max_tokens must be more"),
    ],
)
def test_wrong_options(options: list[str], message: str, lines: Path, tmp_path: Path) -> None:
    result = run(lines, "-f", "npy", "-o", tmp_path / "out", *options)
    assert result.exit_code == 2
    assert message in result.stderr


def test_json_lines_and_dry_run(lines: Path, tmp_path: Path) -> None:
    rest = (lines, "-f", "npy", "-o", tmp_path / "out", "--workers", 1)
    dry = json.loads(run(*rest, "--json", "--dry-run").stdout)
    assert not (tmp_path / "out").exists()
    result = run(*rest, "--json")
    summary = json.loads(result.stdout.splitlines()[-1])
    assert summary["event"] == "summary"
    assert sum(row["tokens"] for row in summary["files"]) == summary["tokens"]
    assert dry["event"] == "estimate"
    assert 0.5 < dry["tokens"] / summary["tokens"] < 2
    assert 0.5 < dry["documents"] / summary["documents"] < 2
    words = run(*rest, "--dry-run").stdout
    assert "4 files, " in words
    assert " tokens" in words


def test_one_of_each(tmp_path: Path) -> None:
    (tmp_path / "one.txt").write_text("hello world")
    rest = (tmp_path / "one.txt", "-f", "npy", "-o", tmp_path / "out", "--workers", 1)
    words = run(*rest, "--dry-run").stdout.splitlines()
    assert words[:2] == ["1 file, 11 bytes, in 1 portion", "about 1 document, 2 tokens"]
    assert "with 1 worker, " in words[3]
    assert f"\n2 tokens of 1 document in {tmp_path / 'out'}. " in run(*rest).stdout
    inspected = CliRunner().invoke(main, ["inspect", "--verify", str(tmp_path / "out")]).stdout
    assert "\n1 document compared, " in inspected


def test_progress(lines: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from bpecore.cli import tokenize_report
    from bpecore.corpus import progress

    monkeypatch.setattr(progress, "_INTERVAL", 0.0)
    monkeypatch.setattr(tokenize_report, "_LOG_INTERVAL", 0.0)
    monkeypatch.setattr(tokenize_report, "_JSON_INTERVAL", 0.0)
    rest = (lines, "-f", "npy", "--shard-size", "20kB", "--workers", 1)
    logged = run(*rest, "-o", tmp_path / "1").stderr.splitlines()
    assert len(logged) > 3
    assert "100 %" in logged[-1]
    assert "M tokens/s  400 documents" in logged[-1]
    events = [
        json.loads(line) for line in run(*rest, "-o", tmp_path / "2", "--json").stdout.splitlines()
    ]
    shown = [event for event in events if event["event"] == "progress"]
    assert shown[-1]["read"] == shown[-1]["size"]
    assert [event["documents"] for event in shown] == sorted(e["documents"] for e in shown)
    reporter = tokenize_report.Reporter(False)
    reporter._is_terminal = True
    shown[-1].pop("event")
    reporter.show_progress(progress.Progress(**shown[-1]))
    reporter.clear()


def test_standard_input_and_vocabulary_file(tmp_path: Path) -> None:
    from bpecore.load import dump_tiktoken_bpe

    ranks = {bytes([i]): i for i in range(256)}
    dump_tiktoken_bpe({**ranks, b"ab": 256}, str(tmp_path / "v.tiktoken"))
    command = [*COMMAND, "-", "-f", "npy", "-o", str(tmp_path / "out"), "--document", "line"]
    command += ["--vocabulary", str(tmp_path / "v.tiktoken"), "--pattern", r"\w+|\W"]
    done = subprocess.run(command, input=b"abc\nb\n", capture_output=True)
    assert (done.returncode, done.stderr) == (0, b"")
    assert corpus_twin.documents_of(tmp_path / "out", "npy") == [[256, 99], [98]]


def test_without_the_extra(tmp_path: Path, lines: Path) -> None:
    hidden = "import sys; sys.modules['orjson'] = None; from bpecore.cli import main; main()"
    command = [sys.executable, "-c", hidden, "tokenize", str(lines), "-f", "npy"]
    done = subprocess.run(
        [*command, "-o", str(tmp_path / "out"), "--workers", "1"], capture_output=True
    )
    assert done.returncode == 2
    assert b'needs orjson: pip install "bpecore[corpus]"' in done.stderr
    command[2] = hidden.replace("orjson", "ray")
    done = subprocess.run(
        [*command, "-o", str(tmp_path / "3"), "--ray", "auto"], capture_output=True
    )
    assert b"--ray needs ray: pip install ray" in done.stderr
    (tmp_path / "a.txt").write_text("plain text needs nothing")
    command[4] = str(tmp_path / "a.txt")
    done = subprocess.run([*command, "-o", str(tmp_path / "2")], capture_output=True)
    assert (done.returncode, done.stderr) == (0, b"")
