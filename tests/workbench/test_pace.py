from __future__ import annotations

from napari_graft.core.progress import Progress
from napari_graft.workbench.jobs import Pace


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_time_left_follows_from_what_was_done_so_far() -> None:
    clock = Clock()
    pace = Pace(clock)

    assert pace.seconds_left(Progress(0, 100, "training")) is None
    clock.now += 10
    assert pace.seconds_left(Progress(25, 100, "training")) == 30


def test_work_that_was_done_before_it_was_seen_does_not_count_as_fast() -> None:
    clock = Clock()
    pace = Pace(clock)

    pace.seconds_left(Progress(80, 100, "training"))
    clock.now += 10
    assert pace.seconds_left(Progress(90, 100, "training")) == 10


def test_another_phase_is_timed_for_itself() -> None:
    clock = Clock()
    pace = Pace(clock)
    pace.seconds_left(Progress(0, 10, "reading"))
    clock.now += 1000

    assert pace.seconds_left(Progress(0, 10, "writing")) is None
    clock.now += 1
    assert pace.seconds_left(Progress(5, 10, "writing")) == 1


def test_without_a_total_nothing_is_promised() -> None:
    assert Pace(Clock()).seconds_left(Progress(3, None, "looking")) is None


def test_steps_that_were_remembered_promise_nothing() -> None:
    clock = Clock()
    pace = Pace(clock)
    pace.seconds_left(Progress(0, 10, "measuring"))
    clock.now += 0.02

    assert pace.seconds_left(Progress(2, 10, "measuring")) is None


def test_long_step_puts_the_end_off_while_it_lasts() -> None:
    clock = Clock()
    pace = Pace(clock)
    pace.seconds_left(Progress(0, 10, "measuring"))
    clock.now += 2
    assert pace.seconds_left(Progress(2, 10, "measuring")) == 8
    clock.now += 58

    assert pace.seconds_left_now() == 240
