"""The benchmarks: outputs are compared, records survive, bars judge as documented.

The texts are tiny and the engines few: the timings mean nothing.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from click.testing import CliRunner
from programs import run_python

pytest.importorskip("benchmarks", reason="the benchmarks come with the source only")

from benchmarks import __main__ as command
from benchmarks import measures, processes, turns
from benchmarks.bars import BARS, Bar, judge
from benchmarks.engines import ENGINES, METHODS, UnsupportedError
from benchmarks.inputs import build, sizes
from benchmarks.measures import GROUPS
from benchmarks.one_pass import WAYS
from benchmarks.processes import FailedError, Workers
from benchmarks.rank_files import write_rank_files
from benchmarks.record import LeftOut, Record, Sample, newest_record
from benchmarks.report import all_values, bars_table, ratios_table
from benchmarks.speed_page import BEGIN, END, figures, update
from benchmarks.turns import Case, WrongIdsError, check_equal, run_case
from benchmarks.worker import TURN_CALLS, Desk, digest, time_turn

ENCODING = "r50k_base"


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    """A folder of two small texts."""
    folder = tmp_path / "texts"
    folder.mkdir()
    (folder / "one.txt").write_text("Hello world, don't stop.\r\n" * 30, encoding="utf-8")
    (folder / "zh.txt").write_text("中文文本。" * 40, encoding="utf-8")
    return folder


def sample(measure: str, engine: str, seconds: list[float], subject: str = "zh.txt") -> Sample:
    """Returns a sample of a text of a megabyte."""
    return Sample(measure, ENCODING, subject, engine, seconds, bytes=1_000_000, items=500_000)


def record_of(*results: Sample | LeftOut) -> Record:
    """Returns a record of just these."""
    record = Record()
    record.add("warm", ENCODING, results)
    return record


@pytest.mark.skipif(os.name != "posix", reason="needs a process's peak of memory")
def test_limits_and_the_command_line(texts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measures.command_line, "LARGE_BYTES", 300_000)
    monkeypatch.setattr(measures.limits, "GROWN_BYTES", 200)
    arguments = [str(texts), "--encoding", "o200k_base", "--engines", "tiktoken,bpecore"]
    result = CliRunner().invoke(
        command.main,
        [*arguments, "--rounds=1", "--measures", "limits,command"],
        catch_exceptions=False,
    )
    assert result.exit_code == 0, result.output
    for bar in ("truncate, over", "counts of a growing", "memory on any input", "first id of"):
        assert bar in result.output
    assert "left out" not in result.output


def test_command_measures_judges_and_records(
    texts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "RESULTS", tmp_path / "results")
    arguments = [str(texts), "--encoding", ENCODING, "--engines", "tiktoken,bpecore", "--rounds=1"]
    measures = ["--measures", "warm,list,count,cold,short,batch,decode,load", "--record"]
    result = CliRunner().invoke(command.main, [*arguments, *measures], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    assert "list, over tiktoken" in result.output
    path = newest_record(tmp_path / "results")
    record = Record.read(path)
    assert set(record.versions) == {"tiktoken", "bpecore"}
    assert [group for group, _ in record.done] == measures[1].split(",")
    for measure in ("warm", "list", "cold"):
        for engine in ("tiktoken", "bpecore"):
            found = record.find(measure, ENCODING, engine)
            assert list(found) == ["one.txt", "zh.txt"]
            assert found["zh.txt"].bytes == (texts / "zh.txt").stat().st_size
            assert found["zh.txt"].value > 0
    written = path.read_bytes()
    resumed = CliRunner().invoke(
        command.main,
        [*arguments, "--measures", "warm", "--resume", str(path)],
        catch_exceptions=False,
    )
    assert resumed.exit_code == 0
    assert path.read_bytes() == written, "a complete measure was run again"


def test_a_part_of_the_measures_is_not_recorded(
    texts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "RESULTS", tmp_path / "results")
    arguments = [str(texts), "--encoding", ENCODING, "--engines", "bpecore", "--rounds=1"]
    result = CliRunner().invoke(command.main, [*arguments, "--measures", "decode"])
    assert result.exit_code == 0, result.output
    assert result.output.endswith("not recorded (see --record)\n")
    assert not (tmp_path / "results").exists()


def test_command_refuses_unknown_names_and_empty_folders(tmp_path: Path) -> None:
    runner = CliRunner()
    assert "unknown ['fast']" in runner.invoke(command.main, ["--engines", "fast"]).output
    assert "unknown ['speed']" in runner.invoke(command.main, ["--measures", "speed"]).output
    assert "no .txt file" in runner.invoke(command.main, [str(tmp_path)]).output


def test_wrong_ids_of_bpecore_stop_the_run_and_those_of_others_leave_them_out() -> None:
    case = Case("warm", "zh.txt", "encode_to_numpy", {"kind": "text", "text": ""})
    with pytest.raises(WrongIdsError, match=r"bpecore differs from that of tiktoken"):
        check_equal(case, ENCODING, {"tiktoken": "1", "bpecore": "2"})
    left_out = check_equal(case, ENCODING, {"tiktoken": "1", "bpecore": "1", "quicktok": "2"})
    assert [item.engine for item in left_out] == ["quicktok"]


def test_an_engine_that_fails_or_is_late_is_left_out_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "REQUEST_SECONDS", 3.0)
    with Workers(ENCODING, tmp_path) as workers:
        missing = Case("count", "a", "count", {"kind": "text", "text": "a"})
        (result,) = run_case(workers, missing, ENCODING, ["tiktoken"], 1)
        assert result == LeftOut("count", ENCODING, "a", "tiktoken", "no count")
        broken = Case("warm", "a", "encode_to_numpy", {"kind": "file", "path": "/nowhere"})
        (result,) = run_case(workers, broken, ENCODING, ["bpecore"], 1)
        assert isinstance(result, LeftOut)
        assert "FileNotFoundError" in result.reason
        endless = {"kind": "repeated", "text": "ab" * 10, "times": 10}
        workers.ask(
            "bpecore", "prepare", method="encode_ordinary", description=endless, arguments={}
        )
        with pytest.raises(FailedError, match="over 3 s"):
            workers.ask("bpecore", "time", calls=10**9)
        case = Case("list", "a", "encode_ordinary", {"kind": "text", "text": "a"})
        (result,) = run_case(workers, case, ENCODING, ["bpecore"], 1)
        assert isinstance(result, Sample), "no new process after the late one"


@pytest.mark.slow
@pytest.mark.parametrize("name", ENGINES)
def test_engines_give_the_ids_of_tiktoken_by_every_method(name: str, tmp_path: Path) -> None:
    engine_class = ENGINES[name]
    pytest.importorskip(engine_class.module)
    write_rank_files(tmp_path, [ENCODING], for_tokenizers=name in ("tokenizers", "snaptokens"))
    try:
        desk = Desk(engine_class(ENCODING, tmp_path))
    except UnsupportedError as error:
        pytest.skip(str(error))
    tiktoken = ENGINES["tiktoken"](ENCODING, tmp_path)
    reference = Desk(tiktoken)
    text = {"kind": "text", "text": "Hello world, 中文 don't  stop\n\n"}
    inputs = {
        "encode_batch": {"kind": "numbered", "prefix": "item ", "number": 20},
        "encode_documents": {"kind": "numbered", "prefix": "item ", "number": 20},
        "list_documents": {"kind": "numbered", "prefix": "item ", "number": 20},
        "decode": {"kind": "ids", "paths": [__file__], "number": 50},
        "decode_with_offsets": {"kind": "ids", "paths": [__file__], "number": 50},
    }
    others = {"encode_to_numpy": "encode_ordinary", "encode_long_text": "encode_ordinary"}
    for method in METHODS:
        if method == "construct" or not (hasattr(tiktoken, method) or method in others):
            continue
        arguments = {"threads": 2} if "document" in method or method == "encode_long_text" else {}
        description = inputs.get(method, text)
        try:
            desk.prepare(method, description, arguments)
            answer = desk.verify()
        except UnsupportedError:
            continue
        same = others.get(method, method)
        reference.prepare(same, description, arguments if same == method else {})
        assert answer == reference.verify(), method


def test_inputs_are_what_their_descriptions_say(texts: Path) -> None:
    paths = [str(texts / "one.txt"), str(texts / "zh.txt")]
    assert build(None, {"kind": "file", "path": paths[0]}).endswith("stop.\r\n")
    assert build(None, {"kind": "repeated", "text": "中", "times": 3}) == "中中中"
    long_text = build(None, {"kind": "long_text", "paths": paths, "size": 5_000})
    assert 5_000 <= len(long_text.encode()) <= 8_000
    mixed = build(None, {"kind": "mixed", "paths": paths, "size": 200})
    assert mixed.startswith("Hello")
    assert mixed.endswith("文")
    documents = build(None, {"kind": "documents", "paths": paths, "characters": 100})
    assert "".join(documents).startswith("Hello")
    assert {len(document) for document in documents[:-1]} == {100}
    ranks = build(None, {"kind": "own_ranks", "number": 200_000})
    assert sorted(ranks.values()) == list(range(200_000))
    assert sizes("中中") == {"bytes": 6, "items": 2}
    assert sizes([1, 2, 3]) == {"bytes": 0, "items": 3}
    assert sizes(["ab", "中"]) == {"bytes": 5, "items": 2}


def test_digest_is_the_same_for_equal_ids_in_any_form_and_for_no_others() -> None:
    import numpy as np

    assert digest([1, 2]) == digest(np.array([1, 2], np.uint32)) == digest(np.array([1, 2]))
    assert digest([1, 2]) != digest([2, 1])
    batch = (np.array([1, 2, 3], np.uint32), np.array([0, 1, 3]))
    assert digest([[1], [2, 3]]) == digest(batch)
    assert digest([[1, 2], [3]]) != digest(batch)
    assert digest("a") != digest("b")
    assert digest(3) != digest(4)


def test_a_turn_ends_after_some_calls() -> None:
    calls: list[str] = []
    assert len(time_turn(calls.append, "x", {}, 1)) == len(calls) == TURN_CALLS
    calls.clear()
    assert len(time_turn(calls.append, "x", {}, 10)) * 10 == len(calls)


def test_slow_engines_take_fewer_rounds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "ENGINE_SECONDS", 0.0)
    case = Case("list", "a", "encode_ordinary", {"kind": "text", "text": "a"})
    with Workers(ENCODING, tmp_path) as workers:
        (result,) = run_case(workers, case, ENCODING, ["bpecore"], 4)
    assert isinstance(result, Sample)
    assert 1 <= len(result.values) <= TURN_CALLS, "more than one turn"


def test_bars_judge_by_the_best_value_and_the_subject() -> None:
    record = record_of(
        sample("warm", "bpecore", [0.003, 0.002]),
        sample("warm", "bpecore", [0.002], "ru.txt"),
        sample("warm", "gigatoken", [0.0028, 0.01]),
        sample("warm", "gigatoken", [0.0028], "ru.txt"),
        sample("hostile, 1,000,000", "bpecore", [0.05], "a"),
    )
    warm, hostile = (
        next(bar for bar in BARS if bar.measure == name) for name in ("warm", "hostile, 1,000,000")
    )
    chinese, russian = judge(record, warm, ENCODING)
    assert (chinese.value, russian.value) == pytest.approx((1.4, 1.4))
    assert not chinese.met, "zh has a higher bar"
    assert russian.met
    (character,) = judge(record, hostile, ENCODING)
    assert character.value == pytest.approx(100.0)
    assert character.met
    assert judge(record, next(bar for bar in BARS if bar.measure == "cold"), ENCODING) == []
    table = bars_table(record)
    assert "MISSED on 1 of 2: zh 1.40" in table
    assert "worst 100" in table or "worst    100" in table


def test_bars_of_memory_are_in_megabytes_of_the_median() -> None:
    memory = Sample("m", ENCODING, "one process", "bpecore", [1e6, 9e6, 3e6], unit="B")
    bar = Bar("memory", "m", "MB", 3.0)
    (judgement,) = judge(record_of(memory), bar, ENCODING)
    assert judgement.value == 3.0
    assert judgement.met


def test_every_bar_is_about_something_that_is_measured() -> None:
    source = "".join(
        path.read_text(encoding="utf-8") for path in (Path(measures.__file__).parent).glob("*.py")
    )
    ways = [f"one pass, {way.what}{cores}" for way in WAYS for cores in ("", ", all cores")]
    one_pass = {"one pass", "one pass, with dashes", *ways}
    for bar in BARS:
        for measure in (bar.measure, *(bar.over[:1] if bar.over else ())):
            assert f'"{measure}"' in source or measure in one_pass, measure
        assert bar.engine in ENGINES
        assert bar.over is None or bar.over[1] in ENGINES
    assert all(group.what for group in GROUPS.values())


def test_records_are_read_as_they_were_written(tmp_path: Path) -> None:
    left_out = LeftOut("warm", ENCODING, "中.txt", "quicktok", "no r50k")
    record = record_of(sample("warm", "bpecore", [0.5, 0.25]), left_out)
    path = tmp_path / "results" / "2026-01-01T000000Z.json"
    record.write(path)
    again = Record.read(path)
    assert vars(again) == vars(record)
    assert any("quicktok: no r50k" in line for line in all_values(again))
    (tmp_path / "results" / "2025-01-01T000000Z.json").write_text("{}")
    assert newest_record(tmp_path / "results") == path
    with pytest.raises(FileNotFoundError, match="no record"):
        newest_record(tmp_path)


def test_the_ratios_of_two_builds_are_before_over_after() -> None:
    record = record_of(sample("warm", "before", [0.3]), sample("warm", "bpecore", [0.2]))
    assert f"1.500  {ENCODING} warm" in ratios_table(record)
    assert ratios_table(record_of(sample("warm", "bpecore", [0.2]))) == ""


def test_the_page_shows_the_record_between_its_marks(tmp_path: Path) -> None:
    record = record_of(
        sample("warm", "bpecore", [0.002]),
        sample("warm", "tiktoken", [0.05]),
        sample("short", "bpecore", [2e-7], "11 characters"),
        sample("hostile, 1,000,000", "bpecore", [0.05], "a"),
        sample("one pass", "bpecore", [0.004]),
        sample("one pass, arrays", "bpecore", [0.004]),
        sample("one pass, arrays, all cores", "bpecore", [0.002]),
    )
    section = figures(record, "record.json", ["pictures/speed-warm.svg"])
    assert "| Chinese | 500 |" in section
    assert "| Chinese | arrays | 1 | 250 |" in section
    assert "| `encode`, 11 characters | 0.20 µs |" in section
    assert "100 ns per character in `r50k_base` (`a`)" in section
    pytest.importorskip("matplotlib")
    (tmp_path / "docs" / "pictures").mkdir(parents=True)
    readme = tmp_path / "README.md"
    readme.write_text("start\n\n![MB/s, x](docs/pictures/x.svg)\n\nend\n", encoding="utf-8")
    page = tmp_path / "docs" / "speed.md"
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n", encoding="utf-8")
    path = tmp_path / "2026-01-01T000000Z.json"
    record.write(path)
    update(tmp_path, path)
    text = page.read_text(encoding="utf-8")
    assert text.startswith(f"before\n{BEGIN}\n")
    assert text.endswith(f"{END}\nafter\n")
    assert "old" not in text
    plot = (tmp_path / "docs" / "pictures" / "speed-warm.svg").read_text(encoding="utf-8")
    assert all(word in plot for word in ("bpecore", "tiktoken", "Chinese", ENCODING))
    plots = [line for line in readme.read_text(encoding="utf-8").split("\n") if "![" in line]
    assert [line.partition("](")[2] for line in plots] == [
        "docs/pictures/speed-one-pass.svg)",
        "docs/pictures/speed-warm.svg)",
    ]
    update(tmp_path, path)
    assert page.read_text(encoding="utf-8") == text, "not the same a second time"
    page.write_text("no marks", encoding="utf-8")
    with pytest.raises(ValueError, match="lacks"):
        update(tmp_path, path)


def test_this_page_has_the_marks() -> None:
    text = (Path(__file__).parents[2] / "docs" / "speed.md").read_text(encoding="utf-8")
    assert text.count(BEGIN) == text.count(END) == 1


@pytest.mark.parametrize("mode", ["start", "memory", "repeated"])
def test_probe_tells_each_phase(mode: str, texts: Path, tmp_path: Path) -> None:
    if mode != "start":
        pytest.importorskip("psutil")
    probe = Path(__file__).parents[2] / "benchmarks" / "probe.py"
    arguments = ["bpecore", ENCODING, str(tmp_path)]
    last = {"start": [], "memory": [str(texts / "zh.txt")], "repeated": ["20"]}[mode]
    told = "measure\nnext\n" * 3
    result = run_python("-I", probe, mode, *arguments, *last, folder=tmp_path, input=told)
    assert result.returncode == 0, result.stderr
    lines = result.stdout.split()
    if mode == "start":
        assert '"import"' in result.stdout
    else:
        assert lines[::2] == ["null"] * (3 if mode == "memory" else 2)
        assert all(int(line) > 1_000_000 for line in lines[1::2])
