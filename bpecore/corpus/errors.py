"""What can go wrong with a corpus, in one line each."""

from __future__ import annotations


class CorpusError(ValueError):
    """The work cannot be done, or goes on only after something has been put right.

    The message is one line, and names the file or the option.
    """


class InputError(CorpusError):
    """An input cannot be read: it is missing, damaged, or has changed since the plan was made."""


class BrokenRecordError(ValueError):
    """A record has no text; the message says why."""
