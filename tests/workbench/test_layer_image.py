"""Whether a layer shows what its file holds: all pixels count, wherever they were changed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import dask.array as da
import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from napari_graft.core.axes import Axes
from napari_graft.core.errors import Cancelled, InputError
from napari_graft.core.progress import CancelToken, ignore_progress
from napari_graft.core.tile import Tile
from napari_graft.io.writers import image_copy
from napari_graft.workbench.data.layer_image import LayerImage
from napari_graft.workbench.data.project_opening import NewProject

STACK = np.random.default_rng(0).integers(0, 255, (6, 96, 96), np.uint8)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("stack") / "stack.tif"
    tifffile.imwrite(path, STACK, photometric="minisblack")
    return path


def layer_with(pixels: object, path: Path, *, has_channels: bool = False) -> LayerImage:
    return LayerImage("stack", pixels, has_channels, path=str(path))  # type: ignore[arg-type]  # any array


def test_layer_of_true_and_false_is_refused_before_a_project_is_made() -> None:
    with pytest.raises(InputError, match="layer 'mask' has the dtype bool, which holds true and false"):
        LayerImage("mask", STACK > 100).axes()


@given(st.tuples(*(st.integers(0, n - 1) for n in STACK.shape)))
def test_one_changed_pixel_anywhere_is_noticed(file: Path, place: tuple[int, ...]) -> None:
    changed = STACK.copy()
    changed[place] ^= 1

    assert not layer_with(changed, file).is_in_file()
    assert not layer_with(da.from_array(changed, chunks=(1, 40, 40)), file).is_in_file()


@pytest.mark.parametrize("kind", [np.asarray, lambda a: da.from_array(a, chunks=(1, 40, 40))])
def test_untouched_layer_needs_no_copy(file: Path, kind: Callable[[NDArray[np.uint8]], object]) -> None:
    assert layer_with(kind(STACK), file).is_in_file()


@pytest.mark.parametrize(
    ("pixels", "has_channels"),
    [
        (STACK[0], False),
        (STACK.astype(np.uint16), False),
        (np.stack([STACK] * 3, -1), True),
        (STACK[:, ::-1], False),
        (STACK[:3], False),
    ],
)
def test_layer_of_another_form_is_not_what_the_file_holds(
    file: Path, pixels: NDArray[np.generic], has_channels: bool
) -> None:
    assert not layer_with(pixels, file, has_channels=has_channels).is_in_file()


def test_byte_order_and_missing_values_make_no_difference(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).normal(size=(40, 50)).astype(np.float32)
    pixels[3, 4] = np.nan
    tifffile.imwrite(tmp_path / "big.tif", pixels.astype(">f4"), byteorder=">")

    assert layer_with(pixels, tmp_path / "big.tif").is_in_file()


def test_colours_are_compared_with_all_their_channels(tmp_path: Path) -> None:
    colours = np.random.default_rng(0).integers(0, 255, (40, 50, 3), np.uint8)
    tifffile.imwrite(tmp_path / "rgb.tif", colours, photometric="rgb")
    changed = colours.copy()
    changed[39, 49, 2] ^= 1

    assert layer_with(colours, tmp_path / "rgb.tif", has_channels=True).is_in_file()
    assert not layer_with(changed, tmp_path / "rgb.tif", has_channels=True).is_in_file()


def test_difference_in_a_later_block_is_found(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image_copy, "BLOCK_BYTES", 5000)
    changed = STACK.copy()
    changed[-1, -1, -1] ^= 1

    assert not layer_with(changed, file).is_in_file()
    assert layer_with(STACK, file).is_in_file()


def test_file_that_is_gone_or_damaged_is_no_reason_to_give_up(file: Path, tmp_path: Path) -> None:
    whole = file.read_bytes()
    (tmp_path / "cut.tif").write_bytes(whole[: len(whole) // 2])

    assert not layer_with(STACK, tmp_path / "gone.tif").is_in_file()
    assert not layer_with(STACK, tmp_path / "cut.tif").is_in_file()


def test_comparing_can_be_stopped(file: Path) -> None:
    cancel = CancelToken()
    cancel.cancel()

    with pytest.raises(Cancelled):
        layer_with(STACK, file).is_in_file(cancel=cancel)


def test_project_holds_what_an_edited_layer_shows(file: Path, tmp_path: Path) -> None:
    edited = STACK.copy()
    edited[0], edited[:, :20, :20] = edited[1], 0
    request = NewProject(layer_with(edited, file), Axes(("z", "y", "x")), tmp_path / "p.graft", None, False)

    with request.make(ignore_progress, CancelToken()) as project:
        shown = project.volume.read_raw(Tile((0, 0, 0), STACK.shape))

    np.testing.assert_array_equal(shown, edited)
    np.testing.assert_array_equal(tifffile.imread(file), STACK)
