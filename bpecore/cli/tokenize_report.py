"""What `bpecore tokenize` says: a line of progress, lines in a log, or JSON for programs."""

from __future__ import annotations

import json
import shutil
import sys
import time
from typing import TYPE_CHECKING, Any

import click

from bpecore._plural import counted
from bpecore.cli.inputs import printable

if TYPE_CHECKING:
    from bpecore.corpus import Progress, Summary
    from bpecore.corpus.estimates import Estimate

_LOG_INTERVAL = 30.0
"""Seconds between lines in a log, and between objects of JSON where it is not a terminal."""

_JSON_INTERVAL = 1.0
_SHOWN = 20
"""Files and shards listed in a summary on a terminal or in a log; JSON has all."""


class Reporter:
    """Shows progress and results.

    Args:
        as_json: whether programs read it: objects on standard output, one per line.
    """

    def __init__(self, as_json: bool) -> None:
        self._as_json = as_json
        self._is_terminal = sys.stderr is not None and sys.stderr.isatty() and not as_json
        self._last = time.monotonic()
        self._is_shown = False

    def show_progress(self, progress: Progress) -> None:
        """Shows how far the work is, if it was not shown a moment ago."""
        now = time.monotonic()
        if self._is_terminal:
            line = progress_line(progress)
            width = shutil.get_terminal_size().columns - 1
            click.echo(f"\r{line[:width]:<{width}}", nl=False, err=True)
            self._is_shown = True
        elif now - self._last >= (_JSON_INTERVAL if self._as_json else _LOG_INTERVAL):
            self._last = now
            if self._as_json:
                self._print({"event": "progress", **progress._asdict()})
            else:
                click.echo(progress_line(progress), err=True)

    def clear(self) -> None:
        """Removes the line of progress."""
        if self._is_shown:
            width = shutil.get_terminal_size().columns - 1
            click.echo(f"\r{'':<{width}}\r", nl=False, err=True)
            self._is_shown = False

    def show_summary(self, summary: Summary, output: str) -> None:
        """Shows what a corpus holds."""
        if self._as_json:
            listed = {
                name: [vars(row) for row in getattr(summary, name)] for name in ("files", "shards")
            }
            self._print({"event": "summary", **vars(summary), **listed})
            return
        for title, rows in (("file", summary.files), ("shard", summary.shards)):
            click.echo(f"{'tokens':>15}  {'documents':>12}  {title}")
            for row in rows[:_SHOWN]:
                name = printable(row.name)
                click.echo(f"{row.tokens:>15,}  {row.documents:>12,}  {name}")
            if len(rows) > _SHOWN:
                click.echo(f"{'…':>15}  {'…':>12}  {len(rows) - _SHOWN:,} more")
        documents = counted(summary.documents, "document")
        total = f"{counted(summary.tokens, 'token')} of {documents} in {printable(output)}"
        for count, thing, what in (
            (summary.cut, "document", "cut"),
            (summary.dropped, "document", "dropped"),
            (summary.aside, "record", "set aside, see _bpecore/aside.jsonl there"),
        ):
            total += f"; {counted(count, f'{thing} was', f'{thing}s were')} {what}" if count else ""
        click.echo(f"{total}. {summary.seconds:.1f} s")

    def show_estimate(self, estimate: Estimate) -> None:
        """Shows what a run would make."""
        if self._as_json:
            self._print({"event": "estimate", **estimate._asdict()})
            return
        for line in estimate.lines():
            click.echo(line)

    def _print(self, found: dict[str, Any]) -> None:
        click.echo(json.dumps(found))


def progress_line(progress: Progress) -> str:
    """Returns the progress as a line."""
    if progress.stage == "cut":
        return f"cutting shards: {progress.tasks_done:,} of {progress.tasks:,}"
    percent = 100 * progress.read / progress.size if progress.size else 100
    parts = [
        f"{percent:3.0f} %",
        f"{progress.bytes_per_second / 1e6:,.0f} MB/s",
        f"{progress.tokens_per_second / 1e6:,.1f} M tokens/s",
        counted(progress.documents, "document"),
        counted(progress.tokens, "token"),
    ]
    if progress.aside:
        parts.append(f"{progress.aside:,} aside")
    if progress.seconds_left is not None:
        parts.append(f"{_duration(progress.seconds_left)} left")
    return "  ".join(parts)


def _duration(seconds: float) -> str:
    whole = int(seconds + 0.5)
    hours, minutes = whole // 3600, whole // 60 % 60
    return f"{hours}:{minutes:02}:{whole % 60:02}" if hours else f"{minutes}:{whole % 60:02}"
