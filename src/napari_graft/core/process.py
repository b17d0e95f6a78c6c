"""Threads and memory of this process: how threads wait, a pool of them, and how much memory is held."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from itertools import islice
from pathlib import Path
from typing import TypeVar

from napari_graft.core.errors import InputError
from napari_graft.core.progress import CancelToken


def wait_without_spinning() -> None:
    """Let OpenMP threads sleep while they wait, unless the user's environment says otherwise.

    By default they spin, each on a core. Where another program wants that core, as napari beside a training
    does, the thread that all wait for is not even running: a training step of two threads on two busy cores
    took 8 s, and takes 0.5 s with threads that sleep, for the same work.

    Call it before torch is imported, which reads the environment once.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


_MEGABYTE = 2**20


def resident_megabytes() -> float | None:
    """Return the memory that the process holds, in MiB; None where the system does not tell.

    Linux tells what it holds now, macOS the most that it ever held.
    """
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except OSError:
        return _peak_megabytes()
    return pages * os.sysconf("SC_PAGE_SIZE") / _MEGABYTE


def _peak_megabytes() -> float | None:
    try:
        import resource
    except ImportError:  # Windows
        return None
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _MEGABYTE


def available_bytes() -> int | None:
    """Return the memory that a process can still take without pushing others out; None where nobody tells."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:  # not Linux
        return None
    found = (line.split()[1] for line in lines if line.startswith("MemAvailable:"))
    return next((int(kilobytes) * 1024 for kilobytes in found), None)


def require_memory(n_bytes: int, what: str) -> None:
    """Refuse what does not fit into the memory, before the system ends the program for it.

    Raises
    ------
    InputError
        If so.
    """
    free = available_bytes()
    if free is not None and n_bytes > free:
        raise InputError(
            f"{what} takes {n_bytes / 2**30:.1f} GiB of memory, of which {free / 2**30:.1f} GiB are free: "
            "close other programs, export a smaller region, or use a computer with more memory"
        )


Item = TypeVar("Item")
Answer = TypeVar("Answer")


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
