"""`python -m fuzz`: compares bpecore with tiktoken on random text until told to stop."""

from __future__ import annotations

from bpecore.fuzzing.command import fuzz

if __name__ == "__main__":
    fuzz(prog_name="python -m fuzz")
