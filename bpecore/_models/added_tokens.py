"""The added tokens of a tokenizer.json, and how `tokenizers` finds them in a text.

It searches twice: first those that are not `normalized`; then, in each stretch between them, which
is normalized now, the others. At each place the longest one counts, and a match that is then
refused (`single_word`, or a special token that a call does not allow) is skipped as a whole.

Reference: `tokenizer/added_vocabulary.rs` of tokenizers 0.23.
"""

from __future__ import annotations

import functools

from bpecore._models.errors import refusal
from bpecore._models.json_files import member
from bpecore._models.normalizers import white_space
from bpecore._models.parts import AddedToken

TYPE_CHECKING = False  # as in `typing`, whose import takes longer than all of this
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence
    from typing import Any


_LONGEST_COMPARED = 200
"""Characters of the longest token whose beginnings and ends are all compared."""


def read_added_tokens(entries: Any, vocab: dict[str, int], source: str) -> list[AddedToken]:
    """Returns the added tokens of a file.

    Args:
        entries: the member `added_tokens`.
        vocab: the id of each token of the model.
        source: the file, for errors.

    Raises:
        ValueError: an entry is invalid, or has another id than `tokenizers` gives it.
    """
    if entries is None:
        return []
    if not isinstance(entries, list):
        raise ValueError(f"{source}: added_tokens must be a JSON array, found {entries!r:.60}")
    found: dict[str, AddedToken] = {}
    following = len(vocab)
    beyond = {number: token for token, number in vocab.items() if number >= following}
    for number, entry in enumerate(entries):
        path = f"added_tokens[{number}]"
        if not isinstance(entry, dict):
            raise ValueError(f"{source}: {path} must be a JSON object, found {entry!r:.60}")
        token = _added_token(entry, path, source)
        if token.content in found:
            raise refusal(source, f"{path}.content is there before: {token.content!r:.60}")
        expected = vocab.get(token.content, following)
        if token.id != expected:
            raise refusal(
                source,
                f"{path}.id is {token.id}, and tokenizers gives {token.content!r:.60} the id "
                f"{expected}",
            )
        if beyond.get(token.id, token.content) != token.content:
            raise refusal(
                source, f"{path}.id is {token.id}, as that of the model's {beyond[token.id]!r:.60}"
            )
        following += token.content not in vocab
        found[token.content] = token
    return [*found.values()]


def _added_token(entry: dict[str, Any], path: str, source: str) -> AddedToken:
    content = member(entry, f"{path}.content", str, source)
    if not content:
        raise refusal(source, f"{path}.content is empty")
    return AddedToken(
        content,
        member(entry, f"{path}.id", int, source),
        *(
            member(entry, f"{path}.{name}", bool, source)
            for name in ("special", "normalized", "single_word", "lstrip", "rstrip")
        ),
    )


def require_distinct(
    tokens: Sequence[AddedToken], normalized: Callable[[str], str], source: str
) -> None:
    """Refuses tokens that cannot be told apart in normalized text.

    `tokenizers` finds one of them, another one each time that it loads the file.

    Args:
        tokens: the added tokens in the file's order.
        normalized: normalizes a text.
        source: the file, for errors.

    Raises:
        ValueError: two tokens are the same when they are normalized, or one is empty.
    """
    found: dict[str, AddedToken] = {}
    for number, token in enumerate(tokens):
        if not token.normalized:
            continue
        path = f"added_tokens[{number}].content"
        text = normalized(token.content)
        if not text:
            raise refusal(source, f"{path} is {token.content!r:.60}, and its normalizer removes it")
        other = found.setdefault(text, token)
        if other is not token:
            raise refusal(
                source,
                f"{path} is {token.content!r:.60}, and its normalizer makes the same of that and "
                f"of {other.content!r:.60}",
            )


def are_found_at_once(tokens: Sequence[AddedToken]) -> bool:
    """Returns whether one search for all tokens finds what `tokenizers` finds in plain text.

    It does not if a token of the second search can overlap one of the first, or has options. Nor
    if a special token can overlap another: where it is not allowed, all of it is skipped.
    """
    if any(token.single_word or token.lstrip or token.rstrip for token in tokens):
        return False
    if any(len(token.content) > _LONGEST_COMPARED for token in tokens):
        return False
    first = [token.content for token in tokens if not token.normalized]
    second = [token.content for token in tokens if token.normalized]
    special = [token.content for token in tokens if token.special]
    others = [token.content for token in tokens if not token.special]
    return not _can_overlap(second, first) and not _can_overlap(special, others)


def _can_overlap(contents: Sequence[str], others: Sequence[str]) -> bool:
    """Returns whether one of the others can begin where one of the contents is."""
    beginnings = {content[:end] for content in others for end in range(1, len(content) + 1)}
    whole = {*others}
    for content in contents:
        for start, character in enumerate(content):
            if character not in beginnings:
                continue
            rest = content[start:]
            if rest in beginnings or any(rest[:end] in whole for end in range(1, len(rest))):
                return True
    return False


class Search:
    """Finds some added tokens in a text.

    Args:
        contents: how each token is spelled in the texts to search.
    """

    def __init__(self, contents: dict[str, AddedToken]) -> None:
        self.contents = contents

    @functools.cached_property
    def _pattern(self) -> Any:
        import re

        longest_first = sorted(self.contents, key=len, reverse=True)
        return re.compile("|".join(map(re.escape, longest_first)) or "(?!)")

    def matches(
        self, text: str, skipped: Collection[str]
    ) -> Iterator[tuple[int, int, AddedToken | None]]:
        """Yields where tokens without options are in a text; None for one that is skipped."""
        for found in self._pattern.finditer(text):
            token = self.contents[found.group()]
            is_skipped = token.special and token.content in skipped
            yield (*found.span(), None if is_skipped else token)

    def split(self, text: str, skipped: Collection[str]) -> Iterator[AddedToken | str]:
        """Yields the tokens in a text, and the stretches between them, which are not empty.

        Args:
            text: the text.
            skipped: special tokens that do not count.
        """
        for start, stop, token in self.spans(text, skipped):
            yield text[start:stop] if token is None else token

    def spans(
        self, text: str, skipped: Collection[str]
    ) -> Iterator[tuple[int, int, AddedToken | None]]:
        """Yields where the tokens in a text are, and the stretches between them.

        Args:
            text: the text.
            skipped: special tokens that do not count.
        """
        reached = blank_end = 0
        spaces = white_space()
        for found in self._pattern.finditer(text):
            start, stop = found.span()
            token = self.contents[found.group()]
            if token.special and token.content in skipped:
                continue
            if token.single_word and (
                _is_word(text[start - 1 : start]) or _is_word(text[stop : stop + 1])
            ):
                continue
            if token.lstrip:
                while start > reached and text[start - 1] in spaces:
                    start -= 1
                start = max(start, reached)
            if token.rstrip:
                # What was found to be blank is not looked at again, so that this is linear.
                if stop < blank_end and text[stop] in spaces:
                    stop = blank_end
                while stop < len(text) and text[stop] in spaces:
                    stop += 1
                blank_end = stop
            if reached < start:
                yield reached, start, None
            # An earlier token may have taken all of it; and what a later one took, tokenizers
            # encodes again if another token is found in it.
            if start < stop:
                yield start, stop, token
            reached = stop
        if reached < len(text):
            yield reached, len(text), None


def _is_word(character: str) -> bool:
    from bpecore._pattern.properties import word_characters

    return character != "" and ord(character) in word_characters()
