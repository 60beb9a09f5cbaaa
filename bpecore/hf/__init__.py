"""The interface of Hugging Face's `tokenizers`, and its place in `transformers`.

`Tokenizer` has the methods of `tokenizers.Tokenizer` that people use, and their results, on this
package's engine. `patch_transformers` makes `AutoTokenizer.from_pretrained` use it.
"""

from __future__ import annotations

from bpecore.hf.decoding import DecodeStream
from bpecore.hf.encoding import Encoding
from bpecore.hf.limits import Padding, Truncation
from bpecore.hf.tokenizer import Tokenizer
from bpecore.hf.transformers_patch import patch_transformers, unpatch_transformers

__all__ = [
    "DecodeStream",
    "Encoding",
    "Padding",
    "Tokenizer",
    "Truncation",
    "patch_transformers",
    "unpatch_transformers",
]
