"""What tests see of the engine's allocations, and how they make one fail."""

from libc.stdint cimport int64_t

from engine.base.allocation_watch cimport (
    allocations_asked, allocations_failed, allocations_held, is_watched, set_failure, set_watch)


def watch_allocations(bint on=True):
    """Begins to watch the allocations of the engine, of all threads, or ends it.

    Args:
        on: whether to watch. What was counted so far is forgotten, and nothing fails any more.
    """
    set_watch(on)


def fail_allocation(int64_t number, bint lasting=False):
    """Lets one allocation of the engine fail, whichever thread makes it.

    Args:
        number: which one: 1 is the next. 0 lets none fail.
        lasting: whether all behind it fail too.

    Raises:
        RuntimeError: allocations are not watched.
        ValueError: `number` is negative.
    """
    if not is_watched():
        raise RuntimeError("allocations are not watched: call watch_allocations() first")
    if number < 0:
        raise ValueError(f"allocations are numbered from 1, not {number}")
    set_failure(number, lasting and number > 0)


def watched_allocations() -> tuple:
    """Returns what was counted since `watch_allocations`.

    Returns:
        How many allocations were asked for (a change of size counts), how many of them were made
        to fail, and how many are held more than when the watch began; less is negative.
    """
    return allocations_asked(), allocations_failed(), allocations_held()
