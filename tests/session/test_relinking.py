"""A project whose image was moved reads it from where it is now, and no other image unasked."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
import tifffile
import zarr

from napari_graft.cli.app import run
from napari_graft.core.errors import ImageDiffersError, InputError
from napari_graft.core.tile import Tile
from napari_graft.project.opening import open_project
from napari_graft.project.project import Project
from napari_graft.session.projects.creation import ImageOptions, make_project
from napari_graft.session.projects.relinking import relink_image

PIXELS = np.random.default_rng(0).integers(0, 200, (5, 48, 64), np.uint8)
WHOLE = Tile((0, 0, 0), PIXELS.shape)


@pytest.fixture
def moved(tmp_path: Path) -> Path:
    """Make a project, move its image, and return where it is now."""
    tifffile.imwrite(tmp_path / "a.tif", PIXELS, photometric="minisblack")
    make_project(tmp_path / "p.graft", ImageOptions(str(tmp_path / "a.tif"), pixel_size=(40, 4, 4))).close()
    (tmp_path / "new").mkdir()
    return (tmp_path / "a.tif").rename(tmp_path / "new" / "b.tif")


def read_whole(folder: Path) -> np.ndarray:
    with open_project(folder) as project:
        return project.volume.read_raw(WHOLE)


def opened(tmp_path: Path) -> Project:
    return open_project(tmp_path / "p.graft", write=True)


def test_moved_image_is_read_again_and_what_is_known_of_it_stays(tmp_path: Path, moved: Path) -> None:
    with opened(tmp_path) as project:
        before = project.manifest
        relink_image(project, str(moved))
        np.testing.assert_array_equal(project.volume.read_raw(WHOLE), PIXELS)

    with open_project(tmp_path / "p.graft") as project:
        assert project.image.path == str(moved)
        assert project.manifest == before.model_copy(update={"image": project.manifest.image})
        assert [entry.what for entry in project.journal.entries()] == ["relink image"]


@pytest.mark.parametrize("change", ["pixel", "contrast", "zarr"])
def test_other_image_is_taken_only_where_the_user_says_so(tmp_path: Path, moved: Path, change: str) -> None:
    other, pixels = tmp_path / "other.tif", PIXELS.copy()
    if change == "zarr":
        other = tmp_path / "other.zarr"
        array = zarr.create_array(other, shape=PIXELS.shape, dtype=PIXELS.dtype)
        array[:] = pixels
    else:
        pixels = PIXELS + 50 if change == "contrast" else pixels
        pixels[0, 0, 0] ^= 1
        tifffile.imwrite(other, pixels, photometric="minisblack")
    with opened(tmp_path) as project:
        before = project.manifest
        with pytest.raises(ImageDiffersError, match="is not the image that the project was made with"):
            relink_image(project, str(other))
        assert project.manifest == before
        relink_image(project, str(other), accept_changed=True)
        assert not project.is_image_changed
        if change == "contrast":
            assert project.manifest.intensity_range != before.intensity_range

    np.testing.assert_array_equal(read_whole(tmp_path / "p.graft"), pixels)


def test_zarr_of_other_pixels_is_noticed_though_its_metadata_are_the_same(tmp_path: Path) -> None:
    for name, pixels in (("a.zarr", PIXELS), ("b.zarr", PIXELS // 2)):
        zarr.create_array(tmp_path / name, shape=PIXELS.shape, dtype=PIXELS.dtype)[:] = pixels
    make_project(tmp_path / "p.graft", ImageOptions(str(tmp_path / "a.zarr"))).close()

    with opened(tmp_path) as project, pytest.raises(ImageDiffersError, match="grey values"):
        relink_image(project, str(tmp_path / "b.zarr"))


@pytest.mark.parametrize("trouble", ["missing", "shape", "no image"])
def test_what_cannot_be_the_image_is_refused_even_if_accepted(
    tmp_path: Path, moved: Path, trouble: str
) -> None:
    other = tmp_path / "other.tif"
    if trouble == "shape":
        tifffile.imwrite(other, PIXELS[:, :40], photometric="minisblack")
    elif trouble == "no image":
        other.write_text("words")
    with opened(tmp_path) as project:
        before = project.manifest
        with pytest.raises(InputError):
            relink_image(project, str(other), accept_changed=True)
        assert project.manifest == before


def test_dataset_of_a_moved_hdf5_file_need_not_be_named_again(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["raw/em"], file["raw/other"] = PIXELS, PIXELS[::-1]
    make_project(tmp_path / "p.graft", ImageOptions(f"{tmp_path / 'a.h5'}::raw/em")).close()
    (tmp_path / "a.h5").rename(tmp_path / "b.h5")

    assert run(["images", "relink", str(tmp_path / "p.graft"), "--image", str(tmp_path / "b.h5")]) == 0

    np.testing.assert_array_equal(read_whole(tmp_path / "p.graft"), PIXELS)


def test_command_says_what_differs_and_how_to_take_it_all_the_same(
    tmp_path: Path, moved: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = str(tmp_path / "p.graft")
    assert run(["suggest", folder, "--n", "2"]) == 2
    assert "images relink" in capsys.readouterr().err
    tifffile.imwrite(tmp_path / "other.tif", PIXELS + 50, photometric="minisblack")
    command = ["images", "relink", folder, "--image", str(tmp_path / "other.tif")]

    assert run(command) == 2
    words = capsys.readouterr().err
    assert "grey values" in words
    assert "--accept-changed" in words
    assert run([*command, "--accept-changed"]) == 0
    assert str(tmp_path / "other.tif") in capsys.readouterr().err.replace("\n", "")
