"""The history of a tile against a list of its states."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_graft.workbench.annotate.tile_history import TileHistory


@settings(max_examples=60)
@given(st.lists(st.sampled_from(["add", "undo", "redo"]), max_size=15))
def test_undo_and_redo_go_through_the_states_also_when_read_from_what_the_disk_has(acts: list[str]) -> None:
    start = np.zeros((4, 5), np.uint32)
    history, states, at = TileHistory(start), [start], 0
    written = [(start, True)]
    for number, act in enumerate(acts, 1):
        if act == "add":
            labels = states[at].copy()
            labels[number % 4] = number
            states[at + 1 :] = [labels]
            history.add(labels)
            at += 1
        elif act == "undo":
            assert (history.undo() is None) == (at == 0)
            at = max(at - 1, 0)
        else:
            assert (history.redo() is None) == (at == len(states) - 1)
            at = min(at + 1, len(states) - 1)
        written.append((history.labels, False))
        np.testing.assert_array_equal(history.labels, states[at])

    again = TileHistory.from_states(written)

    assert again is not None
    np.testing.assert_array_equal(again.labels, states[at])
    assert (again.n_done, again.n_undone) == (at, len(states) - 1 - at)
    for state in states[at + 1 :]:
        again.redo()
        np.testing.assert_array_equal(again.labels, state)
    for state in states[-2::-1]:
        again.undo()
        np.testing.assert_array_equal(again.labels, state)


def test_a_tile_that_was_begun_anew_is_undone_no_further() -> None:
    states = [np.full((3, 3), value, np.uint32) for value in range(4)]
    history = TileHistory.from_states(zip(states, (True, False, True, False), strict=True))
    assert history is not None and history.n_done == 1
    assert TileHistory.from_states([]) is None
