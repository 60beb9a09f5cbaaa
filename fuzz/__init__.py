"""Fuzzing from the source tree: `python -m fuzz`, stored mismatches, and planted faults."""
