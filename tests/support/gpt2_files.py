"""The two files of GPT-2's vocabulary, regenerated from r50k_base."""

from __future__ import annotations

import json

from bpecore.data.rank_tables import load_rank_table

# Source: tiktoken 0.14.0, tiktoken_ext/openai_public.py.
MERGES_SHA256 = "1ce1664773c50f3e0cc8842619a93edc4624525b728b188a9e0be33b7726adc5"
VOCABULARY_SHA256 = "196139668be63f3b5d6574427317ae82f612a97c5d1cdaf36ed2256dbf636783"


def make_gpt2_files() -> tuple[bytes, bytes]:
    """The contents of `vocab.bpe` and of `encoder.json`."""
    table = load_rank_table("r50k_base")
    visible = [byte for byte in range(256) if chr(byte).isprintable() and chr(byte) != " "]
    letters = {byte: chr(byte) for byte in visible}
    for byte in range(256):
        letters.setdefault(byte, chr(256 + len(letters) - len(visible)))
    words = ["".join(letters[byte] for byte in token) for token in table.tokens]
    pairs = zip(table.parents[512::2], table.parents[513::2])
    merges = "#version: 0.2\n" + "".join(f"{words[a]} {words[b]}\n" for a, b in pairs)
    vocabulary = json.dumps(dict(zip([*words, "<|endoftext|>"], range(50_257))))
    return merges.encode(), vocabulary.encode()
