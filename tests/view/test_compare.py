"""`bpecore compare`: tables, JSON, costs, a plot, and what cannot be read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner, Result

import bpecore
from bpecore.cli import main
from bpecore.cli.prices import costs_of, read_prices
from bpecore.view.plot import bars

TEXTS = {"one.txt": "hello world, don't", "two.txt": "漢字 and мир\n", "empty.txt": ""}
BOTH = ("-e", "o200k_base", "-e", "gpt2")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, text in TEXTS.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str, **options: Any) -> Result:
    return CliRunner().invoke(main, ["compare", *arguments], **options)


def test_the_numbers_are_those_of_count(folder: Path) -> None:
    found = json.loads(run(*BOTH, "--json", *TEXTS).stdout)
    assert found["encodings"] == ["o200k_base", "gpt2"]
    for name in found["encodings"]:
        encoding = bpecore.get_encoding(name)
        expected = {path: encoding.count(text) for path, text in TEXTS.items()}
        assert {each["name"]: each["encodings"][name]["tokens"] for each in found["inputs"]} == (
            expected
        )
        total = found["total"][name]
        assert total["tokens"] == sum(expected.values())
        assert total["bytes"] == sum(len(text.encode()) for text in TEXTS.values())
        assert total["bytes_per_token"] == total["bytes"] / total["tokens"]
        for unit in ("tokens", "bytes", "words"):
            of_scripts = [counts[name][unit] for counts in found["scripts"].values()]
            assert sum(of_scripts) == total[unit]
    assert found["scripts"]["Han"]["gpt2"]["words"] == 2


def test_tables(folder: Path) -> None:
    lines = run(*BOTH, "one.txt", "two.txt").stdout.splitlines()
    assert lines[0].split() == ["encoding", "tokens", "bytes/token", "tokens/word"]
    assert lines[1].split()[:2] == ["total", "o200k_base"]
    titles = [line.split()[0] for line in lines if " encoding " in f" {line} "]
    assert titles == ["encoding", "script", "file"]


def test_texts_of_no_script_have_no_table_by_script(folder: Path) -> None:
    assert "script" in run("one.txt").stdout
    assert "script" not in run("empty.txt").stdout


def test_a_folder_without_what_git_ignores(folder: Path) -> None:
    (folder / ".git").mkdir()
    (folder / ".gitignore").write_text("two.txt\n")
    (folder / "picture").write_bytes(b"\xff\xfe\x00")
    result = run("--json", ".")
    names = [each["name"] for each in json.loads(result.stdout)["inputs"]]
    assert names == ["./.gitignore", "./empty.txt", "./one.txt"]
    assert (result.exit_code, result.stderr) == (0, "skipped: 1 file that is not text\n")


def test_what_cannot_be_read_is_reported(folder: Path) -> None:
    result = run("--json", "one.txt", "missing")
    found = json.loads(result.stdout)
    assert result.exit_code == 1
    assert [each["name"] for each in found["inputs"]] == ["one.txt"]
    assert [each["name"] for each in found["errors"]] == ["missing"]
    assert run("missing").stdout == ""


def test_standard_input_and_texts() -> None:
    assert "total  o200k_base       2" in run(input="hello world").stdout
    assert "hello" in run("-x", "hello", "-x", "world").stdout


def test_nothing() -> None:
    assert "total  o200k_base       0            -            -" in run("-x", "").stdout


@pytest.mark.parametrize(
    "table", ['{"gpt-4o": 2.5, "gpt2": 1, "o200k_base": "0"}', "gpt-4o,2.5\ngpt2,1\no200k_base,0\n"]
)
def test_costs(folder: Path, table: str) -> None:
    (folder / "prices").write_text(table)
    found = json.loads(run("--json", "--prices", "prices", *BOTH, "one.txt").stdout)
    tokens = {name: bpecore.get_encoding(name).count(TEXTS["one.txt"]) for name in ("gpt2",)}
    assert [each["name"] for each in found["costs"]] == ["o200k_base", "gpt2", "gpt-4o"]
    assert found["costs"][1]["cost"] == pytest.approx(tokens["gpt2"] / 1e6)
    assert found["costs"][2]["encoding"] == "o200k_base"
    assert "per million" in run("--prices", "prices", *BOTH, "one.txt").stdout


def test_prices_of_others_are_reported(folder: Path) -> None:
    (folder / "prices").write_text('{"gpt-4": 1, "nobody": 2, "gpt-4o": 3}')
    result = run("--json", "--prices", "prices", "one.txt")
    assert result.stderr == "prices of what is not compared: gpt-4, nobody\n"
    assert [each["name"] for each in json.loads(result.stdout)["costs"]] == ["gpt-4o"]


@pytest.mark.parametrize(
    "table",
    [
        *('{"a": -1}', '{"a": true}', '{"a": null}', '{"a": NaN}', '{"a": "x"}', '{"a": [1]}'),
        *('{"a"', "{" * 100_000, "a", "a,x", "a,1,2", "a,1e999"),
    ],
)
def test_prices_that_are_none(folder: Path, table: str) -> None:
    (folder / "prices").write_text(table)
    result = run("--prices", "prices", "one.txt")
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: prices: ")


def test_prices_that_are_not_text(folder: Path) -> None:
    (folder / "prices").write_bytes(b"\xff")
    with pytest.raises(ValueError, match=r"^prices: not UTF-8"):
        read_prices("prices")


def test_cheapest_first() -> None:
    costs, others = costs_of({"a": 3, "b": 1, "c": 1}, {"a": 10, "b": 10})
    assert [(cost.name, cost.cost) for cost in costs] == [("b", 1e-5), ("a", 3e-5)]
    assert [*others] == ["c"]


def test_vocabularies_of_one_name_are_refused(folder: Path) -> None:
    for inside in ("a", "b"):
        (folder / inside).mkdir()
        lines = b"".join(b"%b %d\n" % (_base64(value), value) for value in range(256))
        (folder / inside / "same.tiktoken").write_bytes(lines)
    files = ("--vocabulary", "a/same.tiktoken", "--vocabulary", "b/same.tiktoken")
    result = run(*files, "--pattern", ".", "one.txt")
    assert result.exit_code == 2
    assert "same name" in result.stderr


def _base64(value: int) -> bytes:
    import base64

    return base64.b64encode(bytes([value]))


class TestPlot:
    def test_is_well_formed_and_names_everything(self, folder: Path) -> None:
        assert run(*BOTH, "--svg", "plot.svg", "two.txt").exit_code == 0
        plot = (folder / "plot.svg").read_text(encoding="utf-8")
        texts = [element.text for element in ElementTree.fromstring(plot).iter()]
        assert {"o200k_base", "gpt2", "total", "Han", "Cyrillic"} <= {*texts}

    def test_on_standard_output_it_is_alone(self, folder: Path) -> None:
        ElementTree.fromstring(run(*BOTH, "--svg", "-", "two.txt").stdout)

    def test_hostile_names_and_no_values(self) -> None:
        plot = bars("<t>", {"</text>&": [None, 0.0]}, ["<script>", '"'])
        texts = [element.text for element in ElementTree.fromstring(plot).iter()]
        assert {"<t>", "</text>&", "<script>"} <= {*texts}

    def test_the_longest_bar_fits(self) -> None:
        plot = ElementTree.fromstring(bars("t", {"g": [1e6, 0.5]}, ["a", "b"]))
        for bar in plot.iter("{http://www.w3.org/2000/svg}rect"):
            if "%" not in bar.get("width", ""):
                assert float(bar.get("x", 0)) + float(bar.get("width", 0)) < 720
