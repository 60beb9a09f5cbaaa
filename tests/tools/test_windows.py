"""What Windows does differently, imitated here: POSIX names that are absent, files that cannot be
replaced while they are open, broken pipes that look like invalid arguments."""

from __future__ import annotations

import ast
import errno
import io
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from programs import output_of

from bpecore._build import atomic_files, frozen_files
from bpecore.cli import command_line
from bpecore.corpus.errors import CorpusError
from bpecore.corpus.folder import Folder

PACKAGE = Path(__file__).parents[2] / "bpecore"

ABSENT = {
    "os": """
        O_CLOEXEC O_NONBLOCK O_SYNC chown fchmod fork forkpty geteuid getpgid getuid killpg lchown
        mkfifo nice posix_fadvise posix_fallocate posix_spawn pread preadv pwrite pwritev
        register_at_fork sched_getaffinity sched_setaffinity sched_yield sendfile setsid
        statvfs sysconf uname wait wait3 wait4 WNOHANG
    """,
    "signal": """
        ITIMER_REAL SIGALRM SIGCHLD SIGHUP SIGKILL SIGPIPE SIGQUIT SIGSTOP SIGTSTP SIGUSR1 SIGUSR2
        alarm getitimer pause pthread_kill pthread_sigmask setitimer siginterrupt sigpending sigwait
    """,
    "socket": "AF_UNIX MSG_NOSIGNAL SCM_RIGHTS",
    "select": "poll epoll kqueue",
    "mmap": "MAP_ANON MAP_ANONYMOUS MAP_PRIVATE MAP_SHARED PROT_READ PROT_WRITE",
    "time": "clock_gettime clock_gettime_ns CLOCK_MONOTONIC tzset",
}
"""Names that Python's modules have on POSIX systems only."""

MODULES = "_posixshmem fcntl grp posix pty pwd resource syslog termios tty"
"""Modules that are only there."""

PROGRAM = f"""
import asyncio, concurrent.futures, glob, importlib, pkgutil, shutil, subprocess, sys, tempfile
import click, click.testing, imagesize, multiprocessing, numpy, pathspec, regex, wcwidth
import multiprocessing.connection, multiprocessing.pool, multiprocessing.util, runpy, threading
import http.client, urllib.request, unittest.mock, warnings, os
os.environ["BPECORE_TABLES_DIR"] = "."
try:
    import anyio
except ImportError:
    pass
for module, names in {ABSENT!r}.items():
    module = importlib.import_module(module)
    for name in names.split():
        vars(module).pop(name, None)
for name in {MODULES!r}.split():
    sys.modules[name] = None

import bpecore
encoding = bpecore.get_encoding("o200k_base")
text = "hello world, 'twas naïve 日本語 " * 20000
ids = encoding.encode(text)
assert encoding.decode(ids) == text
assert encoding.encode_batch([text] * 3, num_threads=2) == [ids] * 3
assert encoding.count(text) == len(ids)
ranks = dict(zip(map(bytes, zip(range(256))), range(256)))
own = bpecore.Encoding("own", pat_str=r"\\w+|\\W+", mergeable_ranks=ranks, special_tokens={{}})
assert own.encode("abc") == [97, 98, 99]
assert len(glob.glob("*.tables")) == 1
runner = click.testing.CliRunner()
result = runner.invoke(importlib.import_module("bpecore.cli").main, ["count", sys.argv[1]])
assert result.exit_code == 0, result.output
skipped = {{"bpecore.pool", "bpecore._startup", "bpecore._pyinstaller", "bpecore.__main__"}}
loaded = 0
for found in pkgutil.walk_packages(bpecore.__path__, "bpecore.", lambda name: None):
    if not any(found.name.startswith(name) for name in skipped):
        try:
            importlib.import_module(found.name)
        except ImportError as error:
            assert error.name in ("anyio", "prometheus_client", "bpecore.pool"), error
        loaded += 1
assert loaded > 100
try:
    import bpecore.pool
except ImportError as error:
    print(error)
"""


def test_all_but_the_pool_works_without_posix(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("hello world")
    message = output_of(PROGRAM, "text", folder=tmp_path)
    assert "bpecore.pool needs POSIX shared memory and Unix sockets" in message


def named(file: Path) -> Iterator[str]:
    """Yields the attributes of modules that a file names, except in `hasattr` and `getattr`."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            yield f"{node.value.id}.{node.attr}"
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_a_corpus_says_what_making_it_needs(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = Folder(str(tmp_path))
    monkeypatch.setitem(sys.modules, "fcntl", None)
    with pytest.raises(CorpusError, match="made with file locks and pipes"), folder.locked():
        pass


def test_no_module_but_those_names_what_windows_lacks() -> None:
    absent = {f"{module}.{name}" for module, names in ABSENT.items() for name in names.split()}
    guarded = {"os.register_at_fork", "os.sched_getaffinity"}
    files = [file for file in PACKAGE.rglob("*.py") if not {"corpus", "pool"} & {*file.parts}]
    assert len(files) > 100
    for file in files:
        for name in absent.intersection(named(file)):
            assert name in guarded, (file, name)
            attribute = name.partition(".")[2]
            assert f'hasattr(os, "{attribute}")' in file.read_text(encoding="utf-8")


@pytest.fixture
def windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes the modules under test believe that they run on Windows."""
    there = SimpleNamespace(**{**vars(os), "name": "nt"})
    for module in (atomic_files, frozen_files, command_line):
        monkeypatch.setattr(module, "os", there)
    monkeypatch.setattr(atomic_files, "IN_USE_SECONDS", 0.1)


class Replace:
    """`os.replace` where the target is open elsewhere for some time."""

    def __init__(self, failures: float) -> None:
        self.failures = failures

    def __call__(self, source: str, target: str) -> None:
        self.failures -= 1
        if self.failures >= 0:
            raise PermissionError(errno.EACCES, "Access is denied", target)
        os.replace(source, target)


@pytest.mark.usefixtures("windows")
def test_a_file_that_is_open_for_a_moment_is_replaced(tmp_path: Path) -> None:
    atomic_files.os.replace = Replace(3)
    path = tmp_path / "file"
    path.write_bytes(b"old")
    atomic_files.write_atomically(str(path), b"new")
    assert path.read_bytes() == b"new"
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.usefixtures("windows")
def test_a_file_that_stays_open_is_left_as_it_is(tmp_path: Path) -> None:
    atomic_files.os.replace = Replace(float("inf"))
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with pytest.raises(PermissionError, match="Access is denied"):
        atomic_files.write_atomically(str(path), b"new")
    frozen_files.keep_file(str(path), b"new")  # somebody has mapped it: without a warning
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.usefixtures("windows")
def test_tables_that_cannot_be_written_at_all_are_reported(tmp_path: Path) -> None:
    atomic_files.os.replace = Replace(float("inf"))
    with pytest.warns(RuntimeWarning, match="cannot be kept"):
        frozen_files.keep_file(str(tmp_path / "file"), b"new")


class Gone(io.BytesIO):
    """Standard output after its reader has gone."""

    def write(self, content: object) -> int:
        raise OSError(errno.EINVAL, "Invalid argument")


@pytest.mark.usefixtures("windows")
def test_a_broken_pipe_ends_the_program_quietly(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    output = io.TextIOWrapper(Gone(), encoding="cp1252", write_through=True)
    monkeypatch.setattr(sys, "stdout", output)
    with pytest.raises(SystemExit) as ended:
        command_line.main(["encodings"])
    assert ended.value.code == 1
    sys.stdout.flush()
    assert capsys.readouterr().err == ""


@pytest.mark.usefixtures("windows")
def test_output_is_utf8_whatever_the_code_page(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("text").write_text("日本 a", encoding="utf-8")
    written = io.BytesIO()
    output = io.TextIOWrapper(written, encoding="cp1252", newline="\r\n")
    monkeypatch.setattr(sys, "stdout", output)
    command_line.main(["view", "--color", "never", "text"], standalone_mode=False)
    sys.stdout.flush()
    assert "日本" in written.getvalue().decode("utf-8")
