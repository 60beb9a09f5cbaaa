"""Counting, truncating and splitting by a limit of tokens."""
