"""Does tasks in this process, one after another; each is brought to the disk while the next one is
done."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from bpecore.corpus.folder import Folder
from bpecore.corpus.plan import Plan
from bpecore.corpus.portions import Settings
from bpecore.corpus.tasks import Listener, Task, do_task, failure_of


def do_tasks_here(
    plan: Plan,
    folder: Folder,
    settings: Settings,
    tasks: Sequence[Task],
    listener: Listener,
) -> None:
    """Does tasks, see `bpecore.corpus.tasks.Executor`."""
    do_each(plan, folder, settings, tasks, listener)


def do_each(
    plan: Plan, folder: Folder, settings: Settings, tasks: Iterable[Task], listener: Listener
) -> None:
    """Does tasks as an iterator yields them.

    It is asked for the next task while an earlier one is brought to the disk.
    """
    with ThreadPoolExecutor(1) as background:
        pending: tuple[Task, Future[dict[str, Any]]] | None = None
        for task in tasks:
            finished = None
            try:
                finished = do_task(plan, task, folder, settings, listener.report)
            except Exception as error:
                failure = failure_of(error, folder)
                listener.failed(task, failure)
                if failure.is_final:
                    break
            if pending is not None and not _wait(*pending, folder, listener):
                pending = None
                break
            pending = None
            if finished is not None:
                pending = task, background.submit(finished.commit)
        if pending is not None:
            _wait(*pending, folder, listener)


def _wait(task: Task, commit: Future[dict[str, Any]], folder: Folder, listener: Listener) -> bool:
    """Waits until a task's files are on the disk; returns whether they are."""
    try:
        record = commit.result()
    except Exception as error:
        listener.failed(task, failure_of(error, folder))
        return False
    listener.done(task, record)
    return True
