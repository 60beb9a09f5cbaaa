"""`python -m bpecore` is the command `bpecore`."""

from __future__ import annotations

from bpecore.cli import main

if __name__ == "__main__":
    main(prog_name="bpecore")
