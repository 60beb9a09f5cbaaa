"""The formats of a corpus's shards.

They are apart from `bpecore.corpus`, so that the command line's help does not import it.
"""

FORMATS = (
    *("npy", "bin", "megatron", "datatrove", "llmc", "nanogpt", "olmo", "mds", "litdata"),
    *("parquet", "arrow"),
)
