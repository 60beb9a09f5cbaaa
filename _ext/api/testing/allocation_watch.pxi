"""For tests: counts the engine's allocations, and makes one of them fail."""

from libc.stdint cimport int64_t

from engine.base.allocation_watch cimport (
    allocations_asked, allocations_failed, allocations_held, is_watched, set_failure, set_watch)


def watch_allocations(bint on=True):
    """Begins or ends watching the engine's allocations, in all threads.

    Args:
        on: whether to watch. The counts are reset, and allocations no longer fail on purpose.
    """
    set_watch(on)


def fail_allocation(int64_t number, bint lasting=False):
    """Makes one allocation of the engine fail, in any thread.

    Args:
        number: 1 is the next allocation; 0: none fails.
        lasting: whether all later ones fail too.

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
    """Returns the counts since `watch_allocations`.

    Returns:
        How many allocations were requested, changes of size included; how many of them were made
        to fail; and how many more are held than at the beginning, which may be negative.
    """
    return allocations_asked(), allocations_failed(), allocations_held()
