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
except ModuleNotFoundError as error:
    if error.name != "bpecore._core":
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

    def __getattr__(name: str) -> object:
        # Imported on first use. tiktoken has `tiktoken.load` as soon as it has an encoding.
        if name == "load":
            import bpecore.load

            return bpecore.load
        if name in ("install_as_tiktoken", "uninstall_as_tiktoken"):
            from bpecore import dropin

            globals()[name] = getattr(dropin, name)
            return globals()[name]
        raise AttributeError(f"module 'bpecore' has no attribute {name!r}")
