"""Keeps texts within a number of tokens: `Encoding.truncate` and `count_up_to`."""

from __future__ import annotations

from bpecore._build.checks import check_number
from bpecore._core import count_up_to, without_surrogates
from bpecore._limits.clean import Clean, exact_str
from bpecore._limits.counting import Counting, has_automaton, refuse
from bpecore._limits.tight_cuts import tight_end, tight_ends, tight_start
from bpecore._tiktoken import CoreBPE

__all__ = ["Counting", "count_text_up_to", "truncate"]

SIDES = ("end", "start", "middle")


def count_text_up_to(
    counting: Counting,
    text: str,
    limit: int,
    disallowed_special: frozenset[str],
) -> int | None:
    """Counts the tokens of a text up to a limit; see `Encoding.count_up_to`."""
    limit = check_number("limit", limit, 0)
    text = exact_str(text)
    core = counting.core
    encoding = counting.encoding
    if type(core) is not CoreBPE or not has_automaton(core):
        found = encoding.count(
            text,
            allowed_special=counting.allowed_special,
            disallowed_special=disallowed_special,
        )
        return found if found <= limit else None

    def count(part: str) -> int | None:
        return count_up_to(
            core,
            part,
            limit,
            counting.allowed_special,
            disallowed_special,
            encoding.special_tokens_set,
        )

    try:
        return count(text)
    except UnicodeEncodeError:
        # `enough` characters exceed the limit whatever comes next; a surrogate pair counts once.
        longest = core.longest_token
        enough = 2 * (limit + 2) * longest if longest else len(text)
        return count(without_surrogates(text[:enough]))


def truncate(
    counting: Counting,
    text: str,
    max_tokens: int,
    side: str,
    disallowed_special: frozenset[str],
) -> str:
    """Cuts a text to a number of tokens; see `Encoding.truncate`."""
    max_tokens = check_number("max_tokens", max_tokens, 0)
    text = exact_str(text)
    if side not in SIDES:
        raise ValueError(f"side must be one of {SIDES}, not {side!r}")
    if side == "end":
        # What is kept is part of what this reads: the tokens of that alone exceed the limit.
        if counting.up_to(text, max_tokens, disallowed_special) is not None:
            return text
    elif counting.up_to(text, max_tokens) is not None:
        refuse(counting, text, disallowed_special)
        return text
    longest = counting.core.longest_token
    # At most this many characters can be left; a surrogate pair counts twice.
    most = 2 * (max_tokens + 2) * longest + 2 if longest else len(text)
    if side == "end":
        clean = Clean(text[:most])
        return text[: clean.original(tight_end(counting, clean.text, 0, max_tokens))]
    if side == "start":
        part = text[max(0, len(text) - most) :]
        clean = Clean(part)
        kept = part[clean.original(tight_start(counting, clean.text, max_tokens)) :]
        refuse(counting, kept, disallowed_special)
        return kept
    return truncate_middle(counting, text, max_tokens, disallowed_special)


def truncate_middle(
    counting: Counting,
    text: str,
    max_tokens: int,
    disallowed_special: frozenset[str],
) -> str:
    def is_refused(part: str) -> bool:
        try:
            refuse(counting, part, disallowed_special)
        except ValueError:
            return True
        return False

    clean = Clean(text)
    kept = tight_ends(counting, clean.text, max_tokens, is_refused)
    head = text[: clean.original(kept.end)]
    start = clean.original(kept.start)
    while not counting.fits(head + text[start:], max_tokens):
        start += 1  # two halves now form a surrogate pair
    refuse(counting, head + text[start:], disallowed_special)
    return head + text[start:]
