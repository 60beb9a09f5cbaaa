"""bpecore: tiktoken's token ids, many times faster.

>>> import bpecore
>>> encoding = bpecore.get_encoding("o200k_base")
>>> encoding.encode("hello world")
[24912, 2375]
>>> encoding.count("hello world")
2
"""

from __future__ import annotations

from bpecore.core import Encoding
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
    "__version__",
    "count_for_model",
    "encode_for_model",
    "encoding_for_model",
    "encoding_name_for_model",
    "get_encoding",
    "list_encoding_names",
]
