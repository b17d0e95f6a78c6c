"""Centre lines in SWC, read back as the format says it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from napari_graft.core.errors import InputError

Export = Callable[..., Path]


def read(path: Path) -> tuple[dict[int, np.ndarray], str]:
    """Return the rows of each object, and the whole text."""
    rows: dict[int, list[list[float]]] = {}
    text = path.read_text()
    for line in text.splitlines():
        if line.startswith("# object "):
            current = rows.setdefault(int(line.split()[-1]), [])
        elif not line.startswith("#"):
            current.append([float(one) for one in line.split()])
    return {one: np.array(found) for one, found in rows.items()}, text


def test_a_rod_is_a_line_along_its_middle_in_the_unit_of_the_pixels(write: Export) -> None:
    labels = np.zeros((9, 11, 40), np.uint16)
    labels[3:6, 4:7, 5:35] = 7
    labels[1, 1, 1] = 3
    found, text = read(write(labels, "swc", "out.swc", pixel_size=(30, 10, 5)))
    assert "# unit: nm" in text
    assert set(found) == {3, 7}
    rod = found[7]
    np.testing.assert_allclose(rod[:, 4], 4 * 30)  # z
    np.testing.assert_allclose(rod[:, 3], 5 * 10)
    assert rod[:, 2].min() <= 7 * 5 and rod[:, 2].max() >= 32 * 5
    assert (np.abs(np.diff(rod[:, 2])) == 5).all()
    np.testing.assert_allclose(rod[3:-3, 5], 20)  # two pixels of 10 nm to the outside
    assert found[3][0].tolist()[2:] == [5, 10, 30, 5, -1]


def test_each_node_follows_its_parent_and_a_fork_has_three_ends(write: Export) -> None:
    labels = np.zeros((5, 60, 60), np.uint16)
    labels[1:4, 28:33, 5:30] = 2
    for step in range(25):
        labels[1:4, 28 + step : 33 + step, 30 + step : 34 + step] = 2
        labels[1:4, 28 - step : 33 - step, 30 + step : 34 + step] = 2
    labels[1:4, 5:9, 2:6] = 2  # a piece of its own
    (rows,) = read(write(labels, "swc", "out.swc"))[0].values()
    numbers, parents = rows[:, 0].astype(int), rows[:, 6].astype(int)
    assert numbers.tolist() == list(range(1, len(rows) + 1))
    assert (parents < numbers).all()
    assert (parents == -1).sum() == 2
    links = np.bincount(parents[parents > 0], minlength=len(rows) + 1)
    assert (links >= 2).sum() == 1  # where it forks
    places = rows[:, 2:5]
    lengths = np.linalg.norm(places[parents[parents > 0] - 1] - places[numbers[parents > 0] - 1], axis=1)
    assert lengths.max() <= np.sqrt(3)


def test_a_plane_is_refused_in_words(write: Export, plane: np.ndarray) -> None:
    with pytest.raises(InputError, match=r"2-D image.*--to coco"):
        write(plane, "swc", "out.swc")
