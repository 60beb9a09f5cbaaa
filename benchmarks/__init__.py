"""Benchmarks: `python -m benchmarks` compares engines whose output it has verified first."""
