"""The faults that are planted to test the fuzzer fit the engine's present source."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from fuzz.mutants.switches import plant, switched

SOURCE = Path(__file__).parents[2]
MUTANTS = SOURCE / "fuzz" / "mutants"

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="needs git")


def test_all_planted_faults_fit_in_one_tree(tmp_path: Path) -> None:
    patches = sorted(MUTANTS.glob("*.patch"))
    assert len(patches) > 20
    for name in ("_ext", "bpecore"):
        shutil.copytree(
            SOURCE / name, tmp_path / name, ignore=shutil.ignore_patterns("*.so", "__pycache__")
        )
    plant(tmp_path, patches)
    sources = "".join(
        path.read_text() for path in tmp_path.rglob("*") if path.suffix in {".pxd", ".pxi", ".py"}
    )
    for number in range(1, len(patches) + 1):
        assert f"PLANTED_FAULT == {number}:" in sources or f"== {number} else" in sources


def test_each_fault_of_the_sanitizers_applies() -> None:
    patches = [*(MUTANTS / "sanitizers").glob("*.patch")]
    assert patches
    check = ["git", "apply", "-C1", "--check"]
    runs = [subprocess.run([*check, patch], cwd=SOURCE, capture_output=True) for patch in patches]
    assert [patch.name for patch, run in zip(patches, runs) if run.returncode] == []


BEFORE = """\
def f(x):
    # Why.
    if (x > 1
            and x < 9):
        return 1
    y = x
    if y:
        y += 1
    return [y,
            2]
"""


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("x > 1\n", "x > 4\n"),
        ("    y = x\n", "    y = x + 1\n"),
        ("    y = x\n", "    y = x\n    y += 5\n"),
        ("    if y:\n        y += 1\n", ""),
        ("            2]", "            3]"),
    ],
)
def test_a_switch_chooses_between_the_two_versions(old: str, new: str) -> None:
    after = BEFORE.replace(old, new)
    assert after != BEFORE
    both = switched(BEFORE, after, 7)
    for number, source in ((7, after), (0, BEFORE), (8, BEFORE)):
        found: dict[str, object] = {"PLANTED_FAULT": number}
        expected: dict[str, object] = {}
        exec(both, found)
        exec(source, expected)
        for x in range(-1, 12):
            assert found["f"](x) == expected["f"](x)  # type: ignore[operator]


def test_a_block_that_would_belong_to_either_is_refused() -> None:
    with pytest.raises(RuntimeError, match="what a block belongs to"):
        switched("for x in y:\n    pass\n", "for x in z:\n    pass\n", 1)
