"""Python processes that a program under `bpecore run` starts: bpecore, or a warning."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

import pytest
from programs import run_python

from bpecore.cli.children import HOOK_FOLDER, why_not_reached

MODULE = "__import__('tiktoken').Encoding.__module__"
POOL = """
import multiprocessing, sys

def ask(_):
    import tiktoken
    return tiktoken.Encoding.__module__

if __name__ == "__main__":
    with multiprocessing.get_context(sys.argv[1]).Pool(2) as pool:
        print(*pool.map(ask, range(2)))
"""
STARTS = "import subprocess, sys; sys.exit(subprocess.call([sys.executable, *sys.argv[1:]]))"


def run(*arguments: object, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, **variables}
    return run_python("-m", "bpecore", "run", *arguments, folder=folder, env=environment)


def child(code: str, *options: str, folder: Path, **variables: str) -> str:
    """Returns what some code prints in a Python process that a program starts."""
    found = run("-c", STARTS, *options, "-c", code, folder=folder, **variables)
    assert found.returncode == 0, found.stderr
    assert found.stderr == ""
    return found.stdout


@pytest.mark.parametrize("way", ["fork", "spawn", "forkserver"])
@pytest.mark.parametrize("kind", ["script", "module"])
def test_multiprocessing(way: str, kind: str, tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(POOL)
    named = ["program.py"] if kind == "script" else ["-m", "program"]
    found = run(*named, way, folder=tmp_path)
    assert found.stdout == "bpecore.core bpecore.core\n", found.stderr
    assert found.stderr == ""


def test_children_and_theirs(tmp_path: Path) -> None:
    assert child(f"print({MODULE})", folder=tmp_path) == "bpecore.core\n"
    code = (
        f"import subprocess, sys; subprocess.call([sys.executable, '-c', {f'print({MODULE})'!r}])"
    )
    assert child(code, folder=tmp_path) == "bpecore.core\n"


@pytest.mark.parametrize(
    "first",
    [
        "import tiktoken",
        "import tiktoken.core",
        "from tiktoken.load import load_tiktoken_bpe",
        "import tiktoken_ext.openai_public",
        "import tiktoken_ext",
        "import bpecore; bpecore.install_as_tiktoken()",
        "import threading; [threading.Thread(target=__import__, args=['tiktoken']).start()"
        " for _ in range(8)]",
    ],
)
def test_any_first_import(first: str, tmp_path: Path) -> None:
    code = f"""
{first}
import importlib.util, sys
import tiktoken, tiktoken.core, tiktoken_ext.openai_public, bpecore.encodings
assert tiktoken.Encoding is tiktoken.core.Encoding is bpecore.Encoding
assert tiktoken_ext.openai_public is bpecore.encodings
assert tiktoken.__spec__ is importlib.util.find_spec("tiktoken")
assert tiktoken.__name__ == "tiktoken" and tiktoken.__path__ == []
print(tiktoken.get_encoding("o200k_base").encode("hello world"))
"""
    assert child(code, folder=tmp_path) == "[24912, 2375]\n"


def test_tiktoken_need_not_be_installed(tmp_path: Path) -> None:
    (tmp_path / "tiktoken.py").write_text("raise ImportError('not installed')")
    assert child(f"print({MODULE})", folder=tmp_path) == "bpecore.core\n"


def test_a_child_loads_nothing_before_it_imports_tiktoken(tmp_path: Path) -> None:
    code = (
        "import sys; print([name for name in sys.modules if name.partition('.')[0] == 'bpecore'])"
    )
    assert child(code, folder=tmp_path) == "[]\n"


def test_paths_are_what_they_are_without_it(tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir()
    (own / "sitecustomize.py").write_text("import sys; sys.customized = __file__")
    code = "import sys; print(sys.path, sys.customized, sys.modules['sitecustomize'].__file__)"
    plain = run_python(
        "-c", code, folder=tmp_path, env={**os.environ, "PYTHONPATH": f"{own}{os.pathsep}{own}/x"}
    )
    assert plain.returncode == 0
    found = child(code, folder=tmp_path, PYTHONPATH=f"{own}{os.pathsep}{own}/x")
    assert found == plain.stdout
    nested = "import os; print(os.environ['PYTHONPATH'])"
    assert child(nested, folder=tmp_path, PYTHONPATH=str(own)) == f"{HOOK_FOLDER}:{own}\n"
    assert child(nested, folder=tmp_path, PYTHONPATH="") == f"{HOOK_FOLDER}\n"


def test_a_hidden_sitecustomize_that_fails_is_reported(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import nosuch_requirement")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    plain = run_python("-c", "0", folder=tmp_path, env=environment)
    found = run("-c", STARTS, "-c", f"print({MODULE})", folder=tmp_path, PYTHONPATH=str(tmp_path))
    assert "nosuch_requirement" in plain.stderr
    assert "nosuch_requirement" in found.stderr
    assert found.stdout == "bpecore.core\n"


def test_it_can_be_switched_off(tmp_path: Path) -> None:
    found = child(f"print({MODULE})", folder=tmp_path, BPECORE_AS_TIKTOKEN="0")
    assert found == "tiktoken.core\n"


@pytest.mark.parametrize("options", [["-I"], ["-E"], ["-S"], ["-X", "utf8", "-BE"]])
def test_options_that_ignore_the_hook_are_warned_of(options: list[str], tmp_path: Path) -> None:
    found = run("-c", STARTS, *options, "-c", "print('ran')", folder=tmp_path)
    assert found.stdout == "ran\n"
    assert "TiktokenNotReplacedWarning" in found.stderr
    assert f"is started with {'-E' if len(options) > 1 else options[0]}" in found.stderr


def test_an_environment_without_the_hook_is_warned_of(tmp_path: Path) -> None:
    code = """
import subprocess, sys
subprocess.run([sys.executable, "-c", "print('ran')"], env={}, check=True)
"""
    found = run("-c", code, folder=tmp_path)
    assert found.stdout == "ran\n"
    assert "without this process's PYTHONPATH" in found.stderr


def test_a_python_without_bpecore_is_warned_of(tmp_path: Path) -> None:
    (tmp_path / "tiktoken.py").write_text("Encoding = int")
    site = sysconfig.get_paths()["purelib"]
    code = f"""
import sys
sys.path[:] = [entry for entry in sys.path if "site-packages" not in entry]
sys.meta_path[1:] = [finder for finder in sys.meta_path[1:] if isinstance(finder, type)]
assert {site!r} not in sys.path
import tiktoken
print(tiktoken.Encoding)
"""
    found = run("-c", STARTS, "-c", code, folder=tmp_path)
    assert found.stdout == "<class 'int'>\n", found.stderr
    assert "uses the installed tiktoken" in found.stderr
    assert sys.executable in found.stderr


def test_which_commands_are_pythons() -> None:
    without = {"PATH": "/bin"}
    for words in (["/usr/bin/python3.12", "x.py"], ("python",), [Path("python"), "-u", "-"]):
        assert why_not_reached(words, None) == ""
        assert "PYTHONPATH" in why_not_reached(words, without)
        assert why_not_reached(words, {"PYTHONPATH": f"/x{os.pathsep}{HOOK_FOLDER}"}) == ""
    for words in (
        ["sh", "-S"],
        [],
        "python -I x.py",
        ["python", "-c", "-I"],
        ["python", "x", "-I"],
    ):
        assert why_not_reached(words, None) == ""
    assert why_not_reached(["python", "-uI", "x"], None) == "is started with -I"


@pytest.mark.parametrize("workers", [1, 2])
def test_uvicorn(workers: int, tmp_path: Path) -> None:
    pytest.importorskip("uvicorn", reason="needs the extra services")
    (tmp_path / "app.py").write_text(
        f"""
import json, os
async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        await receive()
        with open(f"worker{{os.getpid()}}.json.part", "w") as file:
            json.dump({MODULE}, file)
        os.rename(file.name, file.name[:-5])
        await send({{"type": "lifespan.startup.complete"}})
        await receive()
"""
    )
    with subprocess.Popen(
        [sys.executable, "-m", "bpecore", "run", "-m", "uvicorn", "app:app", "--port", "0",
         "--workers", str(workers)], cwd=tmp_path, stderr=subprocess.DEVNULL,
    ) as server:  # fmt: skip
        try:
            end = time.monotonic() + 60
            while len(found := list(tmp_path.glob("*.json"))) < workers:
                assert time.monotonic() < end
                assert server.poll() is None
                time.sleep(0.05)
        finally:
            server.terminate()
    assert [json.loads(file.read_text()) for file in found] == ["bpecore.core"] * workers
