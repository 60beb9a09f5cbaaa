"""The engines that are compared, each behind the same few methods.

To add one: a class with `name` and the methods of `Engine`, and its entry in `ENGINES`. Engines are
imported only in the process that runs them. All get the rank tables of the bpecore package, so that
nothing needs a network.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import Any, Protocol

from bpecore.encodings import ENCODING_CONSTRUCTORS


class Engine(Protocol):
    """What a benchmark asks of an engine; special tokens are ordinary text throughout."""

    name: str

    def __init__(self, encoding_name: str) -> None: ...

    def encode_to_numpy(self, text: str) -> Any:
        """Returns the ids of `text` as an array of uint32."""

    def encode_ordinary(self, text: str) -> list[int]:
        """Returns the ids of `text`."""

    def count(self, text: str) -> int:
        """Returns the number of ids of `text`, in the quickest way the engine has."""


class TiktokenEngine:
    """OpenAI's engine; it has no count, so the ids are made and counted."""

    name = "tiktoken"

    def __init__(self, encoding_name: str) -> None:
        import tiktoken

        self._encoding = tiktoken.Encoding(**ENCODING_CONSTRUCTORS[encoding_name]())

    def encode_to_numpy(self, text: str) -> Any:
        return self._encoding.encode_to_numpy(text, disallowed_special=())

    def encode_ordinary(self, text: str) -> list[int]:
        return self._encoding.encode_ordinary(text)

    def count(self, text: str) -> int:
        return len(self._encoding.encode_to_numpy(text, disallowed_special=()))


class BpecoreEngine:
    """This project's engine."""

    name = "bpecore"

    def __init__(self, encoding_name: str) -> None:
        import bpecore

        self._encoding = bpecore.get_encoding(encoding_name)

    def encode_to_numpy(self, text: str) -> Any:
        return self._encoding.encode_to_numpy(text, disallowed_special=())

    def encode_ordinary(self, text: str) -> list[int]:
        return self._encoding.encode_ordinary(text)

    def count(self, text: str) -> int:
        return self._encoding.count(text, disallowed_special=())


ENGINES: dict[str, type[Engine]] = {
    engine.name: engine for engine in (TiktokenEngine, BpecoreEngine)
}
"""Every engine by name, the one that the others are compared with first."""

METHODS = ("encode_to_numpy", "encode_ordinary", "count")


def engine_version(name: str) -> str:
    """Returns the version of the engine's installed distribution."""
    return version(name)
