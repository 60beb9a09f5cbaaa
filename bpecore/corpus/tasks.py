"""The tasks of a plan, and how their progress is reported.

A task names a portion or a shard, nothing more, so that it can be sent anywhere. An executor does
tasks: in this process (`bpecore.corpus.here`) or in several (`bpecore.corpus.processes`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Callable, NamedTuple, Protocol

from bpecore.corpus.cutting import Cut, do_cut
from bpecore.corpus.errors import CorpusError, InputError
from bpecore.corpus.files import reason_of
from bpecore.corpus.folder import Folder
from bpecore.corpus.plan import Plan
from bpecore.corpus.portions import Finished, Report, Settings, do_portion, record_name


@dataclass(frozen=True)
class Task:
    """A portion or a shard.

    Attributes:
        portion: the portion's number; None for a shard.
        cut: the shard; None for a portion.
    """

    portion: int | None = None
    cut: Cut | None = None

    @property
    def record_name(self) -> str:
        """The name of the record that is there once the task is done."""
        return self.cut.record_name if self.cut is not None else record_name(self.portion or 0)


class Failure(NamedTuple):
    """Why a task was not done.

    Attributes:
        message: one line.
        is_final: whether other tasks need not be tried.
    """

    message: str
    is_final: bool


class Listener(NamedTuple):
    """The functions that are called while tasks run.

    Attributes:
        report: called with bytes read, documents and tokens.
        done: called with a task and its record.
        failed: called with a task and the reason.
    """

    report: Report
    done: Callable[[Task, dict[str, Any]], None]
    failed: Callable[[Task, Failure], None]


class Executor(Protocol):
    """Does tasks."""

    def __call__(
        self,
        plan: Plan,
        folder: Folder,
        settings: Settings,
        tasks: Sequence[Task],
        listener: Listener,
    ) -> None:
        """Does tasks in any order, until all are done or one failed for good."""


def do_task(plan: Plan, task: Task, folder: Folder, settings: Settings, report: Report) -> Finished:
    """Does a task; arguments and errors as for `do_portion`."""
    if task.cut is not None:
        return do_cut(plan, task.cut, folder, report)
    assert task.portion is not None
    return do_portion(plan, task.portion, folder, settings, report)


def failure_of(error: Exception, folder: Folder) -> Failure:
    """Returns the report of an error: one input that cannot be read does not stop the others."""
    if isinstance(error, CorpusError):
        return Failure(str(error), not isinstance(error, InputError))
    if isinstance(error, OSError):
        return Failure(f"{error.filename or folder.path}: {reason_of(error)}", True)
    if isinstance(error, MemoryError):
        return Failure("out of memory: fewer --workers need less", True)
    return Failure(f"{type(error).__name__}: {reason_of(error)}", True)
