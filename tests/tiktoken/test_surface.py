"""bpecore has every public and semi-private name of the installed tiktoken, with its signature."""

from __future__ import annotations

import importlib
import inspect
import re
from types import ModuleType
from typing import Any

import pytest
import tiktoken
import tiktoken._educational
import tiktoken._tiktoken
import tiktoken.load
import tiktoken_ext.openai_public
from pairs import ENCODING_NAMES, Pair

import bpecore
import bpecore._educational
from bpecore import encodings, load, model
from bpecore.data import rank_tables as data

MODULES = {
    "tiktoken": "bpecore",
    "tiktoken.core": "bpecore.core",
    "tiktoken.load": "bpecore.load",
    "tiktoken.model": "bpecore.model",
    "tiktoken.registry": "bpecore.registry",
    "tiktoken._educational": "bpecore._educational",
    "tiktoken._tiktoken": "bpecore._tiktoken",
    "tiktoken_ext.openai_public": "bpecore.encodings",
}
ENGINE_ATTRIBUTES = [name for name in dir(tiktoken._tiktoken.CoreBPE) if not name.startswith("__")]


def is_tiktokens_own(module: ModuleType, name: str, value: Any) -> bool:
    """Returns whether a module's attribute is tiktoken's own and not imported."""
    if name.startswith("__") and name != "__version__":
        return False
    if isinstance(value, ModuleType):
        # Submodules, as attributes of the package.
        return value.__name__ == f"{module.__name__}.{name}"
    if inspect.isclass(value) or inspect.isroutine(value):
        home = value.__module__
        # Definitions of encodings use `tiktoken.load`; ours do not.
        belongs_here = home == module.__name__ or module.__name__ != "tiktoken_ext.openai_public"
        return home == "builtins" or (home.startswith("tiktoken") and belongs_here)
    return name not in ("annotations", "TYPE_CHECKING") and type(value).__module__ != "typing"


def names_of(module: ModuleType) -> dict[str, Any]:
    return {k: v for k, v in vars(module).items() if is_tiktokens_own(module, k, v)}


NAMES = [
    (theirs, name)
    for theirs in MODULES
    for name in sorted(names_of(importlib.import_module(theirs)))
]


def parameters(function: Any) -> list[tuple[str, Any, Any]]:
    signature = inspect.signature(function)
    return [(p.name, p.kind, p.default) for p in signature.parameters.values()]


def assert_same_signature(ours: Any, theirs: Any) -> None:
    """Compares names, kinds and defaults; ours may have further keywords with defaults."""
    known = parameters(theirs)
    found = parameters(ours)
    assert found[: len(known)] == known
    for name, kind, default in found[len(known) :]:
        assert kind is inspect.Parameter.KEYWORD_ONLY, name
        assert default is not inspect.Parameter.empty, name


def test_the_names_compared_are_not_few() -> None:
    """The introspection above finds what it should."""
    assert len(NAMES) >= 50
    for expected in [
        ("tiktoken", "get_encoding"),
        ("tiktoken", "core"),
        ("tiktoken.core", "Encoding"),
        ("tiktoken.core", "_special_token_regex"),
        ("tiktoken.core", "raise_disallowed_special_token"),
        ("tiktoken.load", "read_file_cached"),
        ("tiktoken.model", "MODEL_TO_ENCODING"),
        ("tiktoken.registry", "_lock"),
        ("tiktoken.registry", "ENCODING_CONSTRUCTORS"),
        ("tiktoken._educational", "bpe_train"),
        ("tiktoken._tiktoken", "CoreBPE"),
        ("tiktoken_ext.openai_public", "r50k_pat_str"),
    ]:
        assert expected in NAMES


@pytest.mark.parametrize(("module", "name"), NAMES)
def test_name_is_there_with_its_kind_and_signature(module: str, name: str) -> None:
    theirs = getattr(importlib.import_module(module), name)
    ours = getattr(importlib.import_module(MODULES[module]), name)
    if isinstance(theirs, ModuleType):
        assert isinstance(ours, ModuleType)
    elif inspect.isclass(theirs):
        assert inspect.isclass(ours)
        assert_same_signature(ours, theirs)
    elif callable(theirs):
        assert_same_signature(ours, theirs)
        assert hasattr(ours, "cache_info") == hasattr(theirs, "cache_info")
    elif name == "ENCODING_CONSTRUCTORS":
        assert theirs is None or list(theirs) == list(encodings.ENCODING_CONSTRUCTORS)
    elif name not in ("__version__", "ENCODINGS"):
        assert type(ours) is type(theirs)


def attributes_of(cls: type) -> list[str]:
    return sorted(name for name in vars(cls) if not name.startswith("__"))


@pytest.mark.parametrize(
    ("class_name", "attribute"),
    [
        (f"{cls.__module__}:{cls.__name__}", name)
        for cls in (tiktoken.Encoding, tiktoken._educational.SimpleBytePairEncoding)
        for name in [*attributes_of(cls), "__init__", "__repr__", "__getstate__", "__setstate__"]
        if name in vars(cls)
    ],
)
def test_attribute_of_a_class(class_name: str, attribute: str) -> None:
    module, _, name = class_name.partition(":")
    their_class = getattr(importlib.import_module(module), name)
    our_class = getattr(importlib.import_module(MODULES[module]), name)
    theirs, ours = vars(their_class)[attribute], vars(our_class)[attribute]
    assert type(ours) is type(theirs)
    if callable(theirs) or isinstance(theirs, staticmethod):
        assert_same_signature(getattr(our_class, attribute), getattr(their_class, attribute))


@pytest.mark.parametrize("attribute", ENGINE_ATTRIBUTES)
def test_method_of_the_engine(attribute: str) -> None:
    ours = getattr(bpecore._tiktoken.CoreBPE, attribute)
    theirs = getattr(tiktoken._tiktoken.CoreBPE, attribute)
    # All but `self`, which pyo3 makes positional.
    their_names = [(name, kind) for name, kind, _ in parameters(theirs)[1:]]
    our_names = [(name, kind) for name, kind, _ in parameters(ours)[1:]]
    assert our_names == their_names


def test_the_engine_is_made_as_tiktokens() -> None:
    assert parameters(bpecore._tiktoken.CoreBPE) == parameters(tiktoken._tiktoken.CoreBPE)


def test_instance_attributes_in_order(pair: Pair) -> None:
    for encoding in (pair.ours, pair.theirs):
        assert encoding.special_tokens_set
    # `ordinary` is there once it has been asked for.
    assert [name for name in vars(pair.ours) if name != "_ordinary"] == list(vars(pair.theirs))


def test_attributes_of_the_package_once_an_encoding_is_there() -> None:
    tiktoken.list_encoding_names()
    submodules = [n for n, v in vars(tiktoken).items() if isinstance(v, ModuleType)]
    assert {"core", "load", "model", "registry", "_tiktoken"} <= set(submodules)
    for name in submodules:
        assert getattr(bpecore, name) is importlib.import_module(f"bpecore.{name}")


def test_a_name_that_is_nowhere() -> None:
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = bpecore.no_such_name


def test_all_model_names_and_prefixes() -> None:
    theirs = tiktoken.model
    assert len(theirs.MODEL_TO_ENCODING) == 45
    assert list(model.MODEL_TO_ENCODING.items()) == list(theirs.MODEL_TO_ENCODING.items())
    assert list(model.MODEL_PREFIX_TO_ENCODING.items()) == list(
        theirs.MODEL_PREFIX_TO_ENCODING.items()
    )


class Definition:
    """Returns tiktoken's definition of an encoding without reading a file."""

    def __init__(self, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self.files: dict[str, str] = {}
        self.ranks: dict[bytes, int] = {}
        public = tiktoken_ext.openai_public
        monkeypatch.setattr(public, "load_tiktoken_bpe", self.load_tiktoken_bpe)
        monkeypatch.setattr(public, "data_gym_to_mergeable_bpe_ranks", self.load_gpt2)
        self.arguments: dict[str, Any] = public.ENCODING_CONSTRUCTORS[name]()

    def load_tiktoken_bpe(self, url: str, expected_hash: str) -> dict[bytes, int]:
        self.files[url] = expected_hash
        return self.ranks

    def load_gpt2(self, **files: str) -> dict[bytes, int]:
        self.files[files["vocab_bpe_file"]] = files["vocab_bpe_hash"]
        self.files[files["encoder_json_file"]] = files["encoder_json_hash"]
        return self.ranks


@pytest.mark.parametrize("name", ENCODING_NAMES)
def test_definition_of_an_encoding(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = Definition(name, monkeypatch)
    ours = encodings.ENCODING_CONSTRUCTORS[name]()
    assert list(ours) == list(expected.arguments)
    for key, value in expected.arguments.items():
        if key != "mergeable_ranks":
            assert ours[key] == value
    assert list(ours["special_tokens"].items()) == list(
        expected.arguments["special_tokens"].items()
    )


@pytest.mark.parametrize("name", ENCODING_NAMES)
def test_files_of_an_encoding_have_the_hashes_that_tiktoken_asks_for(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = Definition(name, monkeypatch)
    assert expected.files
    for url, sha256 in expected.files.items():
        if url.endswith(".tiktoken"):
            table = re.findall(r"/(\w+)\.tiktoken$", url)[0]
            contents = data.tiktoken_file(table)
        else:
            from gpt2_files import make_gpt2_files

            merges, vocabulary = make_gpt2_files()
            contents = merges if url.endswith(".bpe") else vocabulary
        assert load.check_hash(contents, sha256)


def test_names_of_the_encodings_in_order() -> None:
    theirs = list(tiktoken_ext.openai_public.ENCODING_CONSTRUCTORS)
    assert list(encodings.ENCODING_CONSTRUCTORS) == theirs
    assert bpecore.list_encoding_names()[: len(theirs)] == theirs
