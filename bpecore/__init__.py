"""bpecore: tiktoken's token ids, many times faster.

>>> import bpecore
>>> encoding = bpecore.get_encoding("o200k_base")
>>> encoding.encode("hello world")
[24912, 2375]
>>> encoding.count("hello world")
2
"""

from __future__ import annotations

try:
    from bpecore._core import StreamDecoder, StreamDecoderBatch, StreamEncoder, TokenCounter
except ImportError as error:
    if "interpreter" in str(error):
        raise ImportError(
            "bpecore can be imported by one interpreter per process, usually the main one. Use "
            "threads, which encode in parallel, or processes (bpecore.pool) instead"
        ) from error
    if error.name != "bpecore._core" or not isinstance(error, ModuleNotFoundError):
        raise
    from bpecore._source_tree import use_installed

    __file__ = use_installed(__path__)
    from bpecore._core import StreamDecoder, StreamDecoderBatch, StreamEncoder, TokenCounter

# tiktoken's users find these modules as attributes once `tiktoken` is imported.
from bpecore import _tiktoken as _tiktoken
from bpecore import core as core
from bpecore import model as model
from bpecore import registry as registry
from bpecore._version import __version__
from bpecore.core import Encoding
from bpecore.model import (
    count_for_model,
    encode_for_model,
    encoding_for_model,
    encoding_name_for_model,
)
from bpecore.registry import get_encoding, list_encoding_names

__all__ = [
    "Encoding",
    "StreamDecoder",
    "StreamDecoderBatch",
    "StreamEncoder",
    "TokenCounter",
    "__version__",
    "count_for_model",
    "encode_for_model",
    "encoding_for_model",
    "encoding_name_for_model",
    "get_encoding",
    "install_as_tiktoken",
    "list_encoding_names",
    "uninstall_as_tiktoken",
]


TYPE_CHECKING = False  # as in `typing`, whose import takes longer than all of this
if TYPE_CHECKING:
    from bpecore import load as load
    from bpecore.dropin import install_as_tiktoken, uninstall_as_tiktoken
else:
    # Imported on first use, each with the package that it needs. tiktoken has `tiktoken.load` as
    # soon as it has an encoding.
    _LAZY_MODULES = {
        "aio": "anyio",
        "chat": None,
        "corpus": None,
        "encodings": None,
        "hf": None,
        "load": None,
        "pool": None,
        "prefix_hash": None,
        "prometheus": "prometheus_client",
        "types": None,
    }

    def __getattr__(name: str) -> object:
        if name in _LAZY_MODULES:
            from importlib import import_module

            return import_module(f"bpecore.{name}")
        if name in ("install_as_tiktoken", "uninstall_as_tiktoken"):
            from bpecore import dropin

            globals()[name] = getattr(dropin, name)
            return globals()[name]
        raise AttributeError(f"module 'bpecore' has no attribute {name!r}")

    def __dir__() -> list[str]:
        """Lists what is public, without modules whose extra is not installed."""
        from importlib.util import find_spec

        lazy = [name for name, needed in _LAZY_MODULES.items() if not needed or find_spec(needed)]
        special = [name for name in globals() if name[:2] == name[-2:] == "__"]
        return sorted({*__all__, "core", "model", "registry", *lazy, *special})
