"""A run that is killed at any moment goes on to the same bytes, and nothing is read twice."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Callable

import corpus_twin
import pytest
from test_shards import needed

from bpecore.corpus import FORMATS, CorpusError, folder, tokenize

pytest.importorskip("orjson", reason="needs the extra corpus")

OPTIONS: dict[str, Any] = {
    "encoding": "r50k_base",
    "shard_size": 20_000,
    "append": "eot",
    "val_fraction": 0.1,
    "seed": 3,
}
KILLS = 3


def options_of(format_name: str) -> dict[str, Any]:
    """Returns options with which a format has several shards."""
    return {**OPTIONS, "shard_tokens": 3000} if format_name == "llmc" else OPTIONS


def killed_at(step: int, call: Callable[[], Any]) -> bool:
    """Calls a function in a child process, which is killed at the n-th time that it writes, syncs
    or renames; returns whether it was."""
    child = os.fork()
    if child == 0:
        left = step

        def counted(real: Callable[..., Any]) -> Callable[..., Any]:
            def counting(*arguments: Any) -> Any:
                nonlocal left
                left -= 1
                if left < 0:
                    os.kill(os.getpid(), signal.SIGKILL)
                return real(*arguments)

            return counting

        os.replace, os.fsync = counted(os.replace), counted(os.fsync)
        for module in list(sys.modules.values()):
            if getattr(module, "write_all", None) is folder.write_all:
                module.__dict__["write_all"] = counted(folder.write_all)
        try:
            call()
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL


@pytest.mark.skipif(sys.version_info < (3, 9) or not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("format_name", FORMATS)
def test_killed_at_any_step(format_name: str, lines: Path, tmp_path: Path) -> None:
    options = {"format": needed(format_name), **options_of(format_name)}
    tokenize(lines, tmp_path / "whole", **options)
    whole = corpus_twin.digests_of(tmp_path / "whole")
    assert len(whole) > 6
    chance = random.Random(format_name)
    was_killed = 0
    for start in range(KILLS):
        out = tmp_path / f"out{start}"
        step = chance.randrange(3, 30) * (start + 1)
        while killed_at(step, lambda out=out: tokenize(lines, out, **options)):
            was_killed += 1
            step = step * 2
        assert corpus_twin.digests_of(out) == whole
    assert was_killed >= KILLS - 1


@pytest.mark.parametrize("format_name", ["npy", "llmc"])
def test_two_workers_killed(format_name: str, lines: Path, tmp_path: Path) -> None:
    options = {"format": format_name, **options_of(format_name)}
    tokenize(lines, tmp_path / "whole", **options)
    out = tmp_path / "out"
    code = (
        "from bpecore.corpus import tokenize\n"
        f"tokenize({str(lines)!r}, {str(out)!r}, workers=2, **{options!r})"
    )
    for seconds in (0.8, 1.2):
        process = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE)
        time.sleep(seconds)
        process.send_signal(signal.SIGKILL)
        # It ends when the workers have ended, which inherit it.
        assert process.communicate()[1] == b""
    summary = tokenize(lines, out, workers=3, **options)
    assert corpus_twin.digests_of(out) == corpus_twin.digests_of(tmp_path / "whole")
    assert summary.documents == 400


def test_a_worker_that_dies_is_replaced(
    lines: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first process ends in the middle of a task; with every one, the error says so."""
    from bpecore.corpus import processes

    die_once = (
        "import os, sys, pathlib\n"
        f"first = pathlib.Path({str(tmp_path / 'first')!r})\n"
        "import bpecore.corpus.tasks as tasks, bpecore.corpus.here as here\n"
        "def die(*_):\n"
        "    os.kill(os.getpid(), 9)\n"
        "if not first.exists() or {always}:\n"
        "    first.touch()\n"
        "    here.do_task = die\n"
        "from bpecore.corpus.worker import main; main()\n"
    )
    options = {"format": "npy", "workers": 2, **OPTIONS}
    command = [sys.executable, "-c", die_once.format(always=False)]
    monkeypatch.setattr(processes, "_COMMAND", command)
    assert tokenize(lines, tmp_path / "out", **options).documents == 400
    command[-1] = die_once.format(always=True)
    with pytest.raises(
        CorpusError, match="a worker was ended by SIGKILL while it did portion_0000"
    ):
        tokenize(lines, tmp_path / "other", **options)


def test_what_is_done_is_not_done_again(lines: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    options = {"format": "npy", **OPTIONS}
    first = tokenize(lines, out, **options)
    times = {path: path.stat().st_mtime_ns for path in out.glob("*.npy")}
    again = tokenize(lines, out, **options)
    assert again.shards == first.shards
    assert {path: path.stat().st_mtime_ns for path in out.glob("*.npy")} == times


def test_changed_inputs_and_options_are_refused_by_name(lines: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    options = {"format": "npy", **OPTIONS}
    tokenize(lines, out, **options)
    with pytest.raises(CorpusError, match=r"append was \[50256\] and is \[\]\. --restart"):
        tokenize(lines, out, **{**options, "append": ()})
    with pytest.raises(CorpusError, match=r"the encoding was r50k_base and is gpt2"):
        tokenize(lines, out, **{**options, "encoding": "gpt2"})
    (lines / "1.jsonl").write_text('{"text": "other"}\n')
    with pytest.raises(CorpusError, match=r"the input \S+/1.jsonl has changed \([\d,]+ bytes"):
        tokenize(lines, out, **options)
    (lines / "1.jsonl").unlink()
    (lines / "4.jsonl").touch()
    with pytest.raises(CorpusError, match=r"1.jsonl is missing; the input \S+4.jsonl is new"):
        tokenize(lines, out, **options)
    tokenize(lines, out, restart=True, **{**options, "prefix": "b_"})
    tokenize(lines, tmp_path / "fresh", **{**options, "prefix": "b_"})
    assert corpus_twin.digests_of(out) == corpus_twin.digests_of(tmp_path / "fresh")


def test_a_folder_of_others_is_left_alone(lines: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").touch()
    for restart in (False, True):
        with pytest.raises(CorpusError, match="holds 'mine' and no manifest"):
            tokenize(lines, tmp_path / "out", format="npy", restart=restart, **OPTIONS)


def test_one_run_at_a_time(lines: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "sleep", lambda _: None)
    out = folder.Folder(str(tmp_path / "out"))
    out.make()
    busy = "another process works on this folder"
    with out.locked(), pytest.raises(CorpusError, match=busy):
        tokenize(lines, tmp_path / "out", format="npy", **OPTIONS)


def test_a_full_disk(lines: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One line, and the same call goes on when there is room."""
    out = tmp_path / "out"
    options = {"format": "npy", **OPTIONS}
    tokenize(lines, tmp_path / "whole", **options)
    from bpecore.corpus.writers import flat

    real = flat.write_all
    left = [20]

    def full(file: Any, data: Any) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise OSError(28, "No space left on device")
        real(file, data)

    monkeypatch.setattr(flat, "write_all", full)
    with pytest.raises(CorpusError, match=r"out: No space left on device$"):
        tokenize(lines, out, **options)
    monkeypatch.setattr(flat, "write_all", real)
    tokenize(lines, out, **options)
    assert corpus_twin.digests_of(out) == corpus_twin.digests_of(tmp_path / "whole")


def test_an_input_that_cannot_be_read_does_not_stop_the_others(lines: Path, tmp_path: Path) -> None:
    import gzip

    good = gzip.compress((lines / "0.jsonl").read_bytes())
    (lines / "0.jsonl").write_bytes(good[: len(good) // 2])
    out = tmp_path / "out"
    options = {"format": "npy", "encoding": "r50k_base", "shard_size": 2000}
    summary = tokenize(lines, out, **options)
    (failure,) = summary.failures
    assert failure.startswith(f"{lines}/0.jsonl: damaged gzip file: ")
    assert summary.documents == 250
    assert tokenize(lines, out, **options).failures == summary.failures


def test_an_input_that_vanishes_or_changes_meanwhile(
    lines: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bpecore.corpus import run

    real = run.keep_or_compare

    def meanwhile(*arguments: Any) -> bool:
        with (lines / "2.jsonl").open("a") as file:
            file.write("\n")
        shutil.move(lines / "0.jsonl", tmp_path)
        return real(*arguments)

    monkeypatch.setattr(run, "keep_or_compare", meanwhile)
    found = tokenize(lines, tmp_path / "out", format="npy", encoding="r50k_base", shard_size=20_000)
    assert any("0.jsonl: No such file" in failure for failure in found.failures)
    assert any("2.jsonl: has changed since" in failure for failure in found.failures)
