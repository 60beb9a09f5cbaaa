"""Does tasks on the nodes of a Ray cluster, which reach inputs and folder by the same paths.

A task is sent the name of a portion or shard, and the plan by reference; it reads ranges of the
inputs and writes its shard and record itself, so no data passes through Ray. Names follow from the
plan: a task that Ray repeats because its node died gives the same files, or finds them done.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator, Sequence
from typing import Any

from bpecore.corpus.errors import CorpusError
from bpecore.corpus.extra import library
from bpecore.corpus.folder import Folder
from bpecore.corpus.plan import Plan
from bpecore.corpus.portions import Settings
from bpecore.corpus.tasks import Failure, Listener, Task, do_task, failure_of

_RETRIES = 8
"""How often Ray repeats a task whose node or process died."""

_SECONDS = 1.0
"""Between two looks at the progress while no task ends."""

Outcome = tuple[list[int], "Failure | None"]
"""Bytes read, documents and tokens; and why it was not done."""


class OnRay:
    """Does tasks on a cluster, see `bpecore.corpus.tasks.Executor`.

    Args:
        address: as `ray.init` takes it: "auto", "HOST:PORT", or "ray://HOST:PORT".
        workers: how many tasks there are at a time at most; None for as many as the cluster has
            CPUs.

    Raises:
        CorpusError: Ray is not installed, or no cluster answers.
    """

    def __init__(self, address: str, workers: int | None) -> None:
        self._ray = library("ray", "--ray")
        self._workers = workers
        self._is_ours = not self._ray.is_initialized()
        if self._is_ours:
            try:
                _knock(address)
                self._ray.init(address=address, log_to_driver=False, logging_level="error")
            except (ConnectionError, OSError, RuntimeError, ValueError) as error:
                line = str(error).strip().partition("\n")[0]
                raise CorpusError(f"no Ray cluster answers at {address}: {line}") from None

    def close(self) -> None:
        """Leaves the cluster, unless the caller had joined it."""
        if self._is_ours:
            self._ray.shutdown()

    def __call__(
        self,
        plan: Plan,
        folder: Folder,
        settings: Settings,
        tasks: Sequence[Task],
        listener: Listener,
    ) -> None:
        """Does tasks."""
        for task, (counts, failure) in self._outcomes((plan, folder, settings), tasks, listener):
            listener.report(*counts)
            if failure is not None:
                listener.failed(task, failure)
                if failure.is_final:
                    return
                continue
            record = folder.read_record(task.record_name)
            if record is None:
                what = f"a node wrote {task.record_name} to a folder of its own, not to this one"
                listener.failed(task, Failure(f"{folder.path}: {what}", True))
                return
            listener.done(task, record)

    def _outcomes(
        self, start: tuple[Plan, Folder, Settings], tasks: Sequence[Task], listener: Listener
    ) -> Iterator[tuple[Task, Outcome]]:
        """Yields each task with what came of it, as they end."""
        ray = self._ray
        do = ray.remote(num_cpus=1, max_retries=_RETRIES, scheduling_strategy="SPREAD")(_do)
        shared = ray.put(start)
        left = list(reversed(tasks))
        running: dict[Any, Task] = {}
        try:
            while left or running:
                while left and len(running) < self._most():
                    task = left.pop()
                    running[do.remote(shared, task)] = task
                ended, _ = ray.wait(list(running), timeout=_SECONDS)
                listener.report(0, 0, 0)
                for reference in ended:
                    task = running.pop(reference)
                    yield task, self._outcome(reference, task)
        finally:
            for reference in running:
                ray.cancel(reference, force=True)

    def _most(self) -> int:
        """Returns how many tasks may run now; nodes may come and go."""
        if self._workers is not None:
            return self._workers
        return max(1, int(self._ray.cluster_resources().get("CPU", 1))) + 1

    def _outcome(self, reference: Any, task: Task) -> Outcome:
        try:
            found: Outcome = self._ray.get(reference)
        except self._ray.exceptions.RayError as error:
            what = str(error).strip().partition("\n")[0]
            return [0, 0, 0], Failure(f"{task.record_name}: {what}; run it again", True)
        return found


def _knock(address: str) -> None:
    """Raises OSError if nothing listens at an address that has a port; Ray would wait minutes."""
    host, colon, port = address.rpartition("://")[2].rpartition(":")
    if colon and port.isdecimal():
        socket.create_connection((host.strip("[]"), int(port)), timeout=10).close()


def _do(start: tuple[Plan, Folder, Settings], task: Task) -> Outcome:
    """Does a task on a node, unless an earlier try has done it."""
    plan, folder, settings = start
    counts = [0, 0, 0]

    def report(*more: int) -> None:
        for place, count in enumerate(more):
            counts[place] += count

    try:
        if not os.path.exists(folder.manifest):
            node = os.uname().nodename
            raise CorpusError(f"{folder.path}: the node {node} does not reach this folder")
        if folder.read_record(task.record_name) is None:
            do_task(plan, task, folder, settings, report).commit()
    except Exception as error:
        return counts, failure_of(error, folder)
    return counts, None
