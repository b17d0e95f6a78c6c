"""Work on several blocks, or other things, at once, never on more than there are workers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from itertools import islice
from typing import TypeVar

from napari_graft.core.progress import CancelToken

Item = TypeVar("Item")
Answer = TypeVar("Answer")

LARGEST_WORKERS = 4
"""Each worker holds a block, or a network, in memory."""

_POLL_SECONDS = 0.1
_PATIENCE_SECONDS = 0.5


def run_parallel(
    items: Iterable[Item], work: Callable[[Item, CancelToken], Answer], n_workers: int, cancel: CancelToken
) -> Iterator[Answer]:
    """Yield the answers of `work` as they come, in any order; items are taken as workers become free.

    When asked to stop, or after an error, the workers are told and waited for, but not for long: one that is
    inside a library goes on for a moment in the background, and what it then has is dropped.

    Raises
    ------
    Cancelled
        Within a fraction of a second after it was asked for.
    """
    stop = CancelToken()
    pool = ThreadPoolExecutor(n_workers, thread_name_prefix="side-by-side")
    waiting = iter(items)
    running: set[Future[Answer]] = set()
    try:
        while True:
            free = n_workers + 1 - len(running)
            running |= {pool.submit(work, item, stop) for item in islice(waiting, free)}
            if not running:
                return
            done, running = wait(running, _POLL_SECONDS, return_when=FIRST_COMPLETED)
            cancel.raise_if_cancelled()
            for future in done:
                yield future.result()
    finally:
        stop.cancel()
        pool.shutdown(wait=False, cancel_futures=True)
        wait(running, _PATIENCE_SECONDS)


def count_workers(n_items: int) -> int:
    """Return how many workers suit torch's number of threads."""
    import torch

    return max(1, min(torch.get_num_threads(), n_items, LARGEST_WORKERS))


@contextmanager
def share_threads(n_workers: int) -> Iterator[None]:
    """Let each of the workers use its share of torch's threads.

    A worker for each core, with one thread for its network and for its decoding, keeps all cores busy
    whichever of the two takes longer. Two threads on one network wait for each other at every layer, and the
    more the busier the machine is.
    """
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(max(1, before // n_workers))
    try:
        yield
    finally:
        torch.set_num_threads(before)
