"""`python -m fuzz.leaks`: calls every entry point a million times and sees whether memory grows."""

from __future__ import annotations

from bpecore.fuzzing.leaks import leaks

if __name__ == "__main__":
    leaks(prog_name="python -m fuzz.leaks")
