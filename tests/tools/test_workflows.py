"""The workflows run what the scripts have, and publish the wheels that are configured."""

from __future__ import annotations

import re
from itertools import product
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2]
WORKFLOWS = SOURCE / ".github" / "workflows"

PLATFORMS = [
    "manylinux_2_17_x86_64",
    "manylinux_2_17_aarch64",
    "musllinux_1_2_x86_64",
    "musllinux_1_2_aarch64",
    "macosx_11_0_x86_64",
    "macosx_11_0_arm64",
    "win_amd64",
    "win_arm64",
]


def read(path: str) -> str:
    return (SOURCE / path).read_text(encoding="utf-8")


def sections() -> dict[str, list[str]]:
    """Returns what each section of `.ci/platforms` needs."""
    (table,) = re.findall(r"(?m)^sections='\n((?:.*\n)*?)'$", read(".ci/platforms"))
    rows = [line.split()[:2] for line in table.splitlines()]
    return {name: needed.split(",") for name, needed in rows}


def expanded(text: str) -> list[str]:
    """Returns the words that a shell makes of one with braces."""
    found = re.search(r"\{([^{}]*)\}", text)
    if found is None:
        return [text]
    before, after = text[: found.start()], text[found.end() :]
    # The innermost is expanded first; commas of outer ones must not split it.
    return [word for choice in found[1].split(",") for word in expanded(before + choice + after)]


def test_every_section_has_a_machine() -> None:
    (named,) = re.findall(r"section: \[(.*)\]", read(".github/workflows/ci.yml"))
    run = {name.strip() for name in named.split(",")}
    needed = {other for name in run for other in sections()[name]}
    assert set(sections()) - run - needed == {"given"} - needed
    assert run <= set(sections())


@pytest.mark.parametrize("name", ["ci.yml", "wheels.yml"])
def test_no_expression_chooses_what_is_empty(name: str) -> None:
    """`condition && '' || 'other'` is always the other: an empty text counts as false."""
    text = (WORKFLOWS / name).read_text(encoding="utf-8")
    assert re.findall(r"&&\s*(?:''|false|0)\s*\|\|", text) == []


def test_a_wheel_is_checked_for_every_python_and_platform() -> None:
    (built,) = re.findall(r'(?m)^build = "(.*)"', read("pyproject.toml"))
    abis = [pattern[:-2] for pattern in built.split()]
    (tags,) = re.findall(r"check_wheels.py dist\n\s*(.*)", read(".github/workflows/wheels.yml"))
    checked = sorted(set(expanded(tags)))
    assert checked == sorted(f"{abi}-{platform}" for abi, platform in product(abis, PLATFORMS))
    assert f"{len(checked)}\n   wheels" in read("RELEASING.md")
    (installed,) = re.findall(r"python: \[(.*)\]", read(".github/workflows/wheels.yml"))
    pythons = [version.strip(' "').replace(".", "") for version in installed.split(",")]
    assert [f"cp{version}" for version in pythons] == abis
    versions = re.findall(r"Python :: (3\.\d+)", read("pyproject.toml"))
    assert [f"cp{version.replace('.', '')}" for version in versions] == [
        abi for abi in abis if not abi.endswith("t")
    ]
