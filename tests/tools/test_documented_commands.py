"""Every command in README, documents and docstrings works as written, in a clone's root.

A command that takes long, or is named without arguments, is run with `--help` instead, which still
finds a wrong name or option.
`NOT_RUN` says which ones are not run here and why.
"""

from __future__ import annotations

import ast
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2]
if not (SOURCE / "README.md").is_file():
    pytest.skip("needs the source tree", allow_module_level=True)

# By how a command begins.
NOT_RUN = {
    "python3 -m venv": "installs from an index",
    "pip": "installs from an index",
    "curl": "tests/services/examples/test_tokenizer_service.py sends the same request",
    "pytest": "this is one",
    "ruff": "needs the extra lint; `.ci/run lint` runs it",
    "python tools/windows/check.py": "takes minutes; `.ci/run --platforms windows` runs it",
    "python tools/make_unicode_table.py": "needs packages that it names",
    "python tools/make_rank_tables.py litellm": "needs a wheel that it names",
    "bpecore tokenize /shared": "needs a Ray cluster; tests/corpus/test_on_ray.py starts one",
    "python -m examples.cache_aware_router": "test_cache_aware_router.py runs it",
}
TAKES_LONG = (
    "python -m fuzz",
    "bpecore fuzz",
    "python -m benchmarks",
    "python examples/pooled_load.py",
    "python examples/pooled_endpoint.py",
)
SLOW = ("python tools/make_rank_tables.py --check",)
SERVERS = ("uvicorn", "UPSTREAM=http")
COMMAND = re.compile(r"(\w+=\S+ )?(python3?|uvicorn|bpecore|curl|pip|pytest|ruff) \S")


def commands_of_page(text: str) -> Iterator[str]:
    """Yields lines of shell blocks, and commands between backticks."""
    for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL):
        yield from block.splitlines()
    prose = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    for quoted in re.findall(r"`([^`]+)`", prose):
        if COMMAND.match(quoted):
            yield " ".join(quoted.split())


def commands_of_module(text: str) -> Iterator[str]:
    """Yields the indented lines of a module's docstring that are commands."""
    for line in (ast.get_docstring(ast.parse(text)) or "").splitlines():
        if line.startswith("    ") and COMMAND.match(line.strip()):
            yield line.strip()


def all_commands() -> list[str]:
    found: dict[str, None] = {}
    folders = [SOURCE / "examples", SOURCE / "benchmarks"]
    pages = [*SOURCE.glob("*.md"), *SOURCE.glob("docs/*.md")]
    pages += [folder / "README.md" for folder in folders]
    for page in sorted(pages):
        if page.name != "CHANGELOG.md":
            found.update(dict.fromkeys(commands_of_page(page.read_text(encoding="utf-8"))))
    fuzzing = (SOURCE / "fuzz" / "README.md").read_text(encoding="utf-8").partition("\n## ")[0]
    found.update(dict.fromkeys(commands_of_page(fuzzing)))
    for folder in ("examples", "tools", "benchmarks", "fuzz", "bpecore"):
        for file in sorted((SOURCE / folder).rglob("*.py")):
            found.update(dict.fromkeys(commands_of_module(file.read_text(encoding="utf-8"))))
    return [command for command in found if command.strip()]


COMMANDS = all_commands()


def begins_with(command: str, beginnings: tuple[str, ...]) -> bool:
    return any(re.match(re.escape(beginning) + r"(?!\w)", command) for beginning in beginnings)


def test_commands_are_found() -> None:
    assert len(COMMANDS) > 30
    named = (*NOT_RUN, *TAKES_LONG, *SLOW, *SERVERS)
    unused = [name for name in named if not any(begins_with(c, (name,)) for c in COMMANDS)]
    assert unused == []


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """The clone's root, and beside its files those that a reader is supposed to have."""
    for entry in SOURCE.iterdir():
        if entry.name not in ("build", ".git", ".venv"):
            (tmp_path / entry.name).symlink_to(entry)
    for name in ("notes.txt", "chapter-1.txt", "chapter-2.txt"):
        (tmp_path / name).write_text("hello world, 漢字\n", encoding="utf-8")
    (tmp_path / "chat.json").write_text('[{"role": "user", "content": "Hi"}]')
    (tmp_path / "prices.json").write_text('{"gpt-4o": 2.5}')
    (tmp_path / "my-texts").mkdir()
    (tmp_path / "my-texts" / "one.txt").write_text("hello world\n", encoding="utf-8")
    (tmp_path / "script.py").write_text("import tiktoken\nassert 'bpecore' in tiktoken.__file__\n")
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "module.py").write_text("import tiktoken\n")
    return tmp_path


@pytest.fixture
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """An environment where this Python and its scripts come first."""
    folder = tmp_path_factory.mktemp("bin")
    script = "from importlib.metadata import entry_points as all\nimport sys\nsys.argv[0] = {0!r}\n"
    script += "sys.exit([e for e in all()['console_scripts'] if e.name == {0!r}][0].load()())\n"
    if sys.version_info >= (3, 10):
        script = script.replace("all()['console_scripts']", "all(group='console_scripts')")
    for name in ("bpecore", "uvicorn"):
        (folder / name).write_text(f"#!{sys.executable}\n{script.format(name)}")
    for name in ("python", "python3"):
        (folder / name).write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    for file in folder.iterdir():
        file.chmod(0o755)
    path = f"{folder}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "PYTHONDONTWRITEBYTECODE": "1"}


def as_run(command: str) -> str:
    """Returns a command without placeholders, and with `--help` where it takes long."""
    command = re.sub(r" (\[.*|…|arguments…)(?=$|\s)", "", command)
    command = command.replace("'import tiktoken; …'", "'import tiktoken'")
    if begins_with(command, TAKES_LONG) or re.fullmatch(r"bpecore \w+", command):
        without_comment = shlex.join(shlex.split(command, comments=True))
        return f"{without_comment} --help"
    return command


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(command, marks=[pytest.mark.slow] * begins_with(command, SLOW))
        for command in COMMANDS
    ],
)
def test_command(command: str, clone: Path, environment: dict[str, str]) -> None:
    for beginning, reason in NOT_RUN.items():
        if begins_with(command, (beginning,)):
            pytest.skip(reason)
    if begins_with(command, SERVERS):
        assert_serves(command, clone, environment)
        return
    run = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", as_run(command)],
        cwd=clone,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
    )
    if run.returncode and (missing := re.search(r"No module named '(\w+)'", run.stderr)):
        assert missing[1] not in ("bpecore", "benchmarks", "fuzz", "examples", "tests")
        pytest.skip(f"needs {missing[1]}")
    assert run.returncode == 0, run.stderr


def assert_serves(command: str, clone: Path, environment: dict[str, str]) -> None:
    """Asserts that a server starts, on a port that is free, and ends on Ctrl-C."""
    for needed in ("uvicorn", "fastapi", "httpx", "anyio", "prometheus_client"):
        pytest.importorskip(needed, reason="needs the extra services")
    server = subprocess.Popen(
        ["bash", "-c", f"exec env {command} --port 0"],
        cwd=clone,
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert server.stderr is not None
        lines = []
        for line in server.stderr:
            lines.append(line)
            if "running on http://" in line:
                break
        else:
            pytest.fail("".join(lines))
        server.send_signal(signal.SIGINT)
        server.communicate(timeout=60)
    finally:
        server.kill()
        server.wait()
