"""What decides the bytes of a corpus besides its inputs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from bpecore._corpus_formats import FORMATS
from bpecore.core import Encoding
from bpecore.corpus.encoding_source import EncodingSource
from bpecore.corpus.errors import CorpusError

INPUT_FORMATS = ("auto", "text", "jsonl", "parquet", "arrow")
DOCUMENTS = ("file", "line", "separator")

TOKENS_OF_SHARD = {"llmc": 100_000_000, "nanogpt": 0}
"""The number of tokens per shard in formats that have one; 0 is a single shard."""


@dataclass(frozen=True)
class Options:
    """What decides the bytes of a corpus besides its inputs.

    Attributes:
        encoding: the encoding.
        format: one of `FORMATS`.
        input_format: one of `INPUT_FORMATS`; "auto" goes by contents and names.
        text_fields: the fields or columns of a record that hold text, as dotted paths; the texts
            of several are joined.
        join: what is between the texts of several fields.
        document: what a document of plain text is, one of `DOCUMENTS`.
        separator: what is between the documents of a text file if `document` is "separator".
        errors: what is done about bytes that are not UTF-8: "aside" or "replace".
        allow_special: whether names of special tokens in texts become those tokens.
        prepend: ids in front of each document.
        append: ids at the end of each document.
        max_tokens: the highest number of tokens of a document; None: any.
        over: what is done with longer documents: "cut" or "drop".
        shard_tokens: tokens per shard; 0: all in one shard; None: shards follow the inputs.
        shard_size: bytes of input per shard where shards follow the inputs; 0: by their sum.
        shuffle: whether documents are in random order.
        seed: of the shuffle, and of what is held out for validation.
        val_fraction: the fraction of documents that is held out.
        dtype: "uint16" or "uint32"; "": by the vocabulary.
        prefix: how names of shards begin.
    """

    encoding: EncodingSource
    format: str
    input_format: str = "auto"
    text_fields: tuple[str, ...] = ("text",)
    join: str = "\n\n"
    document: str = "file"
    separator: str = ""
    errors: str = "aside"
    allow_special: bool = False
    prepend: tuple[int, ...] = ()
    append: tuple[int, ...] = ()
    max_tokens: int | None = None
    over: str = "cut"
    shard_tokens: int | None = None
    shard_size: int = 0
    shuffle: bool = False
    seed: int = 0
    val_fraction: float = 0.0
    dtype: str = ""
    prefix: str = ""

    def as_json(self) -> dict[str, Any]:
        """Returns the options as a manifest holds them."""
        found = asdict(self)
        del found["encoding"]["pickled"]
        return found

    @classmethod
    def from_json(cls, found: Mapping[str, Any], pickled: bytes | None = None) -> Options:
        """Returns options from a manifest."""
        values: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in found.items()
        }
        values["encoding"] = EncodingSource(**values["encoding"], pickled=pickled)
        return cls(**values)

    @property
    def tokens_of_shard(self) -> int | None:
        """Tokens per shard, by the format if the caller gave no number."""
        if self.shard_tokens is None:
            return TOKENS_OF_SHARD.get(self.format)
        return self.shard_tokens


NAMES = frozenset(field.name for field in fields(Options)) - {"encoding", "format"}


def make_options(encoding: EncodingSource, format_name: str, given: Mapping[str, Any]) -> Options:
    """Returns options, checked, with ids in place of the names of tokens.

    Args:
        encoding: the encoding.
        format_name: one of `FORMATS`.
        given: other attributes of `Options` by name; `prepend` and `append` may be one token or
            several, each an id, "eot", "bos", or the name of a special token.

    Raises:
        CorpusError: an option is unknown or has a wrong value; the message names it.
    """
    for name in given:
        if name not in NAMES:
            raise CorpusError(f"unknown option {name!r}; known are {', '.join(sorted(NAMES))}")
    values = dict(given)
    if isinstance(values.get("text_fields"), str):
        values["text_fields"] = (values["text_fields"],)
    loaded = encoding.load()
    for name in ("prepend", "append"):
        tokens = values.get(name, ())
        several = [tokens] if isinstance(tokens, (int, str)) else tokens
        values[name] = tuple(id_of(loaded, name, token) for token in several)
    made = Options(encoding, format_name, **values)
    _check_choices(made)
    _check_numbers(made)
    return made


def id_of(encoding: Encoding, option: str, token: int | str) -> int:
    """Returns the id that an option names: a number, "eot", "bos", or a special token's name.

    Raises:
        CorpusError: the encoding has no such token.
    """
    special = encoding._special_tokens
    if isinstance(token, str) and token in special:
        return special[token]
    known = {
        "eot": ("<|endoftext|>", "<|end_of_text|>", "</s>", "<|im_end|>"),
        "bos": ("<|begin_of_text|>", "<s>", "<|startoftext|>", "<bos>", "<|endoftext|>"),
    }
    for name in known.get(str(token), ()):
        if name in special:
            return special[name]
    try:
        number = int(token)
    except ValueError:
        shown = ", ".join(list(special)[:8]) or "none"
        raise CorpusError(
            f"--{option} {token}: {encoding.name} has no such special token; it has {shown}"
        ) from None
    if not 0 <= number <= encoding.max_token_value:
        raise CorpusError(
            f"--{option} {number}: ids of {encoding.name} go from 0 to {encoding.max_token_value}"
        )
    return number


def _check_choices(options: Options) -> None:
    choices = {
        "format": FORMATS,
        "input_format": INPUT_FORMATS,
        "document": DOCUMENTS,
        "errors": ("aside", "replace"),
        "over": ("cut", "drop"),
        "dtype": ("", "uint16", "uint32"),
    }
    for name, allowed in choices.items():
        if getattr(options, name) not in allowed:
            shown = ", ".join(filter(None, allowed))
            raise CorpusError(f"{name} must be one of {shown}, not {getattr(options, name)!r}")
    if not options.text_fields or not all(options.text_fields):
        raise CorpusError("text_fields must name at least one field, and none is empty")
    if (options.document == "separator") != bool(options.separator):
        raise CorpusError("a separator goes with document='separator', which needs one")
    if "/" in options.prefix or options.prefix.startswith((".", "_")):
        raise CorpusError(f"prefix {options.prefix!r} must begin a file's name")


def _check_numbers(options: Options) -> None:
    least = {"max_tokens": 1, "shard_tokens": 0, "shard_size": 0, "seed": 0}
    for name, lowest in least.items():
        value = getattr(options, name)
        if value is not None and (type(value) is not int or value < lowest):
            raise CorpusError(f"{name} must be a number from {lowest} on, not {value!r}")
    if not 0 <= options.val_fraction < 1:
        raise CorpusError(f"val_fraction must be from 0 to below 1, not {options.val_fraction!r}")
    around = len(options.prepend) + len(options.append)
    if options.max_tokens is not None and options.max_tokens <= around:
        raise CorpusError(
            f"max_tokens must be more than the {around} that are prepended and appended, "
            f"not {options.max_tokens}"
        )
