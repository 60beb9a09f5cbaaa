"""bpecore: tiktoken's token ids, many times faster.

>>> import bpecore
>>> encoding = bpecore.get_encoding("o200k_base")
>>> encoding.encode("hello world")
[24912, 2375]
>>> encoding.count("hello world")
2
"""

from __future__ import annotations

from typing import TYPE_CHECKING

# tiktoken's users find these modules as attributes once `tiktoken` is imported.
from bpecore import _tiktoken as _tiktoken
from bpecore import core as core
from bpecore import model as model
from bpecore import registry as registry
from bpecore._core import StreamDecoder, StreamDecoderBatch, StreamEncoder, TokenCounter
from bpecore.core import Encoding
from bpecore.dropin import install_as_tiktoken, uninstall_as_tiktoken
from bpecore.model import (
    count_for_model,
    encode_for_model,
    encoding_for_model,
    encoding_name_for_model,
)
from bpecore.registry import get_encoding, list_encoding_names

__version__ = "0.1.0"

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


if TYPE_CHECKING:
    from bpecore import load as load
else:

    def __getattr__(name: str) -> object:
        # `tiktoken.load` is there as soon as an encoding is. Imported when it is asked for: it
        # costs as much as the rest of the package.
        if name == "load":
            import bpecore.load

            return bpecore.load
        raise AttributeError(f"module 'bpecore' has no attribute {name!r}")
