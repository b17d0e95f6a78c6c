"""HDF5 files of BigDataViewer: which image is meant, its numbers, and its pixel size in the XML beside."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
from numpy.typing import NDArray

from napari_graft.core.tile import Tile
from napari_graft.io import Volume, open_volume

IMAGE = np.random.default_rng(0).integers(0, 65535, (6, 24, 40)).astype(np.uint16)


def write_viewer(
    folder: Path, *, n_setups: int = 1, n_times: int = 1, unit: str = "um", xml: str | None = None
) -> Path:
    """Write setup s as IMAGE + s and time t as + 10 t, with a second level of half the width and height."""
    path = folder / "a.h5"
    views = ""
    with h5py.File(path, "w") as file:
        for setup in range(n_setups):
            file[f"s{setup:02}/resolutions"] = np.array([[1.0, 1, 1], [2, 2, 1]])
            file[f"s{setup:02}/subdivisions"] = np.array([[16, 16, 16], [16, 16, 16]])
            for time in range(n_times):
                group = f"t{time:05}/s{setup:02}"
                pixels = IMAGE + np.uint16(setup + 10 * time)
                file.create_dataset(f"{group}/0/cells", data=pixels.view(np.int16), chunks=(6, 8, 8))
                file.create_dataset(f"{group}/1/cells", data=pixels[:, ::2, ::2].view(np.int16))
            views += (
                f"<ViewSetup><id>{setup}</id><name>channel {setup}</name><size>40 24 6</size><voxelSize>"
                f"<unit>{unit}</unit><size>0.1 0.1 {0.3 + setup}</size></voxelSize></ViewSetup>"
            )
    text = f"<SpimData version='0.2'><SequenceDescription><ViewSetups>{views}</ViewSetups>"
    text += "</SequenceDescription></SpimData>"
    (folder / "a.xml").write_text(text if xml is None else xml)
    return path


def read_all(volume: Volume) -> NDArray[np.float32]:
    return volume.read(Tile((0,) * len(volume.shape), volume.shape))


def test_the_finest_level_is_read_with_its_pixel_size_and_told(tmp_path: Path) -> None:
    volume = open_volume(write_viewer(tmp_path))
    np.testing.assert_array_equal(read_all(volume), IMAGE.astype(np.float32))
    assert volume.axes.pixel_size_in("um") == pytest.approx((0.3, 0.1, 0.1))
    assert "BigDataViewer" in volume.size_note.origin
    (note,) = volume.notes
    assert "setup 0, time 0, level 0" in note
    assert "/t00000/s00/1/cells" in note


def test_numbers_that_are_stored_with_a_sign_are_read_without(tmp_path: Path) -> None:
    volume = open_volume(write_viewer(tmp_path))
    assert volume.dtype == np.uint16
    assert read_all(volume).min() >= 0
    assert read_all(volume).max() > 2**15


def test_setups_and_times_are_named_and_can_be_chosen(tmp_path: Path) -> None:
    path = write_viewer(tmp_path, n_setups=2, n_times=2)
    note = " ".join(open_volume(path).notes)
    for words in ("of its 8 images", "setup 1, time 0, level 0", "setup 0, time 1, level 0"):
        assert words in note
    chosen = open_volume(f"{path}::/t00001/s01/0/cells")
    np.testing.assert_array_equal(read_all(chosen), (IMAGE + np.uint16(11)).astype(np.float32))
    assert chosen.axes.pixel_size_in("um") == pytest.approx((1.3, 0.1, 0.1))
    assert chosen.notes == ()


def test_a_coarser_level_has_larger_pixels(tmp_path: Path) -> None:
    volume = open_volume(f"{write_viewer(tmp_path)}::t00000/s00/1/cells")
    assert volume.shape == (6, 12, 20)
    assert volume.axes.pixel_size_in("um") == pytest.approx((0.3, 0.2, 0.2))


@pytest.mark.parametrize("unit", ["pixel", "px", ""])
def test_units_that_are_none_give_no_pixel_size(tmp_path: Path, unit: str) -> None:
    assert open_volume(write_viewer(tmp_path, unit=unit)).axes.pixel_size is None


@pytest.mark.parametrize("xml", ["", "<SpimData>", "<other/>", "\0"])
def test_damaged_xml_costs_the_pixel_size_alone(tmp_path: Path, xml: str) -> None:
    volume = open_volume(write_viewer(tmp_path, xml=xml))
    assert volume.axes.pixel_size is None
    assert volume.shape == IMAGE.shape


def test_without_xml_the_image_is_read_all_the_same(tmp_path: Path) -> None:
    path = write_viewer(tmp_path)
    (tmp_path / "a.xml").unlink()
    assert open_volume(path).axes.pixel_size is None
