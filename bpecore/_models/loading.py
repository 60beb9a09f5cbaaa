"""Makes an encoding from the files of a model."""

from __future__ import annotations

import os

from bpecore._models.errors import refusal
from bpecore._models.kept_models import (
    LoadedModel,
    keep_model,
    kept_model_path,
    kept_models_folder,
    read_kept_model,
    remember_file,
    seen_model_path,
)
from bpecore._models.recognition import find_vocabulary, read_vocabulary, recognised
from bpecore._models.source import ModelSource
from bpecore._plural import counted

TYPE_CHECKING = False  # as in `typing`, whose import takes longer than all of this
if TYPE_CHECKING:
    from typing import Any, TypeVar

    from bpecore._models.encoding import ModelEncoding
    from bpecore.core import Encoding

    AnyEncoding = TypeVar("AnyEncoding", bound=Encoding)


def load_encoding(
    cls: type[AnyEncoding],
    path: str | os.PathLike[str],
    name: str | None,
    pattern: str | None,
    special_tokens: dict[str, int] | str | None,
) -> AnyEncoding:
    """Makes an encoding of a class; arguments and errors are those of `Encoding.from_file`."""
    file = find_vocabulary(path)
    if isinstance(special_tokens, str):
        from bpecore._models.presets import special_token_preset

        special_tokens = special_token_preset(special_tokens)
    if name is None:
        name = os.path.basename(os.path.abspath(path))
    if os.path.isdir(path) and os.path.basename(file) == "vocab.json":
        from bpecore._models.vocab_and_merges import read_folder

        model = read_folder(file, pattern, special_tokens)
        if pattern is not None:
            model = _with_pattern(file, model, pattern)
        made: Any = _model_encoding(cls, file, name, model)
        return made  # type: ignore[no-any-return]
    model = _load(file)
    if model.kind == "tokenizer.json":
        if pattern is not None or special_tokens is not None:
            raise ValueError(f"{file} has its own split pattern and special tokens")
        made = _model_encoding(cls, file, name, model)
        return made  # type: ignore[no-any-return]
    if model.kind == "gguf":
        if special_tokens is not None:
            raise ValueError(f"{file} has its own special tokens")
        made = _model_encoding(cls, file, name, _with_pattern(file, model, pattern))
        return made  # type: ignore[no-any-return]
    own_pattern, own_tokens = model.rest
    if model.kind == "tiktoken" and special_tokens is None and os.path.isdir(path):
        from bpecore._models.folder_config import tokens_in_config

        own_tokens = tokens_in_config(os.fsdecode(path))
    if pattern is not None or own_pattern is None:
        own_pattern = _pattern_for(file, model, pattern)
    encoding = cls(
        name,
        pat_str=own_pattern,
        mergeable_ranks=model.vocabulary,
        special_tokens=own_tokens if special_tokens is None else special_tokens,
    )
    special = counted(len(encoding._special_tokens), "special token")
    details = f"{counted(len(model.vocabulary), 'token')}, {special}"
    encoding.source = _source(model.kind, file, own_pattern, details)
    return encoding


def load_tokenizer_json(path: str | os.PathLike[str]) -> ModelEncoding:
    """Makes an encoding of a tokenizer.json, also if it truncates or pads.

    Args:
        path: the file, or a folder that has it.

    Raises:
        ValueError: it is another file, or invalid, or cannot be reproduced exactly.
        OSError: it cannot be read.
    """
    file = os.fsdecode(path)
    if os.path.isdir(file):
        file = os.path.join(file, "tokenizer.json")
    return _encoding_of_json(file, _load(file))


def tokenizer_json_of(contents: bytes) -> ModelEncoding:
    """Makes an encoding of the contents of a tokenizer.json; raises as `load_tokenizer_json`."""
    from bpecore._models.reading import read_model

    source = "the tokenizer.json given"
    folder = kept_models_folder()
    path = kept_model_path(folder, contents) if folder else None
    model = read_kept_model(path) if path else None
    if model is None:
        model = read_model(recognised(source, contents))
        if path:
            keep_model(path, model)
    return _encoding_of_json(source, model)


def _encoding_of_json(file: str, model: LoadedModel) -> ModelEncoding:
    if model.kind != "tokenizer.json":
        raise ValueError(f"{file} is {model.kind}, not a tokenizer.json")
    made = _encoding_of_parts(os.path.basename(file), file, model)
    if made._parts.normalizer is not None:
        from bpecore._models.normalizers import read_normalizers

        read_normalizers(made._parts.normalizer, file)  # refuses what only from_file does
    if made._parts.stages:
        raise refusal(file, "it splits several times; only bpecore.Encoding.from_file does that")
    return made


def _encoding_of_parts(name: str, file: str, model: LoadedModel) -> ModelEncoding:
    from bpecore._models.encoding import ModelEncoding
    from bpecore._models.parts import ModelParts

    parts = ModelParts.of_plain(model.rest)
    cls = ModelEncoding
    if parts.stages:
        from bpecore._models.split_chain import ChainedEncoding

        cls = ChainedEncoding
    source = _source(model.kind, file, parts.pattern, parts.details)
    return cls.of_parts(name, model.vocabulary, parts, source)


def _load(file: str) -> LoadedModel:
    """Reads a file, or what an earlier process has kept of it."""
    folder = kept_models_folder()
    if folder is None:
        from bpecore._models.reading import read_model

        return read_model(read_vocabulary(file))
    known = seen_model_path(folder, file)
    model = read_kept_model(known) if known else None
    if model is not None:
        return model
    status = os.stat(file)
    found = read_vocabulary(file)
    path = kept_model_path(folder, found.contents)
    model = read_kept_model(path)
    if model is None:
        from bpecore._models.reading import read_model

        model = read_model(found)
        keep_model(path, model)
    remember_file(folder, file, status, path)
    return model


def _with_pattern(file: str, model: LoadedModel, given: str | None) -> LoadedModel:
    """Returns a model of GGUF with the split pattern that is given, or its own."""
    from bpecore._models.parts import ModelParts

    parts = ModelParts.of_plain(model.rest)
    if given is not None:
        from bpecore._models.presets import pattern_preset

        parts = parts._replace(pattern=pattern_preset(given).pattern)
    elif not parts.pattern:
        from bpecore._models.gguf import KNOWN_NAMES

        found = parts.file["pre"]
        said = f"{found!r:.60}, which is not known" if found else "missing"
        raise refusal(
            file,
            f"tokenizer.ggml.pre is {said}: pass pattern=. Known are {', '.join(KNOWN_NAMES)}",
        )
    return model._replace(rest=parts.plain())


def _pattern_for(file: str, model: LoadedModel, pattern: str | None) -> str:
    """Returns the split pattern that is given, or that a name stands for."""
    if pattern is None:
        raise ValueError(
            f"{file} is a .tiktoken file of {len(model.vocabulary):,} ranks, which has no split "
            "pattern: pass pattern=, a regular expression or the name of a model such as 'qwen3'"
        )
    from bpecore._models.presets import pattern_preset, require_all_ranks

    preset = pattern_preset(pattern)
    if model.kind == "tiktoken" and len(model.vocabulary) < preset.ranks:
        require_all_ranks(preset, file, read_vocabulary(file).contents, len(model.vocabulary))
    return preset.pattern


def _model_encoding(cls: type[Any], file: str, name: str, model: LoadedModel) -> Any:
    from bpecore._models.encoding import ModelEncoding

    if not issubclass(ModelEncoding, cls):
        raise TypeError(
            f"{file} is {model.kind}, which needs more than {cls.__name__}: call from_file of "
            "bpecore.Encoding"
        )
    made = _encoding_of_parts(name, file, model)
    for option in ("truncation", "padding"):
        if made._parts.file.get(option) is not None:
            raise refusal(
                file,
                f"{option} is on, which changes the ids of a text; bpecore.hf.Tokenizer has it",
            )
    return made


def _source(kind: str, file: str, pattern: str, details: str) -> ModelSource:
    from bpecore._models.presets import name_of_pattern

    return ModelSource(kind, file, name_of_pattern(pattern), details)
