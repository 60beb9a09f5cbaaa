"""The fuzzer finds faults, makes them small, can be repeated, and is otherwise quiet."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from own import BYTES

from bpecore import _core
from bpecore._pattern import compile_pattern, member_of
from bpecore.fuzzing.case_patterns import case_definition
from bpecore.fuzzing.checks import CHECKS
from bpecore.fuzzing.chunks import fault_of, is_end
from bpecore.fuzzing.command import NAMES, fuzz
from bpecore.fuzzing.finding import Framed, read_case, replay
from bpecore.fuzzing.limits import Limited, is_best, is_split, is_truncated
from bpecore.fuzzing.minimise import minimise, smallest_frame
from bpecore.fuzzing.outcomes import Difference, Raised, Tally, compare
from bpecore.fuzzing.rounds import openai_cases, run_round
from bpecore.fuzzing.run import Plan, Progress, run
from bpecore.fuzzing.shrink import shrink, simplify
from bpecore.fuzzing.special_choices import choices_for, choices_of
from bpecore.fuzzing.split_family import MEMBERS, family_definition, text_of_family
from bpecore.fuzzing.subject import Subject, available_instructions, openai_subject
from bpecore.fuzzing.texts import (
    BAD_GENERATORS,
    LONG_GENERATORS,
    SHORT_GENERATORS,
    Material,
    mutated_page,
    real_texts,
)
from bpecore.fuzzing.thread_cuts import SHORT_SIZES, as_counts, as_lists, as_row, in_threads
from bpecore.fuzzing.vocabularies import (
    GENERATED,
    random_definition,
    random_pattern,
    text_over,
    with_special_tokens,
)

MATERIAL = Material(["Some real text, isn't it? " * 50, "ещё один текст " * 50], ["<|endoftext|>"])


class Wrong:
    """An encoding that is wrong wherever a certain string occurs."""

    def __init__(self, encoding: Any, trigger: str) -> None:
        self._encoding = encoding
        self._trigger = trigger

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._encoding, name)

        def call(text: Any, **arguments: Any) -> Any:
            result = method(text, **arguments)
            if isinstance(text, str) and self._trigger in text:
                return result[:-1] if isinstance(result, list) else result
            return result

        return call


def wrong_subject(monkeypatch: pytest.MonkeyPatch, trigger: str) -> Subject:
    """Returns a subject whose `ours` is wrong, and stays so with new caches."""
    subject = Subject(openai_subject("gpt2").definition)
    subject.ours = Wrong(subject.ours, trigger)  # type: ignore[assignment]
    monkeypatch.setattr(Subject, "forget", lambda self: None)
    return subject


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_some_rounds_of_each_encoding(name: str) -> None:
    tally = Tally()
    for number in range(3):
        finding = run_round(name, 7, number, list(MATERIAL.texts), tally)
        assert finding is None, finding and finding.describe(None)
    assert tally.strings > 100
    assert tally.tokens > 1_000
    assert tally.bytes > 1_000


def test_a_round_can_be_run_again() -> None:
    def texts() -> list[str]:
        source = random.Random("7 1 gpt2")
        return [case.text for case in openai_cases(source, MATERIAL)]

    assert texts() == texts()


def test_every_check_is_used_somewhere() -> None:
    used = {
        check
        for seed in range(40)
        for case in openai_cases(random.Random(seed), MATERIAL)
        for check in case.checks
    }
    assert used == set(CHECKS)


@pytest.mark.parametrize(
    "make",
    [*SHORT_GENERATORS.values(), *LONG_GENERATORS.values(), *BAD_GENERATORS.values(), mutated_page],
    ids=lambda make: make.__name__,
)
def test_generators_give_texts_of_many_kinds(make: Any) -> None:
    source = random.Random(1)
    made = [make(source, MATERIAL) for _ in range(20)]
    assert len(set(made)) > 15
    assert all(isinstance(text, str) for text in made)
    if make.__name__ not in BAD_GENERATORS:
        assert all(text.encode() is not None for text in made), "no surrogates"


def test_real_texts_are_of_several_scripts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BPECORE_CORPORA", raising=False)
    shipped = "".join(real_texts())
    assert "import" in shipped
    assert "中" in shipped
    assert "ж" in shipped
    (tmp_path / "one.txt").write_text("mine", encoding="utf-8")
    assert real_texts(tmp_path) == ["mine"]


def test_generated_definitions_are_of_many_kinds() -> None:
    source = random.Random(2)
    definitions = [random_definition(source) for _ in range(150)]
    ranks = [definition["mergeable_ranks"] for definition in definitions]
    assert any(b"" in table for table in ranks)
    assert any(max(map(len, table)) > 255 for table in ranks)
    assert any(max(table.values()) > 2**30 for table in ranks)
    assert any(sorted(table.values()) != list(range(len(table))) for table in ranks)
    assert len({random_pattern(source) for _ in range(50)}) > 20
    assert all(text_over(source, definition) for definition in definitions[:20])


@pytest.mark.parametrize("check", CHECKS)
def test_each_check_is_silent_on_equal_engines_and_sees_a_wrong_one(
    check: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "don't stop<|endoftext|> 123 中"
    subject = openai_subject("gpt2")
    assert CHECKS[check](subject, text) is None
    other = openai_subject("cl100k_base")
    mixed = Subject.__new__(Subject)
    mixed.__dict__.update(subject.__dict__, ours=other.ours)
    difference = CHECKS[check](mixed, text)
    assert isinstance(difference, Difference)
    assert "bpecore" in str(difference)


def test_special_tokens_are_allowed_refused_and_text() -> None:
    subject = openai_subject("cl100k_base")
    names = subject.theirs.special_tokens_set
    choices = choices_of(subject)
    allowed = [choice.get("allowed_special", set()) for choice in choices]
    assert set() in allowed
    assert "all" in allowed
    some = [chosen for chosen in allowed if isinstance(chosen, set) and chosen]
    assert set().union(*some) == names
    assert all(chosen < names for chosen in some)
    assert choices_for(subject, "<|endoftext|>") == choices
    assert len(choices_for(subject, "<|endoftext|>" * 9)) == 2


def test_generated_special_tokens_are_no_prefixes_of_others() -> None:
    source = random.Random(3)
    for _ in range(50):
        names = [*with_special_tokens(source, random_definition(source))["special_tokens"]]
        assert names
        assert all(a is b or not a.startswith(b) for a in names for b in names)


class TestCutsBetweenThreads:
    TEXT = "one two <|endoftext|> three four's 123"

    @pytest.mark.parametrize("sizes", SHORT_SIZES)
    def test_short_texts_are_divided_without_a_change(self, sizes: Any) -> None:
        subject = openai_subject("o200k_base")
        choice = {"allowed_special": "all"}
        expected = subject.theirs.encode(self.TEXT, allowed_special="all")
        texts = [self.TEXT, "", self.TEXT]
        lists = [expected, [], expected]
        assert in_threads(subject, texts, as_lists, choice, sizes) == lists
        assert in_threads(subject, texts, as_row, choice, sizes) == lists
        counts = in_threads(subject, texts, as_counts, choice, sizes)
        assert counts == [len(expected), 0, len(expected)]

    def test_a_refused_token_is_left_to_a_call_of_its_own(self) -> None:
        subject = openai_subject("o200k_base")
        found = in_threads(subject, ["a", self.TEXT], as_lists, {}, (2, 1, 1))
        assert found == [subject.theirs.encode("a"), None]

    @pytest.mark.parametrize("name", ["section", "share", "thread"])
    def test_sizes_of_nothing_are_refused(self, name: str) -> None:
        with pytest.raises(ValueError, match="sizes of no characters"):
            _core.set_thread_sizes(**{name: 0})


class TestLimits:
    def test_a_part_is_as_long_as_fits(self) -> None:
        assert is_best([0, 1, 2, 3, 4], 3, 3)
        assert is_best([0, 1, 2, 3, 4], 2, 3)
        assert not is_best([0, 1, 2, 3, 4], 1, 3)
        assert is_best([0, 1, 5, 9], 1, 4), "nothing fits better"
        assert not is_best([0, 1, 3, 2, 9], 1, 4)
        assert is_best([*range(40), 90], 10, 80), "a step of 50 tokens in a long text"
        assert not is_best([*range(90)], 70, 80)

    def limited(self, text: str) -> Limited:
        return Limited(openai_subject("gpt2"), text, {}, len, False)

    def test_truncated_texts(self) -> None:
        limited = self.limited("abcdef")
        for side, found in (("end", "abc"), ("start", "def"), ("middle", "aef")):
            assert is_truncated(limited, found, 3, side)
            assert is_truncated(limited, found[:-1] if side == "end" else found[1:], 3, side)
            assert not is_truncated(limited, found, 2, side)
            assert not is_truncated(limited, "bcd", 3, side)
        assert not is_truncated(limited, "a", 3, "end")
        assert not is_truncated(limited, "abcde", 6, "end")

    def test_split_texts(self) -> None:
        limited = self.limited("abcdef")
        assert is_split(limited, ["abc", "def"], 3, 0)
        assert is_split(limited, ["ab", "cde", "f"], 3, 0)
        assert not is_split(limited, ["abc", "ef"], 3, 0)
        assert not is_split(limited, ["abcd", "ef"], 3, 0)
        assert not is_split(limited, ["a", "bcd", "ef"], 3, 0), "one could be longer"
        assert is_split(limited, ["abc", "cde", "ef"], 3, 1)
        assert not is_split(limited, ["abc", "bcd", "def"], 3, 1), "two tokens overlap"
        assert not is_split(limited, ["abc", "def"], 2, 1)
        assert not is_split(limited, ["abc", "ef"], 3, 1)


class TestChunks:
    @pytest.mark.parametrize(
        ("text", "kind", "places"),
        [
            ("a b\nc", "word", [1, 3, 4]),
            ("a b\nc", "line", [4]),
            ("a\r\nb", "line", [3]),
            ('a.") b', "sentence", [4]),
            ("3.1 a", "sentence", []),
            ("a。」b", "sentence", [3]),
            ("a." + ")" * 9 + " b", "sentence", []),
        ],
    )
    def test_where_words_sentences_and_lines_end(
        self, text: str, kind: str, places: list[int]
    ) -> None:
        assert [place for place in range(1, len(text)) if is_end(text, place, kind)] == places

    @pytest.mark.parametrize(
        ("ends", "fault"),
        [
            ([4, 6], None),
            ([3, 6], "worse"),
            ([4], "missing"),
            ([6], "too long"),
        ],
    )
    def test_chunks_that_end_at_a_worse_place(self, ends: list[int], fault: str | None) -> None:
        text = 'a.") b'
        limited = Limited(openai_subject("gpt2"), text, {}, len, False)
        places = [[start, end] for start, end in zip([0, *ends], ends)]
        arguments = {"boundary": "sentence", "whole_graphemes": False, "overlap": 0}
        found = fault_of(limited, places, 5, arguments)
        assert found is None if fault is None else fault in (found or "")


def test_patterns_for_case_show_their_splits() -> None:
    source = random.Random(4)
    patterns = set()
    for _ in range(30):
        definition = case_definition(source)
        patterns.add(definition["pat_str"])
        Subject(definition)
        letters = eval(definition["name"].rpartition("over ")[2])
        pairs = {(a + b).encode() for a in letters for b in letters}
        assert pairs <= definition["mergeable_ranks"].keys()
    assert len(patterns) > 15


def test_running_out_of_memory_is_a_mismatch() -> None:
    def fail() -> object:
        raise MemoryError("no memory to encode the text")

    found = compare("encode", fail, lambda: [1])
    assert found is not None
    assert found.found == Raised("MemoryError")


def test_a_panic_of_tiktoken_is_no_mismatch() -> None:
    class PanicException(BaseException):
        pass

    def panic() -> object:
        raise PanicException

    assert compare("call", lambda: [1], panic) is None
    assert compare("call", lambda: 1 / 0, lambda: 1) is not None
    assert compare("call", lambda: 1 / 0, lambda: 2 / 0) is None


class TestMakingSmall:
    def test_what_does_not_matter_is_left_out(self) -> None:
        assert shrink("some text with an X and a Y in it", lambda part: "X" in part) == "X"
        assert shrink("aXbYc", lambda part: "X" in part and "Y" in part) == "XY"
        items = [(b"a", 1), (b"b", 2), (b"c", 3)]
        assert shrink(items, lambda part: (b"b", 2) in part) == [(b"b", 2)]

    def test_characters_become_plain(self) -> None:
        assert simplify("éXé", lambda text: len(text) == 3 and text[1] == "X") == "aXa"

    @pytest.mark.parametrize(
        ("text", "fails", "expected"),
        [
            ("a" * 63 + "X" + "a" * 5, lambda text: text.find("X") == 63, "X"),
            ("ab" * 40, lambda text: text.count("ab") >= 33, "ab"),
            ("q" * 70, lambda text: len(text) > 64 and len(set(text)) == 1, "q"),
        ],
    )
    def test_a_long_text_is_a_string_within_a_frame(
        self, text: str, fails: Any, expected: str
    ) -> None:
        framed = smallest_frame(text, fails)
        assert framed.string == expected
        assert fails(framed.text)
        assert eval(str(framed)) == framed.text

    def test_a_mismatch_is_small_stored_and_described(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        subject = wrong_subject(monkeypatch, "zq")
        text = "the quick brown fox " * 30 + "jazzqz" + " and so on" * 20
        finding = minimise(subject, "encode_ordinary", text, "python -m fuzz --round 1")
        assert finding.framed.text == "zq"
        assert finding.alone
        path = finding.save(tmp_path)
        described = finding.describe(path)
        assert "'zq', 2 characters" in described
        assert f"python -m fuzz --replay {path}" in described
        assert read_case(path)[1:] == ("encode_ordinary", "zq")
        monkeypatch.undo()
        assert replay(path) is None

    def test_a_generated_vocabulary_loses_tokens_that_do_not_matter(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        def ab_is_bad(subject: Subject, text: str) -> Difference | None:
            if b"ab" in subject.definition["mergeable_ranks"] and "a" in text:
                return Difference("call", [1], [2])
            return None

        monkeypatch.setitem(CHECKS, "bad", ab_is_bad)
        ranks = dict(BYTES)
        ranks.update({b"ab": 256, b"bc": 257, b"abc": 258, b"": 259})
        definition = {"name": "generated", "pat_str": "[^x]+", "mergeable_ranks": ranks}
        subject = Subject({**definition, "special_tokens": {}})
        finding = minimise(subject, "bad", "xxabc", "origin")
        assert isinstance(finding.definition, dict)
        assert len(finding.definition["mergeable_ranks"]) == 257
        assert finding.framed.text == "a"
        loaded, check, text = read_case(finding.save(tmp_path))
        assert (check, text) == ("bad", "a")
        assert loaded.definition == finding.definition

    def test_what_fails_only_after_other_texts_says_so(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        subject = wrong_subject(monkeypatch, "zq")
        monkeypatch.setattr(Subject, "forget", lambda self: setattr(self, "ours", self.theirs))
        finding = minimise(subject, "encode_ordinary", "a zq", "python -m fuzz --round 1")
        assert not finding.alone
        assert "only after other texts" in finding.describe(None)
        assert "--replay" not in finding.describe(Path("x"))


def test_frames_are_written_as_expressions() -> None:
    framed = Framed("b\n", ("a", 63), (" a", 2), times=3)
    assert str(framed) == "'a' * 63 + 'b\\n' * 3 + ' a' * 2"
    assert eval(str(framed)) == framed.text


class TestCommand:
    def test_a_clean_run_says_how_much_was_compared(self) -> None:
        arguments = ["--seconds", "0", "--encoding", "gpt2", "--quiet"]
        result = CliRunner().invoke(fuzz, arguments)
        assert result.exit_code == 0, result.output
        assert "tokens" in result.output
        assert "equal" in result.output
        row = result.output.splitlines()[-1]
        assert "`--seed 0 --seconds 0 --jobs 1 --encoding gpt2`" in row
        assert row.endswith("| equal, 0 mismatches |")
        assert row.count("|") == 8

    def test_a_mismatch_ends_it_with_1(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        def bad(subject: Subject, text: str) -> Difference | None:
            return Difference("encode_ordinary", [1], [2]) if "a" in text else None

        monkeypatch.setitem(CHECKS, "encode_ordinary", bad)
        arguments = ["--seconds", "0", "--encoding", "gpt2", "--quiet", "--save", str(tmp_path)]
        result = CliRunner().invoke(fuzz, arguments)
        assert result.exit_code == 1
        assert "'a', 1 character" in result.output
        (path,) = tmp_path.glob("*.json")
        assert f"--replay {path}" in result.output
        replayed = CliRunner().invoke(fuzz, ["--replay", str(path)])
        assert replayed.exit_code == 1
        assert "mismatch" in replayed.output
        monkeypatch.undo()
        replayed = CliRunner().invoke(fuzz, ["--replay", str(path)])
        assert (replayed.exit_code, "equal" in replayed.output) == (0, True)

    @pytest.mark.parametrize(
        "content",
        [
            *("", "{}", "[]", "3", "é", "hello", "[" * 100_000, '{"check": [], "text": ""}'),
            '{"check": "encode", "text": "", "encoding": "no"}',
            '{"check": "encode", "text": "", "encoding": []}',
            '{"check": "encode", "text": 3, "encoding": "gpt2"}',
            '{"check": "encode", "text": "", "definition": {"mergeable_ranks": [["61", 0]]}}',
            '{"check": "encode", "text": "", "definition": {"mergeable_ranks": 3}}',
        ],
    )
    def test_a_file_that_is_no_case(self, content: str, tmp_path: Path) -> None:
        (tmp_path / "case").write_text(content, encoding="utf-8")
        replayed = CliRunner().invoke(fuzz, ["--replay", str(tmp_path / "case")])
        assert (replayed.exit_code, replayed.stdout) == (1, "")
        assert replayed.stderr.startswith(f"Error: {tmp_path / 'case'}: not a stored mismatch: ")
        assert replayed.stderr.count("\n") == 1

    def test_one_round_can_be_chosen(self) -> None:
        arguments = ["--seed", "7", "--round", "1", "--encoding", GENERATED]
        result = CliRunner().invoke(fuzz, arguments)
        assert result.exit_code == 0, result.output
        assert "round 1 of seed 7: equal" in result.output

    def test_a_folder_without_texts_is_refused(self, tmp_path: Path) -> None:
        result = CliRunner().invoke(fuzz, ["--seconds", "0", "--texts", str(tmp_path)])
        assert result.exit_code == 2
        assert "no .txt file" in result.output

    def test_several_processes_add_up(self) -> None:
        progress = Progress(shown=False)
        assert run(Plan(["gpt2"], 3, 0.0, 2, None), progress) is None
        assert progress.rounds == 2
        assert progress.tokens > 1_000
        assert "2 rounds" in str(progress)

    def test_one_round_is_singular(self) -> None:
        progress = Progress(shown=False)
        assert " 0 rounds, " in str(progress)
        progress.add(1, 1, 1, 1)
        assert " 1 round, " in str(progress)


def test_a_process_that_dies_is_an_error_that_names_its_round(tmp_path: Path) -> None:
    """A missing folder of texts ends the processes at once."""
    with pytest.raises(RuntimeError, match="a process ended with 1 in: its start"):
        run(Plan(["gpt2"], 3, 0.0, 2, tmp_path / "gone"), Progress(shown=False))


def test_all_instruction_sets_are_there_once() -> None:
    found = available_instructions()
    assert found[-2:] == ["off", "automaton"]
    assert len(set(found)) == len(found)


def test_patterns_like_those_of_models_are_split_by_blocks() -> None:
    source = random.Random(4)
    patterns = [family_definition(source)["pat_str"] for _ in range(60)]
    members = [pattern for pattern in patterns if member_of(compile_pattern(pattern))]
    assert set(MEMBERS.values()) <= set(members)
    assert len(members) > 45
    assert len({member_of(compile_pattern(pattern)) for pattern in members}) > 20


def test_texts_for_them_are_long_enough_for_blocks() -> None:
    source = random.Random(5)
    definition = family_definition(source)
    texts = [text_of_family(source, definition) for _ in range(20)]
    assert min(map(len, texts)) == 48
    assert all(set(text.encode()) <= set(b"".join(definition["mergeable_ranks"])) for text in texts)
