"""Memory does not grow with the inputs, and one worker at a time holds a long record."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from bpecore.corpus import tokenize
from bpecore.corpus.memory import LONG_RECORD, Turn

pytest.importorskip("orjson", reason="needs the extra corpus")

PEAK = """
import sys
from bpecore.corpus import tokenize
tokenize(sys.argv[1], sys.argv[2], format="npy", encoding="gpt2", workers=1, shard_size=4 << 20)
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""

TAKER = """
import sys
from bpecore.corpus.memory import Turn
turn = Turn()
turn.share(int(sys.argv[1]))
turn.take()
print("taken", flush=True)
sys.stdin.read()
"""


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="memory is read from /proc")
def test_ten_times_the_input_takes_the_same_memory(tmp_path: Path) -> None:
    peaks = []
    lines = "".join(json.dumps({"text": f"Document {i}, " * (i % 500)}) + "\n" for i in range(600))
    for times in (4, 40):
        source = tmp_path / f"{times}.jsonl"
        source.write_text(lines * times)
        command = [sys.executable, "-c", PEAK, str(source), str(tmp_path / f"out{times}")]
        peaks.append(int(subprocess.check_output(command)) // 1024)
    assert peaks[1] <= peaks[0] + 12, "megabytes"


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="memory is read from /proc")
def test_a_long_record_is_held_few_times(tmp_path: Path) -> None:
    """Not what was read, the line, the text and its ids all together."""
    peaks = []
    line = json.dumps({"text": "a document of words " * 50}) + "\n"
    for size in (0, 24 << 20):
        source = tmp_path / f"{size}.jsonl"
        long = json.dumps({"text": "long one " * (size // 9)}) + "\n"
        source.write_text(line * 2000 + long + line)
        command = [sys.executable, "-c", PEAK, str(source), str(tmp_path / f"out{size}")]
        peaks.append(int(subprocess.check_output(command)) << 10)
    assert peaks[1] - peaks[0] < 4 * (24 << 20)


def test_the_turn_is_of_one_process_and_ends_with_it() -> None:
    with tempfile.TemporaryFile() as file:
        command = [sys.executable, "-c", TAKER, str(file.fileno())]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "pass_fds": [file.fileno()]}
        with subprocess.Popen(command, **pipes) as first:  # type: ignore[call-overload]
            assert first.stdout.readline() == b"taken\n"
            with subprocess.Popen(command, **pipes) as second:  # type: ignore[call-overload]
                with pytest.raises(subprocess.TimeoutExpired):
                    second.wait(0.2)
                first.kill()
                assert second.stdout.readline() == b"taken\n"
                second.stdin.close()


def test_the_turn_is_taken_for_long_records_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[str] = []
    monkeypatch.setattr(Turn, "_lock", lambda _, operation: taken.append(operation))
    for number, size in enumerate((LONG_RECORD // 2, LONG_RECORD + 100)):
        for name, text in (("a.jsonl", json.dumps({"text": "x " * (size // 2)})), ("a.txt", "x")):
            source = tmp_path / f"{number}{name}"
            source.write_text(text if name == "a.jsonl" else "x " * (size // 2))
            tokenize(source, tmp_path / f"out{number}{name}", format="npy", encoding="gpt2")
            assert taken == ["LOCK_EX", "LOCK_UN"] * number
            taken.clear()
