"""Zarr images whose chunks are links: read as they are, watched, and never written through."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import zarr

from napari_graft.core.axes import Axes
from napari_graft.core.errors import InputError
from napari_graft.core.tile import Tile
from napari_graft.io import open_label_sink, open_volume
from napari_graft.io.integrity import image_stamp
from napari_graft.io.writers.file_kinds import TIFF
from napari_graft.io.writers.outputs import Input, Outputs

IMAGE = np.arange(128 * 96, dtype=np.uint16).reshape(128, 96)
WHOLE = Tile((0, 0), IMAGE.shape)


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    folder = tmp_path / "another disk"
    folder.mkdir()
    return folder


@pytest.fixture
def linked(tmp_path: Path, elsewhere: Path) -> Path:
    """Make an image whose upper rows of chunks lie on another disk, and of the lower ones one chunk."""
    path = tmp_path / "image.zarr"
    zarr.create_array(path, shape=IMAGE.shape, chunks=(32, 32), dtype="u2")[:] = IMAGE
    for name in ("0", "1"):
        _move_and_link(path / "c" / name, elsewhere / name)
    _move_and_link(path / "c" / "3" / "1", elsewhere / "3.1")
    return path


def _move_and_link(there: Path, target: Path) -> None:
    shutil.move(there, target)
    there.symlink_to(target)


def test_an_image_of_linked_chunks_is_read(linked: Path) -> None:
    np.testing.assert_array_equal(open_volume(linked).read_raw(WHOLE), IMAGE)


@pytest.mark.parametrize("chunk", ["0/2", "1/0", "3.1"])
def test_a_change_behind_a_link_is_noticed(linked: Path, elsewhere: Path, chunk: str) -> None:
    before = image_stamp(str(linked))
    assert image_stamp(str(linked)) == before
    (elsewhere / chunk).write_bytes((elsewhere / chunk).read_bytes())
    assert image_stamp(str(linked)) != before


def test_folders_that_lead_back_to_themselves_come_to_an_end(linked: Path) -> None:
    (linked / "c" / "2" / "back").symlink_to(linked)
    (linked / "c" / "9").symlink_to(linked / "c" / "9")
    assert image_stamp(str(linked)) == image_stamp(str(linked))


def test_nothing_is_written_into_a_linked_folder_of_an_image(linked: Path) -> None:
    outputs = Outputs((Input(linked, "the image"),))
    with pytest.raises(InputError, match="lies in the image"):
        outputs.check_file(linked / "c" / "0" / "found.tif", TIFF)
    with pytest.raises(InputError, match="a zarr folder"):
        Outputs().check_file(linked / "c" / "0" / "found.tif", TIFF)


@pytest.mark.parametrize("place", ["image.zarr/0/c/0", "image.zarr/0/c/0/1", "blocks", "image.zarr"])
def test_an_unfinished_result_with_a_link_is_not_gone_on_with(
    tmp_path: Path, elsewhere: Path, place: str
) -> None:
    path, axes = tmp_path / "found.zarr", Axes(("y", "x"))
    with_link = tmp_path / "found.zarr.partial" / place
    sink = open_label_sink(path, (64, 64), axes, block=(32, 32))
    sink.write(Tile((0, 0), (64, 64)), np.ones((64, 64), np.uint32))
    sink.release()
    with_link.mkdir(exist_ok=True, parents=True) if place == "blocks" else None
    _move_and_link(with_link, elsewhere / "kept")
    before = {file: file.read_bytes() for file in elsewhere.rglob("*") if file.is_file()}
    with pytest.raises(InputError, match=r"found\.zarr\.partial holds a link, .*move that folder away"):
        open_label_sink(path, (64, 64), axes, block=(32, 32))
    assert before == {file: file.read_bytes() for file in elsewhere.rglob("*") if file.is_file()}

    with_link.unlink()
    shutil.move(elsewhere / "kept", with_link)
    again = open_label_sink(path, (64, 64), axes, block=(32, 32))  # nobody holds it any more
    assert again.is_resumed
    again.release()
