"""Makes a corpus, or goes on with one that was begun."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from bpecore._build.threads import available_cpus
from bpecore.core import Encoding
from bpecore.corpus.cutting import cuts_of, remove_drafts
from bpecore.corpus.encoding_source import EncodingSource
from bpecore.corpus.errors import CorpusError
from bpecore.corpus.files import STANDARD_INPUT
from bpecore.corpus.finishing import finish_format
from bpecore.corpus.folder import Folder
from bpecore.corpus.here import do_tasks_here
from bpecore.corpus.inputs import find_inputs
from bpecore.corpus.lost import forget_lost
from bpecore.corpus.manifest import keep_or_compare, refuse_others, remove_corpus
from bpecore.corpus.options import Options, make_options
from bpecore.corpus.plan import Plan, make_plan
from bpecore.corpus.portions import Settings
from bpecore.corpus.processes import Processes
from bpecore.corpus.progress import Meter, OnProgress
from bpecore.corpus.summary import Summary, join_aside, summarize
from bpecore.corpus.tasks import Executor, Failure, Listener, Task
from bpecore.corpus.tokens import type_of_ids


def tokenize(
    inputs: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
    output: str | os.PathLike[str],
    *,
    format: str,
    encoding: str | Encoding | EncodingSource = "o200k_base",
    workers: int | None = None,
    on_progress: OnProgress | None = None,
    ray: str | None = None,
    **options: Any,
) -> Summary:
    """Makes shards of ids from files of text, or goes on with what an earlier call began.

    The same call on the same inputs gives the same bytes, whatever the number of workers and
    however often it was interrupted.

    Args:
        inputs: files, folders, globs, URLs that fsspec opens, or "-" for standard input; one or
            several.
        output: the folder for the shards: a new one, or one that the same call began.
        format: what shards are: "npy", "bin", "megatron", "datatrove", "llmc", "nanogpt", "olmo",
            "mds", "litdata", "parquet" or "arrow".
        encoding: an encoding, its name, or where it comes from.
        workers: how many processes; None for as many as this process has CPUs, or the cluster.
        on_progress: is called with a `Progress` about ten times per second.
        ray: the address of a Ray cluster that does it, as `ray.init` takes it; None: this machine
            does. All nodes must reach inputs and output by the same paths.
        **options: `strict=True` makes the first broken record an error, and `restart=True` removes
            what an earlier call made; the others are the attributes of
            `bpecore.corpus.options.Options`.

    Returns:
        What the corpus holds. It has `failures` if inputs could not be read; the rest is done.

    Raises:
        CorpusError: it cannot be done; the message is one line.
        KeyboardInterrupt: of the user; the same call goes on.

    Example:
        >>> from bpecore.corpus import tokenize
        >>> tokenize("texts/*.jsonl", "shards", format="npy", append="eot")  # doctest: +SKIP
    """
    is_strict = bool(options.pop("strict", False))
    is_restart = bool(options.pop("restart", False))
    source = encoding if isinstance(encoding, EncodingSource) else EncodingSource.of(encoding)
    made = make_options(source, format, options)
    type_of_ids(made)
    count = available_cpus() if workers is None else workers
    if type(count) is not int or count < 1:
        raise CorpusError(f"workers must be a number from 1 on, not {workers!r}")
    folder = Folder(os.fspath(output))
    paths = paths_of(inputs)
    try:
        refuse_others(folder)
        # Standard input is copied to the folder; with other inputs nothing is written until the
        # plan is made.
        plan = None if STANDARD_INPUT in paths else plan_of(paths, made, folder)
        folder.make()
        with folder.locked() as held:
            folder.sweep()
            if is_restart:
                remove_corpus(folder)
            if plan is None:
                plan = plan_of(paths, made, folder)
            keep_or_compare(plan, folder)
            meter = Meter(plan.size, on_progress)
            if ray is not None:
                return _run_on_ray(ray, workers, plan, folder, meter, is_strict)
            executor: Executor = do_tasks_here
            if count > 1 and len(plan.portions) > 1 and not getattr(sys, "frozen", False):
                executor = Processes(count, held)
            return run_plan(plan, folder, executor, count, meter, is_strict)
    except OSError as error:
        raise CorpusError(f"{error.filename or folder.path}: {error.strerror or error}") from None


def _run_on_ray(
    address: str, workers: int | None, plan: Plan, folder: Folder, meter: Meter, is_strict: bool
) -> Summary:
    """Does what is left of a plan on a Ray cluster."""
    from bpecore.corpus.on_ray import OnRay

    executor = OnRay(address, workers)
    try:
        return run_plan(plan, folder, executor, 1, meter, is_strict)
    finally:
        executor.close()


def paths_of(
    inputs: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
) -> list[str]:
    """Returns one input or several as a list."""
    several = [inputs] if isinstance(inputs, (str, os.PathLike)) else inputs
    return [os.fspath(path) for path in several]


def plan_of(paths: Sequence[str], options: Options, folder: Folder) -> Plan:
    """Returns the plan for inputs.

    Raises:
        CorpusError: there are none, or one cannot be read.
    """
    return make_plan(options, find_inputs(paths, options.input_format, folder.spool))


def run_plan(
    plan: Plan,
    folder: Folder,
    executor: Executor,
    workers: int,
    meter: Meter,
    is_strict: bool,
) -> Summary:
    """Does what is left of a plan, wherever an executor does it.

    Args:
        plan: the plan, which is that of the folder's manifest.
        folder: where shards go.
        executor: does the tasks.
        workers: how many tasks it does at a time.
        meter: shows the progress.
        is_strict: whether the first broken record is an error.

    Raises:
        CorpusError: a task failed and others need not be tried.
    """
    forget_lost(plan, folder)
    work = _Work(plan, folder, executor, meter)
    portions = [Task(portion=portion.number) for portion in plan.portions]
    threads = max(1, workers // max(1, min(workers, len(portions))))
    work.do("tokenize", portions, Settings(threads, is_strict))
    if plan.options.tokens_of_shard is not None and not work.failures:
        cuts = cuts_of(plan, folder)
        work.do("cut", [Task(cut=cut) for cut in cuts], Settings())
        if not work.failures:
            remove_drafts(plan, cuts, folder)
    if not work.failures:
        join_aside(plan, folder, work.records)
        finish_format(plan, folder, work.records)
    return summarize(plan, work.records, work.failures, meter.seconds)


class _Work:
    """The tasks of a plan, and what has come of them."""

    def __init__(self, plan: Plan, folder: Folder, executor: Executor, meter: Meter) -> None:
        self._plan, self._folder, self._executor = plan, folder, executor
        self._meter = meter
        self.records: dict[str, dict[str, Any]] = {}
        self.failures: list[str] = []
        self._final: Failure | None = None

    def do(self, stage: str, tasks: Sequence[Task], settings: Settings) -> None:
        """Does the tasks that have no record yet.

        Raises:
            CorpusError: one failed for good.
        """
        meter = self._meter
        left = []
        for task in tasks:
            record = self._folder.read_record(task.record_name)
            if record is None:
                left.append(task)
                continue
            self.records[task.record_name] = record
            if task.portion is not None:
                meter.read += self._plan.portions[task.portion].size
                meter.documents += sum(record["documents"])
                meter.tokens += sum(record["tokens"])
                meter.aside += record["aside"]
        meter.start(stage, len(tasks))
        meter.done = len(tasks) - len(left)
        if left:
            listener = Listener(meter.add, self._has_done, self._has_failed)
            self._executor(self._plan, self._folder, settings, left, listener)
        meter.tell(always=True)
        if self._final is not None:
            raise CorpusError(self._final.message)

    def _has_done(self, task: Task, record: dict[str, Any]) -> None:
        self.records[task.record_name] = record
        self._meter.done += 1
        self._meter.aside += record.get("aside", 0)
        self._meter.tell()

    def _has_failed(self, task: Task, failure: Failure) -> None:
        if failure.is_final:
            self._final = failure
        else:
            self.failures.append(failure.message)
