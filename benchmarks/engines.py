"""The engines that are compared, each with the same few callables.

To add one: a class here, its entry in `ENGINES`, and how it starts in `probe.py`. Engines are
imported only in the process that runs them, and all get the rank tables of the bpecore package, so
nothing needs a network. An engine that lacks a callable is left out of the measures that need it.

Short calls are the engine's own bound methods, since a wrapper in Python would cost a third of what
is measured. Special tokens count as ordinary text wherever whole files are encoded.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from importlib.metadata import PackageNotFoundError, distributions, version
from pathlib import Path
from typing import Any, ClassVar

from .rank_files import MODELS

METHODS = (
    "encode_to_numpy",
    "encode_ordinary",
    "count",
    "encode",
    "encode_batch",
    "decode",
    "encode_documents",
    "encode_long_text",
    "list_documents",
    "count_documents",
    "encode_file",
    "construct",
    "split",
    "token_offsets",
    "encode_and_decode",
    "decode_with_offsets",
    "encode_with_unstable",
    "truncate",
    "count_growing",
    "encode_prompts",
    "encode_with_pattern",
)
"""What an engine may offer:

- `encode_to_numpy(text)`: the ids in the engine's native form, an array where it has one;
- `encode_ordinary(text)`: the ids as a list of int, all special tokens being ordinary text;
- `count(text)`: their number, where the engine can tell without making them;
- `encode(text)`: the ids as a list, as a user calls it for a short string;
- `encode_batch(texts)`: a list of such lists;
- `decode(ids)`: the text of a list of ids;
- `encode_documents(texts, threads)`: many documents on that many threads;
- `encode_long_text(text, threads)`: one text on that many threads;
- `list_documents(texts, threads)`: the same as lists of int;
- `count_documents(texts, threads)`: the number of ids of each;
- `encode_file(path, threads)`: all documents of a file, which the engine reads itself;
- `construct(ranks)`: an encoding of the user's own vocabulary;
- `split(text)`: the number of its chunks of 512 tokens, which overlap by 64;
- `token_offsets(text)`: where each token begins and ends;
- `encode_and_decode(text)`: what users did for offsets: the text of the list of its ids;
- `decode_with_offsets(ids)`: the text, made together with where each token begins;
- `encode_with_unstable(text)`: the number of its stable tokens and of its completions;
- `truncate(text)`: the text cut to 1,000 tokens;
- `count_growing(text)`: the number of its ids, which is also known after every 4 characters of it;
- `encode_prompts(texts)`: the `ids` of each encoding of `encode_batch`, as in `tokenizers`;
- `encode_with_pattern(text, pattern)`: the ids as an array, with another split pattern.
"""


class UnsupportedError(Exception):
    """The engine cannot do this; the message says why."""


class Engine:
    """What all engines have; the callables of `METHODS` are attributes of those that have them."""

    name: ClassVar[str]
    module: ClassVar[str]
    distribution: ClassVar[str]
    environment: ClassVar[dict[str, str]] = {}
    """Environment variables of the process that runs it."""
    python: ClassVar[str] = sys.executable
    """The interpreter of that process."""

    def __init__(self, encoding_name: str, rank_files: Path) -> None:
        """Loads an encoding.

        Args:
            encoding_name: one of OpenAI's names.
            rank_files: the folder that `rank_files.write_rank_files` filled.

        Raises:
            UnsupportedError: the engine does not know the encoding.
        """

    def _take(self, source: Any, *names: str) -> None:
        """Takes bound methods of the engine's own as callables."""
        for name in names:
            setattr(self, name, getattr(source, name))


def size_of_completions(found: tuple[list[int], list[list[int]]]) -> int:
    """Returns how many tokens and completions `encode_with_unstable` gave."""
    stable, completions = found
    return len(stable) + len(completions)


class TiktokenEngine(Engine):
    """OpenAI's engine, the reference for ids."""

    name = "tiktoken"
    module = "tiktoken"
    distribution = "tiktoken"

    def __init__(self, encoding_name: str, rank_files: Path) -> None:
        import tiktoken

        from bpecore.encodings import ENCODING_CONSTRUCTORS

        self._definition = ENCODING_CONSTRUCTORS[encoding_name]()
        self._encoding = encoding = tiktoken.Encoding(**self._definition)
        self._take(encoding, "encode_ordinary", "encode", "encode_batch", "decode")

    def encode_to_numpy(self, text: str) -> Any:
        return self._encoding.encode_to_numpy(text, disallowed_special=())

    def encode_documents(self, texts: list[str], threads: int) -> Any:
        return self._encoding.encode_ordinary_batch(texts, num_threads=threads)

    list_documents = encode_documents

    def construct(self, ranks: dict[bytes, int]) -> Any:
        import tiktoken

        return tiktoken.Encoding(
            "own", pat_str=self._definition["pat_str"], mergeable_ranks=ranks, special_tokens={}
        )

    def decode_with_offsets(self, ids: list[int]) -> str:
        return self._encoding.decode_with_offsets(ids)[0]

    def encode_with_unstable(self, text: str) -> int:
        return size_of_completions(self._encoding.encode_with_unstable(text))

    def truncate(self, text: str) -> str:
        return self._encoding.decode(self._encoding.encode_ordinary(text)[:1000])

    def count_growing(self, text: str) -> int:
        encode = self._encoding.encode_ordinary
        return [len(encode(text[: end + 4])) for end in range(0, len(text), 4)][-1]


class BpecoreEngine(Engine):
    """This project's engine."""

    name = "bpecore"
    module = "bpecore"
    distribution = "bpecore"

    def __init__(self, encoding_name: str, rank_files: Path) -> None:
        import bpecore

        path = rank_files / f"{encoding_name}.json"
        self._patterns: dict[str, Any] = {}
        self._special: dict[str, Any] = {"disallowed_special": ()}
        if encoding_name in bpecore.list_encoding_names():
            self._encoding = encoding = bpecore.get_encoding(encoding_name)
        else:
            from bpecore.hf import Tokenizer

            self._encoding = encoding = bpecore.Encoding.from_file(path)
            self._tokenizer = Tokenizer.from_file(path)
            self._special = {"allowed_special": "all"}  # as the others do with a model's file
        self._take(encoding, "encode_ordinary", "encode", "encode_batch", "decode")

    def encode_to_numpy(self, text: str) -> Any:
        return self._encoding.encode_to_numpy(text, **self._special)

    def count(self, text: str) -> int:
        return self._encoding.count(text, disallowed_special=())

    def encode_documents(self, texts: list[str], threads: int) -> Any:
        encode: Any = getattr(self._encoding, "encode_batch_to_numpy", None)
        if encode is None:
            raise UnsupportedError("this bpecore has no encode_batch_to_numpy")
        return encode(texts, num_threads=threads, disallowed_special=())

    def list_documents(self, texts: list[str], threads: int) -> Any:
        return self._encoding.encode_ordinary_batch(texts, num_threads=threads)

    def count_documents(self, texts: list[str], threads: int) -> Any:
        return self._encoding.count_batch(texts, num_threads=threads, disallowed_special=())

    def encode_long_text(self, text: str, threads: int) -> Any:
        encode: Any = self._encoding.encode_to_numpy
        try:
            return encode(text, num_threads=threads, disallowed_special=())
        except TypeError as error:
            raise UnsupportedError("encode_to_numpy of this bpecore has no num_threads") from error

    def construct(self, ranks: dict[bytes, int]) -> Any:
        import bpecore

        pattern = self._encoding._pat_str
        return bpecore.Encoding("own", pat_str=pattern, mergeable_ranks=ranks, special_tokens={})

    def split(self, text: str) -> int:
        return len(self._encoding.split(text, 512, overlap=64, disallowed_special=()))

    def token_offsets(self, text: str) -> Any:
        return self._encoding.token_offsets(text, disallowed_special=())

    def encode_and_decode(self, text: str) -> str:
        return self._encoding.decode(self._encoding.encode_ordinary(text))

    def decode_with_offsets(self, ids: list[int]) -> str:
        return self._encoding.decode_with_offsets(ids)[0]

    def encode_with_unstable(self, text: str) -> int:
        return size_of_completions(self._encoding.encode_with_unstable(text))

    def truncate(self, text: str) -> str:
        return self._encoding.truncate(text, 1000, disallowed_special=())

    def count_growing(self, text: str) -> int:
        from bpecore import TokenCounter

        feed = TokenCounter(self._encoding, disallowed_special=()).feed
        return [feed(text[start : start + 4]) for start in range(0, len(text), 4)][-1]

    def encode_prompts(self, texts: list[str]) -> list[list[int]]:
        return [encoding.ids for encoding in self._tokenizer.encode_batch(texts)]

    def encode_with_pattern(self, text: str, pattern: str) -> Any:
        import bpecore
        from bpecore._models.presets import PATTERNS

        encoding = self._patterns.get(pattern)
        if encoding is None:
            encoding = self._patterns[pattern] = bpecore.Encoding(
                pattern,
                pat_str=PATTERNS[pattern].pattern,
                mergeable_ranks=self._encoding._mergeable_ranks,
                special_tokens={},
            )
        return encoding.encode_to_numpy(text)


BEFORE_VARIABLE = "BPECORE_BEFORE"


class BeforeEngine(BpecoreEngine):
    """Another build of this project's engine: the one of the interpreter that a variable names."""

    name = "before"
    python: ClassVar[str] = os.environ.get(BEFORE_VARIABLE, "")


class BpecoreSimdOffEngine(Engine):
    """The same without vector instructions, for processors that lack them."""

    name = "bpecore-simd-off"
    module = "bpecore"
    distribution = "bpecore"
    environment: ClassVar[dict[str, str]] = {"BPECORE_SIMD": "off"}

    def __init__(self, encoding_name: str, rank_files: Path) -> None:
        import bpecore

        self._encoding = bpecore.get_encoding(encoding_name)

    def encode_to_numpy(self, text: str) -> Any:
        return self._encoding.encode_to_numpy(text, disallowed_special=())


class GigatokenEngine(Engine):
    """gigatoken: `encode_to_numpy` is its native call, the lists come from its tiktoken layer."""

    name = "gigatoken"
    module = "gigatoken"
    distribution = "gigatoken"

    def __init__(self, encoding_name: str, rank_files: Path) -> None:
        import gigatoken

        path = rank_files / f"{encoding_name}.tiktoken"
        if encoding_name in MODELS:
            self._tokenizer = gigatoken.Tokenizer(rank_files / f"{encoding_name}.json")
            self.encode_to_numpy = self._tokenizer.backend.encode
            return
        if encoding_name not in ("r50k_base", "cl100k_base", "o200k_base"):
            raise UnsupportedError(f"gigatoken does not know {encoding_name}")
        self._tokenizer = tokenizer = gigatoken.Tokenizer.from_tiktoken(path)
        layer = tokenizer.as_tiktoken()
        self.encode_to_numpy = tokenizer.backend.encode
        self._take(layer, "encode_ordinary", "encode", "encode_batch", "decode")

    def encode_documents(self, texts: list[str], threads: int) -> Any:
        return self._tokenizer.encode_batch(texts, parallel=threads > 1)

    def list_documents(self, texts: list[str], threads: int) -> Any:
        return self._tokenizer.encode_batch_list(texts, parallel=threads > 1)

    def encode_file(self, path: Path, threads: int) -> Any:
        import gigatoken

        lines = path.suffix == ".jsonl"
        source = (gigatoken.JsonlFileSource if lines else gigatoken.TextFileSource)([path])
        return self._tokenizer.encode_files(source, parallel=threads > 1)


class QuicktokEngine(Engine):
    """quicktok, from the distribution quicktok-v1 (the distribution quicktok is unrelated)."""

    name = "quicktok"
    module = "quicktok"
    distribution = "quicktok-v1"

    def __init__(self, encoding_name: str, rank_files: Path) -> None:
        import quicktok

        if not hasattr(quicktok, "get_encoding"):
            raise UnsupportedError("the installed quicktok is not that of quicktok-v1")
        try:
            self._encoding = encoding = quicktok.get_encoding(encoding_name)
        except RuntimeError as error:
            raise UnsupportedError(f"quicktok does not know {encoding_name}") from error
        self._take(encoding, "encode_ordinary", "encode", "count", "decode")

    def encode_to_numpy(self, text: str) -> Any:
        return self._encoding.encode_batch([text], 1)[0]

    def encode_documents(self, texts: list[str], threads: int) -> Any:
        return self._encoding.encode_batch(texts, threads)


class TokenizersEngine(Engine):
    """Hugging Face's tokenizers, whose file is made out of the rank table."""

    name = "tokenizers"
    module = "tokenizers"
    distribution = "tokenizers"

    def __init__(self, encoding_name: str, rank_files: Path) -> None:
        path = rank_files / f"{encoding_name}.json"
        if not path.is_file():
            raise UnsupportedError(f"no file for {self.name} was made of {encoding_name}")
        library = importlib.import_module(self.module)
        self._tokenizer = tokenizer = library.Tokenizer.from_file(str(path))
        self.decode = tokenizer.decode

    def encode_ordinary(self, text: str) -> list[int]:
        ids: list[int] = self._tokenizer.encode(text).ids
        return ids

    encode = encode_ordinary

    def encode_batch(self, texts: list[str]) -> list[list[int]]:
        return [encoding.ids for encoding in self._tokenizer.encode_batch(texts)]

    encode_prompts = encode_batch

    def encode_documents(self, texts: list[str], threads: int) -> Any:
        return self._tokenizer.encode_batch(texts)

    def list_documents(self, texts: list[str], threads: int) -> list[list[int]]:
        return self.encode_batch(texts)


TOKENIZERS_1_VARIABLE = "BPECORE_TOKENIZERS_1"


class Tokenizers1Engine(TokenizersEngine):
    """The same from a folder that a variable names: `pip install --target FOLDER tokenizers`."""

    name = "tokenizers-1"
    folder: ClassVar[str] = os.environ.get(TOKENIZERS_1_VARIABLE, "")
    environment: ClassVar[dict[str, str]] = {"PYTHONPATH": folder}
    python: ClassVar[str] = sys.executable if folder else ""


class FastokensEngine(TokenizersEngine):
    """fastokens, which reads the same file."""

    name = "fastokens"
    module = "fastokens"
    distribution = "fastokens"


class SnaptokensEngine(TokenizersEngine):
    """snaptokens, which has the interface of tokenizers and reads its file; its threads are
    rayon's."""

    name = "snaptokens"
    module = "snaptokens"
    distribution = "snaptokens"

    encode_to_numpy = TokenizersEngine.encode_ordinary

    def encode_documents(self, texts: list[str], threads: int) -> Any:
        import numpy as np

        ids, ends = self._tokenizer.encode_batch_flat(texts)
        return np.frombuffer(ids, np.uint32), np.frombuffer(ends, np.uint64)


ENGINES: dict[str, type[Engine]] = {
    engine.name: engine
    for engine in (
        TiktokenEngine,
        BpecoreEngine,
        BeforeEngine,
        BpecoreSimdOffEngine,
        GigatokenEngine,
        QuicktokEngine,
        TokenizersEngine,
        Tokenizers1Engine,
        FastokensEngine,
        SnaptokensEngine,
    )
}
"""Every engine by name; the first one that answers says which ids are right."""


def installed_version(name: str) -> str | None:
    """Returns the version of the engine's distribution, or None where it is not installed."""
    engine = ENGINES[name]
    if not engine.python or importlib.util.find_spec(engine.module) is None:
        return None
    try:
        if issubclass(engine, Tokenizers1Engine):
            found = distributions(name=engine.distribution, path=[engine.folder])
            return next((item.version for item in found), None)
        return version(engine.distribution)
    except PackageNotFoundError:
        return None
