"""Fuzzing: `python -m fuzz` compares bpecore with tiktoken on random text until told to stop."""
