from __future__ import annotations

from pathlib import Path
from typing import Any

import dask.array as da
import numpy as np
import pytest
from napari.layers import Image
from napari.utils.notifications import notification_manager
from napari.utils.progress import progress

from napari_graft._napari.project_files import write_project
from napari_graft.core.errors import InputError
from napari_graft.core.tile import Tile
from napari_graft.project.opening import open_project

PIXELS = np.random.default_rng(0).integers(0, 4000, (4, 50, 60), np.uint16)


def save(path: Path, data: Any, **arguments: Any) -> list[str]:
    """Save a layer as napari does."""
    layer_data, layer_arguments, _ = Image(data, **arguments).as_layer_data_tuple()
    return write_project(str(path), layer_data, layer_arguments)


def pixels_of(folder: Path) -> np.ndarray:
    with open_project(folder) as project:
        volume = project.volume
        return volume.read_raw(Tile((0,) * len(volume.shape), volume.shape))


@pytest.mark.parametrize("kind", ["numpy", "dask", "multiscale"])
def test_an_image_layer_becomes_a_project_with_its_pixels_inside(tmp_path: Path, kind: str) -> None:
    data = {"numpy": PIXELS, "dask": da.from_array(PIXELS), "multiscale": [PIXELS, PIXELS[:, ::2, ::2]]}[kind]

    written = save(tmp_path / "a.graft", data, scale=(0.04, 0.008, 0.008), units="um")

    assert written == [str(tmp_path / "a.graft")]
    np.testing.assert_array_equal(pixels_of(tmp_path / "a.graft"), PIXELS)
    with open_project(tmp_path / "a.graft") as project:
        assert project.volume.axes.pixel_size_in("nm") == pytest.approx((40, 8, 8))
        assert project.image.file.is_relative_to(tmp_path / "a.graft")


def test_colours_stay_colours_and_an_unknown_pixel_size_unknown(tmp_path: Path) -> None:
    colours = np.random.default_rng(1).integers(0, 255, (50, 60, 3), np.uint8)

    save(tmp_path / "a.graft", colours)

    np.testing.assert_array_equal(pixels_of(tmp_path / "a.graft"), colours)
    with open_project(tmp_path / "a.graft") as project:
        assert project.manifest.pixel_size is None


def test_a_time_series_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="has 4 axes, of shape"):
        save(tmp_path / "a.graft", np.zeros((2, 3, 20, 20), np.uint8))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("label", ["-3", "z"])
def test_an_axis_that_is_not_named_is_said_to_be_taken_for_slices(tmp_path: Path, label: str) -> None:
    notification_manager.records.clear()

    save(tmp_path / "a.graft", PIXELS, axis_labels=(label, "y", "x"), name="cells")

    said = [record.message for record in notification_manager.records]
    assert [("'cells' is taken for slices (z)" in words) for words in said] == (
        [True] if label != "z" else []
    )


@pytest.mark.parametrize(("label", "meaning"), [("c", "channels"), ("Channel", "channels"), ("t", "time")])
def test_channels_and_time_points_are_not_taken_for_slices(tmp_path: Path, label: str, meaning: str) -> None:
    with pytest.raises(InputError, match=f"axis of 4 of 'cells' is {meaning}, not slices"):
        save(tmp_path / "a.graft", PIXELS, axis_labels=(label, "y", "x"), name="cells")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_holds_something_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "a.graft").mkdir()
    (tmp_path / "a.graft" / "mine.txt").touch()
    with pytest.raises(InputError, match="exists already"):
        save(tmp_path / "a.graft", PIXELS)


def test_saving_that_is_stopped_leaves_nothing(tmp_path: Path) -> None:
    def stop(event: Any) -> None:
        for bar in event.added:
            bar.cancel()

    progress._all_instances.events.changed.connect(stop)
    try:
        assert save(tmp_path / "a.graft", PIXELS) == []
    finally:
        progress._all_instances.events.changed.disconnect(stop)
    assert list(tmp_path.iterdir()) == []
