"""`ModelSource`: what an encoding was made from."""

from __future__ import annotations

from bpecore._models.tuples import NamedTuple


class ModelSource(NamedTuple):
    """What `Encoding.from_file` found.

    Attributes:
        kind: "tiktoken", "tekken", "tokenizer.json", "gguf" or "vocab.json and merges.txt".
        path: the file that the vocabulary was read from.
        pattern: the preset of the split pattern; "" if it is none that is known.
        details: what else was found, in words.
    """

    kind: str
    path: str
    pattern: str
    details: str

    def __str__(self) -> str:
        pattern = f"the split pattern of {self.pattern}" if self.pattern else "a pattern of its own"
        return f"{self.path}: {self.kind}, {pattern}, {self.details}"
