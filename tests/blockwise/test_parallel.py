from __future__ import annotations

import threading

import pytest
import torch

from napari_graft.core.errors import Cancelled
from napari_graft.core.process import run_parallel
from napari_graft.core.progress import CancelToken
from napari_graft.nets.device import LARGEST_WORKERS, count_workers, share_threads


@pytest.mark.parametrize("n_workers", [1, 2, 5])
def test_all_items_are_worked_on_and_no_more_at_once_than_there_are_workers(n_workers: int) -> None:
    lock = threading.Lock()
    n_running, n_most, n_taken = 0, 0, 0

    def items() -> range:
        return range(40)

    def work(item: int, cancel: CancelToken) -> int:
        nonlocal n_running, n_most
        with lock:
            n_running += 1
            n_most = max(n_most, n_running)
        with lock:
            n_running -= 1
        return item * item

    for _ in run_parallel(items(), work, n_workers, CancelToken()):
        n_taken += 1
    assert n_taken == 40
    assert n_most <= n_workers


def test_items_are_taken_as_workers_become_free() -> None:
    taken: list[int] = []

    def items() -> object:
        for item in range(100):
            taken.append(item)
            yield item

    answers = run_parallel(items(), lambda item, cancel: item, 2, CancelToken())  # type: ignore[arg-type]
    next(answers)
    assert len(taken) <= 6
    answers.close()  # type: ignore[attr-defined]


def test_an_error_stops_the_other_workers() -> None:
    seen: list[CancelToken] = []

    def work(item: int, cancel: CancelToken) -> None:
        seen.append(cancel)
        if item == 3:
            raise ValueError("item 3")

    with pytest.raises(ValueError, match="item 3"):
        list(run_parallel(range(1000), work, 2, CancelToken()))
    assert len(seen) < 20
    assert all(token.is_cancelled for token in seen)


def test_a_request_to_stop_does_not_touch_the_workers_of_others() -> None:
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        list(run_parallel(range(5), lambda item, cancel: item, 2, token))
    assert list(run_parallel([7], lambda item, cancel: item, 2, CancelToken())) == [7]


def test_workers_and_threads_are_shared_out() -> None:
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(6)
        assert count_workers(100) == LARGEST_WORKERS
        assert count_workers(2) == 2
        assert count_workers(0) == 1
        with pytest.raises(RuntimeError), share_threads(2):
            assert torch.get_num_threads() == 3
            raise RuntimeError
        assert torch.get_num_threads() == 6
    finally:
        torch.set_num_threads(before)
