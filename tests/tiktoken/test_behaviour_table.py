"""Thousands of calls on tiktoken and bpecore: the same value, or the same type of error.

For KeyError and UnicodeError the text is compared too.
"""

from __future__ import annotations

import array
import collections
import contextlib
import copy
import decimal
import fractions
import functools
import hashlib
import importlib
import io
import pickle
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Callable

import behaviour_table
import numpy as np
import pytest
import tiktoken
from behaviour_table import GROUPS, INTENDED
from gpt2_files import make_gpt2_files
from own import BYTES
from pairs import load_pair

import bpecore
from bpecore.data import rank_tables as data

DOCUMENT = Path(__file__).parents[2] / "docs" / "exactness.md"
R50K_URL = "https://openaipublic.blob.core.windows.net/encodings/r50k_base.tiktoken"
GPT2_URL = "https://openaipublic.blob.core.windows.net/gpt-2/encodings/main/"
RANKS = {**BYTES, b"ab": 256, b"aba": 258}
SPECIALS = {"<end>": 257}
LIBRARIES = ("tiktoken", "bpecore")


class SubStr(str):
    pass


class SubBytes(bytes):
    pass


class SubInt(int):
    pass


class SubList(list):  # type: ignore[type-arg]
    pass


class SubSet(set):  # type: ignore[type-arg]
    pass


class Index:
    """An integer only by `__index__`."""

    def __init__(self, value: int) -> None:
        self.value = value

    def __index__(self) -> int:
        return self.value


class BadIndex:
    def __index__(self) -> int:
        raise ZeroDivisionError("of this test")


class Duck:
    """A sequence only by `__len__` and `__getitem__`."""

    def __init__(self, items: list[int]) -> None:
        self.items = items

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, position: int) -> int:
        return self.items[position]


class OnlyIterable:
    def __init__(self, items: list[int]) -> None:
        self.items = items

    def __iter__(self) -> Iterator[int]:
        return iter(self.items)


class Engine:
    """An object with which a user may replace an encoding's engine."""

    def encode(self, text: str, allowed_special: set[str]) -> list[object]:
        return [text.encode(), sorted(allowed_special)]

    def encode_ordinary(self, text: str) -> list[object]:
        return [text.encode()]

    def encode_to_tiktoken_buffer(self, text: str, allowed_special: set[str]) -> bytes:
        return bytes(8)

    def encode_with_unstable(self, text: str, allowed_special: set[str]) -> tuple[Any, Any]:
        return [1], [[2]]

    def encode_single_token(self, token: bytes) -> int:
        return 5

    def encode_single_piece(self, piece: bytes) -> list[int]:
        return [6]

    def _encode_bytes(self, text: bytes) -> list[int]:
        return [7]

    def decode_bytes(self, tokens: list[int]) -> bytes:
        return b"decoded"

    def decode_single_token_bytes(self, token: int) -> bytes:
        return b"single"

    def token_byte_values(self) -> list[bytes]:
        return [b"all"]


class Blobfile(types.ModuleType):
    """The package through which tiktoken writes files, for local ones."""

    BlobFile = staticmethod(open)


def set_attribute(target: Any, name: str, value: object) -> Any:
    setattr(target, name, value)
    return target


def exchange_special_token(encoding: Any, name: str) -> Any:
    """Replaces a string in a set that the encoding has seen."""
    encoding.encode("a")
    encoding.special_tokens_set.pop()
    encoding.special_tokens_set.add(name)
    return encoding


def del_attribute(target: Any, name: str) -> None:
    delattr(target, name)


def write_to(view: memoryview) -> None:
    view.cast("B")[0] = 1


def printed(function: Callable[..., Any], *arguments: Any) -> str:
    with contextlib.redirect_stdout(io.StringIO()) as output:
        function(*arguments)
    return output.getvalue()


def lines_of(ranks: dict[bytes, int]) -> bytes:
    import base64

    return b"".join(base64.b64encode(token) + b" %d\n" % rank for token, rank in ranks.items())


NAMES: dict[str, Any] = {
    "sha256": lambda contents: hashlib.sha256(contents).hexdigest(),
    "set_attribute": set_attribute,
    "exchange_special_token": exchange_special_token,
    "del_attribute": del_attribute,
    "write_to": write_to,
    "printed": printed,
    "CLOSED_URL": "http://127.0.0.1:9/x",
    "R50K_URL": R50K_URL,
    "R50K_SHA256": hashlib.sha256(data.tiktoken_file("r50k_base")).hexdigest(),
    "EMPTY_SHA256": hashlib.sha256(b"").hexdigest(),
    "LINES": lines_of(RANKS),
    "RANKS": RANKS,
    "SPECIALS": SPECIALS,
    "SubStr": SubStr,
    "SubBytes": SubBytes,
    "SubInt": SubInt,
    "SubList": SubList,
    "SubSet": SubSet,
    "Index": Index,
    "BadIndex": BadIndex,
    "Duck": Duck,
    "OnlyIterable": OnlyIterable,
    "Engine": Engine,
    "UserList": collections.UserList,
    "defaultdict": collections.defaultdict,
    "deque": collections.deque,
    "OrderedDict": collections.OrderedDict,
    "MappingProxyType": types.MappingProxyType,
    "array": array.array,
    "Decimal": decimal.Decimal,
    "Fraction": fractions.Fraction,
    "Path": Path,
    "np": np,
    "copy": copy,
    "pickle": pickle,
}
"""The names that are the same for both libraries."""


class Library:
    """The names that the table's expressions use, for one of the two libraries."""

    def __init__(self, name: str, folder: Path) -> None:
        self.folder = folder
        ours = name == "bpecore"
        names = ("core", "load", "model", "registry", "_tiktoken", "_educational")
        modules = {key: importlib.import_module(f"{name}.{key}") for key in names}
        self.registry = modules["registry"]
        self.load = modules["load"]
        encoding_class = modules["core"].Encoding
        pairs = {
            "cl100k": "cl100k_base",
            "o200k": "o200k_base",
            "gpt2": "gpt2",
            "harmony": "o200k_harmony",
        }
        encodings = {
            key: load_pair(encoding).ours if ours else load_pair(encoding).theirs
            for key, encoding in pairs.items()
        }
        self.make = functools.partial(self.make_encoding, encoding_class)
        self.engine = encodings["cl100k"]._core_bpe
        self.files = 0
        merges, vocabulary = make_gpt2_files()
        self.namespace: dict[str, Any] = {
            **NAMES,
            **modules,
            **encodings,
            "tiktoken": bpecore if ours else tiktoken,
            "educational": modules["_educational"],
            "public": importlib.import_module(
                "bpecore.encodings" if ours else "tiktoken_ext.openai_public"
            ),
            "CoreBPE": modules["_tiktoken"].CoreBPE,
            "Encoding": encoding_class,
            "Simple": modules["_educational"].SimpleBytePairEncoding,
            "tiny": self.make(),
            "fresh": self.make,
            "make": self.make,
            "subclass_with_doubled_ids": functools.partial(doubling, encoding_class),
            "buffer": lambda text: memoryview(self.token_buffer(text)),
            "token_buffer": self.token_buffer,
            "with_registered": self.with_registered,
            "dumped": self.dumped,
            "dumped_without_blobfile": self.dumped_without_blobfile,
            "file": self.file,
            "read_twice_and_edit": self.read_twice_and_edit,
            "GPT2_FILES": [self.file(merges), self.file(vocabulary)],
        }

    @staticmethod
    def make_encoding(encoding_class: type, **changes: Any) -> Any:
        definition = {
            "name": "tiny",
            "pat_str": r"[\s\S]+",
            "mergeable_ranks": RANKS,
            "special_tokens": SPECIALS,
            **changes,
        }
        if "explicit_n_vocab" in changes and len(changes) == 1:
            definition["mergeable_ranks"] = dict(BYTES)
            definition["special_tokens"] = {"<end>": 256}
        return encoding_class(**definition)

    def token_buffer(self, text: str) -> Any:
        return self.engine.encode_to_tiktoken_buffer(text, set())

    def file(self, contents: bytes) -> str:
        self.files += 1
        path = self.folder / str(self.files)
        path.write_bytes(contents)
        return str(path)

    def dumped(self, ranks: dict[bytes, int]) -> bytes:
        path = self.folder / "dumped"
        self.load.dump_tiktoken_bpe(ranks, str(path))
        return path.read_bytes()

    def dumped_without_blobfile(self, ranks: dict[bytes, int]) -> bytes:
        with pytest.MonkeyPatch.context() as monkeypatch:
            monkeypatch.setitem(sys.modules, "blobfile", None)
            return self.dumped(ranks)

    def read_twice_and_edit(self) -> bytes:
        path = self.file(b"before")
        self.load.read_file_cached(path)
        Path(path).write_bytes(b"after")
        contents: bytes = self.load.read_file_cached(path)
        return contents

    @contextlib.contextmanager
    def registered(self, name: str, encoding: object) -> Iterator[None]:
        self.registry.ENCODINGS[name] = encoding
        try:
            yield
        finally:
            del self.registry.ENCODINGS[name]

    def with_registered(self, name: str, encoding: object) -> Any:
        """A substitute for the registry in which a name is known for one call."""

        def get_encoding(wanted: str) -> object:
            with self.registered(name, encoding):
                return self.registry.get_encoding(wanted)

        return types.SimpleNamespace(get_encoding=get_encoding)

    def outcome(self, call: str) -> object:
        try:
            return describe(eval(call, dict(self.namespace)))
        except BaseException as error:
            return describe_error(error)


def doubling(encoding_class: Any) -> Any:
    class Doubling(encoding_class):  # type: ignore[misc]
        def encode(self, text: str, **options: Any) -> list[int]:
            return [2 * token for token in super().encode(text, **options)]

        def encode_ordinary(self, text: str) -> list[int]:
            return [3 * token for token in super().encode_ordinary(text)]

        def decode(self, tokens: list[int], errors: str = "replace") -> str:
            return 2 * super().decode(tokens, errors)

        def decode_single_token_bytes(self, token: int) -> bytes:
            return 2 * super().decode_single_token_bytes(token)

    return Library.make_encoding(Doubling)


def describe(value: object) -> object:
    """Returns a value in a form to compare, with its type."""
    if isinstance(value, np.ndarray):
        return "array", str(value.dtype), value.tolist(), value.flags.writeable
    if isinstance(value, (bpecore.Encoding, tiktoken.Encoding)):
        return "an encoding", value.name
    if type(value).__name__ == "CoreBPE":
        return "an engine"
    if isinstance(value, tuple) and len(value) == 2 and isinstance(value[1], list):
        # `encode_with_unstable` gives its completions in no fixed order.
        stable, completions = value
        if all(isinstance(completion, list) for completion in completions):
            return "unstable", stable, sorted(completions)
    return type(value).__name__, value


def describe_error(error: BaseException) -> object:
    if not isinstance(error, Exception):
        return "panic"
    if isinstance(error, (KeyError, UnicodeError)):
        return type(error), str(error).replace("bpecore", "tiktoken")
    return type(error)


@pytest.fixture(scope="session")
def libraries(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Library]]:
    """Both libraries; tiktoken finds in its cache the files that it would download."""
    cache = tmp_path_factory.mktemp("cache")
    merges, vocabulary = make_gpt2_files()
    for url, contents in {
        R50K_URL: data.tiktoken_file("r50k_base"),
        GPT2_URL + "vocab.bpe": merges,
        GPT2_URL + "encoder.json": vocabulary,
    }.items():
        (cache / hashlib.sha1(url.encode()).hexdigest()).write_bytes(contents)
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(cache))
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        monkeypatch.setitem(sys.modules, "blobfile", Blobfile("blobfile"))
        yield {name: Library(name, tmp_path_factory.mktemp(name)) for name in LIBRARIES}


def without_text(outcome: object) -> object:
    """Returns only the type of an error whose text would be compared."""
    if isinstance(outcome, tuple) and isinstance(outcome[0], type):
        return outcome[0]
    return outcome


INTENDED_CALLS = {row.call: row for row in INTENDED}


@pytest.mark.parametrize("group", [group for group in GROUPS if "wanted" not in group])
def test_calls_have_the_same_outcome(group: str, libraries: dict[str, Library]) -> None:
    different = []
    for call in GROUPS[group]:
        if call in INTENDED_CALLS:
            continue
        theirs, ours = (libraries[name].outcome(call) for name in LIBRARIES)
        if ours != theirs:
            different.append(f"{call}\n    tiktoken: {theirs!r:.300}\n    bpecore:  {ours!r:.300}")
    assert not different, f"{len(different)} calls differ:\n" + "\n".join(different)


@pytest.mark.parametrize("row", INTENDED, ids=lambda row: row.call)
def test_intentional_difference(
    row: behaviour_table.Intended, libraries: dict[str, Library]
) -> None:
    if row.theirs is not behaviour_table.NOT_RUN:
        assert without_text(libraries["tiktoken"].outcome(row.call)) == row.theirs
    assert libraries["bpecore"].outcome(row.call) == row.ours
    assert row.ours != row.theirs


def documented_differences() -> list[str]:
    """Returns the first column of the table of intentional differences."""
    section = DOCUMENT.read_text(encoding="utf-8").partition("## Intentional differences")[2]
    rows = [line for line in section.splitlines() if line.startswith("| ")]
    return [row.split("|")[1].strip() for row in rows[1:]]


def test_every_intentional_difference_is_documented() -> None:
    documented = documented_differences()
    assert len(documented) > 5
    for row in INTENDED:
        assert any(line.startswith(row.documented) for line in documented), row


def test_the_table_is_long_and_has_no_call_twice() -> None:
    calls = [call for group in GROUPS.values() for call in group]
    assert len(calls) > 1000
    assert len(GROUPS["others"]) >= 300
    assert len(set(GROUPS["others"])) == len(GROUPS["others"])
    assert set(INTENDED_CALLS) <= set(calls)
    assert len(INTENDED_CALLS) == len(INTENDED)
