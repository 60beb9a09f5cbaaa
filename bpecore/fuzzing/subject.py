"""One encoding in all engines: bpecore with each instruction set, tiktoken, and the reference."""

from __future__ import annotations

import functools
from typing import Any

import tiktoken

from bpecore import Encoding, _core
from bpecore._core import RankTable, Vocabulary
from bpecore._tiktoken import CoreBPE
from bpecore.fuzzing.reference import ReferenceEncoder
from bpecore.fuzzing.vocabularies import openai_definition

INSTRUCTION_SETS = ("avx512", "avx2", "sse2", "neon", "off", "automaton")


@functools.cache
def available_instructions() -> list[str]:
    """Returns the instruction sets of this machine, "automaton" last."""
    before = _core.simd
    found = []
    for choice in INSTRUCTION_SETS:
        try:
            _core.choose_simd(choice)
        except ValueError:
            continue
        found.append(choice)
    _core.choose_simd(before)
    return found


class Subject:
    """One encoding in all engines.

    Args:
        definition: arguments of `Encoding`.
        instructions: the instruction set of `ours`.
    """

    def __init__(self, definition: dict[str, Any], instructions: str = "off") -> None:
        self.definition = definition
        self.theirs = tiktoken.Encoding(**definition)
        self.reference = ReferenceEncoder(
            definition["pat_str"], definition["mergeable_ranks"], definition["special_tokens"]
        )
        self._encodings: dict[str, Encoding] = {}
        self.use(instructions)

    @property
    def name(self) -> str:
        """The encoding's name."""
        return str(self.definition["name"])

    def use(self, instructions: str) -> None:
        """Makes `ours` the encoding with an instruction set; they all share a vocabulary."""
        if instructions not in self._encodings:
            before = _core.simd
            _core.choose_simd(instructions)
            self._encodings[instructions] = Encoding(**self.definition)
            _core.choose_simd(before)
        self.instructions = instructions
        self.ours = self._encodings[instructions]

    def forget(self) -> None:
        """Gives `ours` its own vocabulary, and so empty caches."""
        before = _core.simd
        _core.choose_simd(self.instructions)
        vocabulary = Vocabulary(RankTable(self.definition["mergeable_ranks"]))
        encoding = Encoding(**self.definition)
        encoding._core_bpe = CoreBPE(
            vocabulary, self.definition["special_tokens"], self.definition["pat_str"]
        )
        _core.choose_simd(before)
        self._encodings = {self.instructions: encoding}
        self.ours = encoding


@functools.cache
def openai_subject(name: str) -> Subject:
    """Returns the subject for one of OpenAI's encodings, made once per process."""
    return Subject(openai_definition(name))
