"""Makes the parts of an engine from what a user gives."""

from __future__ import annotations

import functools

from bpecore._build.locks import pattern_lock
from bpecore._build.special_tokens import make_special_tokens
from bpecore._build.vocabularies import intern_vocabulary
from bpecore._core import SplitPattern, Vocabulary, holding

TYPE_CHECKING = False  # as in `typing`, whose import takes longer than all of this
if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from typing import Any

    import regex

    from bpecore._core import SpecialTokens

    Parts = tuple[Vocabulary, SpecialTokens, SplitPattern | regex.Pattern[str], str]


def make_parts(
    encoder: dict[bytes, int] | Vocabulary, special_tokens_encoder: dict[str, int], pattern: str
) -> Parts:
    """Makes what the engine of an encoding consists of.

    Args:
        encoder: the rank of each token's bytes, or a vocabulary.
        special_tokens_encoder: the id of each special token.
        pattern: the split pattern, a regular expression.

    Returns:
        The arguments of `bpecore._core.CoreBPE`.

    Raises:
        TypeError: a token is not bytes, a special token or the pattern not str, or an id not an
            int.
        ValueError: the ranks, the special tokens or the pattern are not acceptable.
        OverflowError: a rank or id is negative or above 2**32 - 1.
    """
    vocabulary = vocabulary_of(encoder)
    special_tokens = make_special_tokens(special_tokens_encoder)
    if not isinstance(pattern, str):
        raise TypeError(f"pat_str must be a str, not {type(pattern).__name__}: {pattern!r:.80}")
    pattern = str.__str__(pattern)  # the characters alone: a subclass may behave in any other way
    pattern.encode("utf-8")  # refuses surrogates
    return vocabulary, special_tokens, compile_split_pattern(pattern), pattern


def values_of(argument: str, table: Mapping[Any, int]) -> Collection[int]:
    """Returns the values of a dict; the error for anything else is of tiktoken's type."""
    try:
        return table.values()
    except AttributeError:
        raise AttributeError(f"{argument} must be a dict, not {type(table).__name__}") from None


def check_size(name: str, tokens: int, highest_id: int, explicit_n_vocab: int) -> None:
    """Raises AssertionError if an encoding does not have as many tokens and ids as it should."""
    assert tokens == explicit_n_vocab, (
        f"{name!r} has {tokens} tokens, not explicit_n_vocab={explicit_n_vocab}"
    )
    assert highest_id == explicit_n_vocab - 1, (
        f"the highest id of {name!r} is {highest_id}, "
        f"not explicit_n_vocab - 1 = {explicit_n_vocab - 1}"
    )


@functools.lru_cache(maxsize=32)
def compile_split_pattern(pat_str: str) -> SplitPattern | regex.Pattern[str]:
    """Compiles a split pattern, once for the encodings that share it.

    Args:
        pat_str: a regular expression; every match is a piece.

    Returns:
        An automaton if the pattern can be one, otherwise a pattern of the `regex` library.

    Raises:
        ValueError: the pattern is not a valid regular expression.

    Example:
        >>> compile_split_pattern("a+|[^a]+").__class__.__name__
        'SplitPattern'
    """
    return _compile(pat_str)


# Under a lock because of the imports: a fork in the middle of one would leave it half done in the
# child.
@holding(pattern_lock)
def _compile(pat_str: str) -> SplitPattern | regex.Pattern[str]:
    from bpecore._pattern.families import openai_name

    name = openai_name(pat_str)
    if name:
        return _compile_openai(pat_str, name)
    from bpecore._build.frozen_files import (
        keep_file,
        kept_automaton_path,
        pack_automaton,
        read_kept_automaton,
    )

    path = kept_automaton_path(pat_str)
    kept = read_kept_automaton(path, pat_str) if path else None
    if kept is not None:
        return SplitPattern(*kept)
    from bpecore._pattern import UnsupportedPattern, compile_fallback, compile_for_engine, member_of

    try:
        automaton, guided = compile_for_engine(pat_str)
    except UnsupportedPattern:
        return compile_fallback(pat_str)
    if guided is not None:
        return SplitPattern(automaton, guided=guided)
    rules, class_kinds = member_of(automaton) or (0, b"")
    if path:
        keep_file(path, pack_automaton(pat_str, automaton, rules, class_kinds))
    return SplitPattern(automaton, rules, class_kinds)


def _compile_openai(pat_str: str, name: str) -> SplitPattern:
    """Compiles one of OpenAI's patterns, or reads the result from the package."""
    from bpecore._build.frozen_files import read_automaton

    frozen = read_automaton(name, pat_str)
    if frozen is not None:
        return SplitPattern(*frozen)
    from bpecore._pattern import compile_pattern, member_of

    automaton = compile_pattern(pat_str)
    member = member_of(automaton)
    assert member is not None, name
    return SplitPattern(automaton, *member)


def vocabulary_of(encoder: dict[bytes, int] | Vocabulary) -> Vocabulary:
    """Returns the process's one vocabulary with these ranks.

    Args:
        encoder: the rank of each token's bytes, or the vocabulary itself.

    Returns:
        A vocabulary that is built if no equal one is in use.

    Raises:
        TypeError: `encoder` is neither, a token is not bytes, or a rank is not an int.
        ValueError: the ranks are not acceptable.
        OverflowError: a rank is negative or above 2**32 - 1.

    Example:
        >>> len(vocabulary_of({bytes([value]): value for value in range(256)}))
        256
    """
    if isinstance(encoder, Vocabulary):
        return encoder
    if not isinstance(encoder, dict):
        raise TypeError(f"the ranks must be a dict, not {type(encoder).__name__}")
    # The items themselves: a subclass may present others.
    return intern_vocabulary(encoder if type(encoder) is dict else dict(dict.items(encoder)))
