from __future__ import annotations

from collections.abc import Iterator

from pytestqt.qtbot import QtBot
from qtpy.QtCore import QObject

from napari_graft._qt.shell.event_loop import Stepper


def count_to(n: int, taken: list[int]) -> Iterator[None]:
    for i in range(n):
        taken.append(i)
        yield


def test_first_step_is_taken_at_once_and_the_others_between_events(qtbot: QtBot) -> None:
    owner, taken = QObject(), []
    stepper = Stepper(owner)
    assert stepper.is_at_rest
    stepper.begin(count_to(3, taken))
    assert taken == [0]
    assert not stepper.is_at_rest

    qtbot.waitUntil(lambda: stepper.is_at_rest, timeout=60_000)

    assert taken == [0, 1, 2]


def test_new_steps_take_the_place_of_those_that_are_left(qtbot: QtBot) -> None:
    owner, first, second = QObject(), [], []
    stepper = Stepper(owner)
    stepper.begin(count_to(3, first))
    stepper.begin(count_to(2, second))
    qtbot.waitUntil(lambda: stepper.is_at_rest, timeout=60_000)

    assert (first, second) == ([0], [0, 1])


def test_step_may_begin_others(qtbot: QtBot) -> None:
    owner, taken = QObject(), []
    stepper = Stepper(owner)

    def steps() -> Iterator[None]:
        stepper.begin(count_to(2, taken))
        yield
        raise AssertionError("other steps were begun")

    stepper.begin(steps())
    qtbot.waitUntil(lambda: stepper.is_at_rest, timeout=60_000)

    assert taken == [0, 1]


def test_step_may_be_the_end_of_the_owner(qtbot: QtBot) -> None:
    owners = [QObject()]
    stepper = Stepper(owners[0])

    def steps() -> Iterator[None]:
        owners[0].deleteLater()
        qtbot.waitSignal(owners.pop().destroyed, raising=True, timeout=60_000).wait()
        yield

    stepper.begin(steps())

    assert stepper._steps is None
