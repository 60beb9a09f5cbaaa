"""The encodings of this process by name; each is loaded once.

OpenAI's seven come from `bpecore.encodings`; others from plugins, which are the modules of the
namespace package `tiktoken_ext`, as for tiktoken. A plugin's `ENCODING_CONSTRUCTORS` maps each
name to a function that returns the keyword arguments of `Encoding`. Plugins are looked for when a
name is not one of OpenAI's, or when all names are listed.
"""

from __future__ import annotations

import functools
import importlib
import importlib.machinery
import os

from bpecore import _registered
from bpecore._build.locks import registry_lock
from bpecore._core import holding
from bpecore._version import __version__
from bpecore.core import Encoding

TYPE_CHECKING = False  # as in `typing`, whose import takes longer than all of this
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any, TypedDict, TypeVar

    _Result = TypeVar("_Result")
    _Constructor = Callable[[], dict[str, Any]]

    ENCODING_CONSTRUCTORS: dict[str, _Constructor] | None
else:
    TypedDict = dict

_OPENAI_PLUGIN = "tiktoken_ext.openai_public"
"""The plugin that comes with tiktoken; `bpecore.encodings` always replaces it."""

# By tiktoken's name for it.
_lock = registry_lock
ENCODINGS: dict[str, Encoding] = {}
"""The encodings that have been loaded, by name."""
_requests: dict[str, int] = {}
_loads: dict[str, int] = {}


def __getattr__(name: str) -> object:
    """Returns `ENCODING_CONSTRUCTORS` while it is not a global variable yet.

    tiktoken's is None until the first encoding is loaded, which reads the plugins.
    """
    if name == "ENCODING_CONSTRUCTORS":
        return _constructors() if ENCODINGS else None
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


class EncodingStatistics(TypedDict):
    """Statistics of one encoding, from `stats`.

    Attributes:
        requests: how often `get_encoding` was called for it. Counted without a lock, so that calls
            in the same instant may be counted once.
        loads: how often it was loaded.
        vocabulary_bytes: size of its vocabulary's tables in bytes; encodings with equal ranks
            share them, and the caches.
        vocabulary_mapped: whether these tables are mapped from a file, so that all processes share
            their memory.
        caches: how many caches of words it has, one for each thread that is encoding or was.
        cache_bytes: what all of them take, in bytes.
        cache_limit: what each of them may take between calls, in bytes.
    """

    requests: int
    loads: int
    vocabulary_bytes: int
    vocabulary_mapped: bool
    caches: int
    cache_bytes: int
    cache_limit: int


@functools.cache
def _available_plugin_modules() -> Sequence[str]:
    """Returns the plugins' module names in the order in which they are read."""
    try:
        package = importlib.import_module("tiktoken_ext")
    except ImportError:
        return [_OPENAI_PLUGIN]
    names = [name for folder in package.__path__ for name in _modules_in(folder)]
    found = [f"tiktoken_ext.{name}" for name in dict.fromkeys(names)]
    return found if _OPENAI_PLUGIN in found else [_OPENAI_PLUGIN, *found]


def _modules_in(folder: str) -> list[str]:
    """Returns the names of the modules and packages in a folder or archive, sorted.

    As `pkgutil.iter_modules`, whose import takes longer than loading an encoding.
    """
    try:
        entries = sorted(os.listdir(folder))
    except FileNotFoundError:
        return []
    except NotADirectoryError:
        import pkgutil

        return [module.name for module in pkgutil.iter_modules([folder])]
    suffixes = sorted(importlib.machinery.all_suffixes(), key=len, reverse=True)
    names = []
    for entry in entries:
        path = os.path.join(folder, entry)
        if os.path.isdir(path):
            is_module = any(os.path.isfile(os.path.join(path, f"__init__{s}")) for s in suffixes)
            name = entry
        else:
            suffix = next((s for s in suffixes if entry.endswith(s)), "")
            is_module = suffix != ""
            name = entry[: len(entry) - len(suffix)]
        if is_module and name.isidentifier() and name != "__init__":
            names.append(name)
    return names


def _call_plugin(call: Callable[[], _Result]) -> _Result:
    """Calls into a plugin; if it needs tiktoken and there is none, with bpecore in its place."""
    try:
        return call()
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "tiktoken":
            raise
    from bpecore.dropin import install_as_tiktoken

    with install_as_tiktoken():
        return call()


def _read_plugin(module_name: str) -> dict[str, _Constructor]:
    if module_name == _OPENAI_PLUGIN:
        from bpecore import encodings

        return encodings.ENCODING_CONSTRUCTORS
    module = _call_plugin(functools.partial(importlib.import_module, module_name))
    try:
        constructors: dict[str, _Constructor] = module.ENCODING_CONSTRUCTORS
    except AttributeError:
        raise ValueError(
            f"tiktoken plugin {module_name} does not define ENCODING_CONSTRUCTORS"
        ) from None
    return constructors


@holding(_lock)
def _find_constructors() -> None:
    """Fills `ENCODING_CONSTRUCTORS` unless it is filled; after an error it is as before."""
    global ENCODING_CONSTRUCTORS
    if _found_constructors() is not None:
        return
    found: dict[str, _Constructor] = {}
    plugins: dict[str, str] = {}
    for module_name in _available_plugin_modules():
        for encoding_name, constructor in _read_plugin(module_name).items():
            if encoding_name in found:
                raise ValueError(
                    f"Duplicate encoding name {encoding_name} in tiktoken plugin "
                    f"{module_name}: it is also in {plugins[encoding_name]}"
                )
            found[encoding_name] = constructor
            plugins[encoding_name] = module_name
    ENCODING_CONSTRUCTORS = found


def _found_constructors() -> dict[str, _Constructor] | None:
    """Returns `ENCODING_CONSTRUCTORS`, which a caller may have set, or None if it is not filled."""
    found: dict[str, _Constructor] | None = globals().get("ENCODING_CONSTRUCTORS")
    return found


def _constructors() -> dict[str, _Constructor]:
    if _found_constructors() is None:
        _find_constructors()
    found = _found_constructors()
    assert found is not None
    return found


def get_encoding(encoding_name: str) -> Encoding:
    """Returns the encoding of a name: one object per name, loaded on first use.

    Args:
        encoding_name: one of `list_encoding_names()`.

    Returns:
        The encoding. It may be used by any number of threads at once.

    Raises:
        ValueError: there is no encoding of that name, or the name is not a string; or, if it is not
            one of OpenAI's names, a plugin has no `ENCODING_CONSTRUCTORS` or two define one name.

    Example:
        >>> get_encoding("o200k_base").encode("hello world")
        [24912, 2375]
    """
    if not isinstance(encoding_name, str):
        raise ValueError(
            f"Expected a string in get_encoding, got {type(encoding_name).__name__}: "
            "the name of an encoding is a str"
        )
    encoding = ENCODINGS.get(encoding_name)
    if encoding is None:
        encoding = _load(encoding_name)
    _requests[encoding_name] = _requests.get(encoding_name, 0) + 1
    return encoding


@holding(_lock)
def _load(encoding_name: str) -> Encoding:
    """Loads an encoding unless another thread has; a failure changes nothing."""
    encoding = ENCODINGS.get(encoding_name)
    if encoding is not None:
        return encoding
    encoding = Encoding(**_arguments(encoding_name, _constructor_of(encoding_name)))
    ENCODINGS[encoding_name] = encoding
    _loads[encoding_name] = _loads.get(encoding_name, 0) + 1
    return encoding


def _constructor_of(encoding_name: str) -> _Constructor:
    """Returns the constructor of a name; looks for plugins only if it is not one of OpenAI's."""
    from bpecore import encodings

    constructors = _found_constructors()
    if constructors is None and encoding_name in encodings.ENCODING_CONSTRUCTORS:
        return encodings.ENCODING_CONSTRUCTORS[encoding_name]
    constructors = _constructors()
    if encoding_name not in constructors:
        from bpecore._build.nearest import did_you_mean

        question = did_you_mean(encoding_name, constructors, likeness=0.5)
        raise ValueError(
            f"Unknown encoding {encoding_name}.\n{question and question + chr(10)}"
            f"Plugins found: {_available_plugin_modules()}\n"
            f"Encodings: {', '.join(constructors)}\n"
            f"bpecore version: {__version__}"
        )
    return constructors[encoding_name]


def _arguments(encoding_name: str, constructor: _Constructor) -> dict[str, Any]:
    """Calls a constructor; one of OpenAI's seven is given the vocabulary instead of a dict."""
    from bpecore import encodings

    own = encodings.OPENAI_CONSTRUCTORS.get(encoding_name)
    if own is None or constructor is not own:
        return _call_plugin(constructor)
    from bpecore._build.vocabularies import bundled_vocabulary

    return own(ranks_of=bundled_vocabulary)


def list_encoding_names() -> list[str]:
    """Returns the names that `get_encoding` takes.

    Example:
        >>> "cl100k_base" in list_encoding_names()
        True
    """
    return list(_constructors())


def stats() -> dict[str, EncodingStatistics]:
    """Returns which encodings are loaded, their memory and how often they were requested.

    Returns:
        The statistics of every loaded encoding by name.

    Example:
        >>> encoding = get_encoding("r50k_base")
        >>> stats()["r50k_base"]["loads"]
        1
    """
    return {name: _statistics(name, encoding) for name, encoding in ENCODINGS.copy().items()}


def _statistics(name: str, encoding: Encoding) -> EncodingStatistics:
    vocabulary = encoding._core_bpe.vocabulary
    caches, cache_bytes, cache_limit = vocabulary.caches
    return EncodingStatistics(
        requests=_requests.get(name, 0),
        loads=_loads.get(name, 0),
        vocabulary_bytes=vocabulary.nbytes,
        vocabulary_mapped=vocabulary.is_mapped,
        caches=caches,
        cache_bytes=cache_bytes,
        cache_limit=cache_limit,
    )


_registered.find = lambda encoding_name: ENCODINGS.get(encoding_name)
_registered.load = get_encoding


def _load_file(*arguments: Any) -> Any:
    from bpecore._models.loading import load_encoding

    return load_encoding(*arguments)


_registered.load_file = _load_file


def _show(*arguments: Any) -> Any:
    from bpecore.view.notebook import ShownTokens

    return ShownTokens(*arguments)


_registered.show = _show
