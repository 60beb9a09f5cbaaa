"""Corpora: files of text in, shards of ids out, which training programs read.

`tokenize` is what the command `bpecore tokenize` does. It needs the extra `corpus`.
"""

from bpecore._corpus_formats import FORMATS
from bpecore.corpus.encoding_source import EncodingSource
from bpecore.corpus.errors import CorpusError, InputError
from bpecore.corpus.options import Options
from bpecore.corpus.progress import Progress
from bpecore.corpus.run import tokenize
from bpecore.corpus.summary import FileSummary, Summary

__all__ = [
    "FORMATS",
    "CorpusError",
    "EncodingSource",
    "FileSummary",
    "InputError",
    "Options",
    "Progress",
    "Summary",
    "tokenize",
]
