"""Kills `bpecore tokenize` at random moments until each format has been killed so many times.

    python -m fuzz.corpus_kills --kills 20

Each run goes on until it is killed or done; once it is done, the folder must have the bytes of an
undisturbed run, and a new run begins. With one worker and with two.
"""

from __future__ import annotations

import argparse
import hashlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

FORMATS = (
    *("npy", "bin", "megatron", "datatrove", "llmc", "nanogpt", "olmo", "mds", "litdata"),
    *("parquet", "arrow"),
)


def digest_of(folder: Path) -> str:
    """Returns the SHA-256 of all files of a corpus but the lock, with their names."""
    whole = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name != "lock":
            whole.update(f"{path.relative_to(folder)}\0".encode())
            whole.update(hashlib.sha256(path.read_bytes()).digest())
    return whole.hexdigest()


def kill_often(command: list[str], out: Path, wanted: str, kills: int, longest: float) -> int:
    """Runs and kills a command so many times; returns how often it was done in between."""
    chance = random.Random(0)
    killed = done = 0
    while True:
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        try:
            code = process.wait(chance.uniform(0.1, longest) if killed < kills else None)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            killed += 1
            continue
        if code or digest_of(out) != wanted:
            raise SystemExit(f"{' '.join(command)}: ended with {code} or with other bytes")
        done += 1
        shutil.rmtree(out)
        if killed == kills:
            return done


def main() -> None:
    """Prints a line per format and number of workers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "input", nargs="?", help="a file of JSON Lines; some are made if none is given"
    )
    parser.add_argument("--kills", type=int, default=20, help="per format and number of workers")
    parser.add_argument("--formats", default=",".join(FORMATS))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        source = options.input
        if source is None:
            source = f"{folder}/input.jsonl"
            words = ["the", "quick", "brown", "fox", "漢字", "and", "12345", "dogs"]
            chance = random.Random(0)
            with open(source, "w", encoding="utf-8") as file:
                for _ in range(20_000):
                    text = " ".join(chance.choices(words, k=chance.randrange(300)))
                    file.write(f'{{"text": "{text}"}}\n')
        size = Path(source).stat().st_size // 12
        for name in options.formats.split(","):
            out = Path(folder, "out")
            command = [sys.executable, "-m", "bpecore", "tokenize", source, "-f", name]
            command += ["-o", str(out), "-e", "gpt2", "--shard-size", str(size)]
            command += ["--append", "eot", "--val-fraction", "0.1"]
            if name in ("llmc", "datatrove"):
                command += ["--shard-tokens", str(size // 5)]
            start = time.monotonic()
            subprocess.run([*command, "--workers", "2"], stdout=subprocess.DEVNULL, check=True)
            seconds = time.monotonic() - start
            wanted = digest_of(out)
            shutil.rmtree(out)
            for workers in ("1", "2"):
                rest = [*command, "--workers", workers]
                done = kill_often(rest, out, wanted, options.kills, 1.2 * seconds)
                print(
                    f"{name}, {workers} workers: {options.kills} kills, equal {done} times",
                    flush=True,
                )


if __name__ == "__main__":
    main()
