from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
import zarr

from napari_graft.core.errors import InputError
from napari_graft.io import open_labels, open_volume
from napari_graft.io.writers.file_kinds import is_our_zarr

ome_zarr_models = pytest.importorskip("ome_zarr_models")
Export = Callable[..., Path]


def label_attributes(path: Path) -> dict[str, dict[str, object]]:
    return zarr.open_group(path, mode="r").attrs.asdict()["ome"]["image-label"]


def test_objects_lie_beside_their_image_with_its_scale_and_a_colour_each(
    write: Export, plane: np.ndarray
) -> None:
    image = np.random.default_rng(0).integers(0, 255, plane.shape, np.uint8)

    out = write(plane, "ome-zarr", "out.zarr", image, pixel_size=(0.25, 0.3), unit="um")

    found = ome_zarr_models.open_ome_zarr(zarr.open_group(out, mode="r"))
    assert isinstance(found, ome_zarr_models.v05.Image)
    assert found.labels is not None
    assert found.labels.label_paths == ["objects"]
    label = ome_zarr_models.v05.ImageLabel.from_zarr(zarr.open_group(out / "labels/objects", mode="r"))
    assert len(label.ome_attributes.image_label.colors) == 5
    objects = zarr.open_group(out / "labels/objects", mode="r")
    np.testing.assert_array_equal(objects["0"][:], plane)
    np.testing.assert_array_equal(zarr.open_group(out, mode="r")["0"][:], image)
    axes = open_labels(out / "labels/objects").axes
    assert (axes.pixel_size_in("um"), axes.names) == (pytest.approx((0.25, 0.3)), ("y", "x"))
    known = label_attributes(out / "labels/objects")
    assert known["source"] == {"image": "../../"}
    assert [one["label-value"] for one in known["colors"]] == [3, 9, 12, 70_000, 4_000_000_000]
    assert len({tuple(one["rgba"]) for one in known["colors"]}) == 5


def counted(labels: np.ndarray, factors: tuple[int, ...]) -> np.ndarray:
    """Return the label that comes most often in each box, by a loop."""
    shape = tuple(-(-n // f) for n, f in zip(labels.shape, factors, strict=True))
    best = np.zeros(shape, labels.dtype)
    padded = np.pad(labels, [(0, -n % f) for n, f in zip(labels.shape, factors, strict=True)], mode="edge")
    for place in np.ndindex(shape):
        box = tuple(slice(i * f, (i + 1) * f) for i, f in zip(place, factors, strict=True))
        values = padded[box].ravel().tolist()
        best[place] = max(values, key=lambda one: (values.count(one), -values.index(one)))
    return best


def test_large_objects_have_smaller_levels_that_another_library_finds_valid(write: Export) -> None:
    rng = np.random.default_rng(0)
    plane = rng.integers(0, 4, (301, 612)).astype(np.uint16)
    out = write(plane, "ome-zarr", "plane.zarr", pixel_size=(4, 6))
    image = ome_zarr_models.open_ome_zarr(zarr.open_group(out, mode="r"))
    assert isinstance(image, ome_zarr_models.v05.ImageLabel)
    levels = image.ome_attributes.multiscales[0].datasets
    assert [one.path for one in levels] == ["0", "1", "2"]
    assert levels[2].coordinateTransformations[0].scale == [16, 24]
    assert levels[2].coordinateTransformations[1].translation == [6, 9]
    group = zarr.open_group(out, mode="r")
    half = counted(plane, (2, 2))
    np.testing.assert_array_equal(group["1"][:], half)
    np.testing.assert_array_equal(group["2"][:], counted(half, (2, 2)))
    np.testing.assert_array_equal(group["0"][:], plane)
    assert is_our_zarr(out)
    assert open_labels(out).shape == plane.shape


def test_z_is_halved_only_where_its_pixels_are_not_long_already(write: Export) -> None:
    stack = np.zeros((5, 300, 40), np.uint8)
    stack[:3, 100:] = 7
    image = np.zeros(stack.shape, np.uint8)
    flat = write(stack, "ome-zarr", "flat.zarr", image, pixel_size=(30, 4, 4))
    even = write(stack, "ome-zarr", "even.zarr", image, pixel_size=(4, 4, 4))
    for out, shape in ((flat, (5, 150, 20)), (even, (3, 150, 20))):
        ome_zarr_models.open_ome_zarr(zarr.open_group(out, mode="r"))
        ome_zarr_models.v05.ImageLabel.from_zarr(zarr.open_group(out / "labels/objects", mode="r"))
        level = zarr.open_group(out / "labels/objects", mode="r")["1"]
        assert level.shape == shape
        assert level[0, 50, 0] == 7 and level[0, 49, 0] == 0 and is_our_zarr(out)
        assert zarr.open_group(out, mode="r")["1"].shape == shape


def test_an_image_has_as_many_levels_as_its_objects_each_the_mean_of_its_pixels(write: Export) -> None:
    labels = np.zeros((258, 20), np.uint8)
    image = np.random.default_rng(0).integers(0, 255, (258, 20, 3), np.uint8)
    out = write(labels, "ome-zarr", "out.zarr", image)
    ome_zarr_models.open_ome_zarr(zarr.open_group(out, mode="r"))
    expected = image.reshape(129, 2, 10, 2, 3).mean(axis=(1, 3))
    found = zarr.open_group(out, mode="r")["1"][:]
    np.testing.assert_allclose(np.moveaxis(found, 0, -1), expected, atol=0.5)
    assert open_volume(out).shape == labels.shape


def test_objects_without_an_image_are_an_image_label_of_their_own(write: Export, stack: np.ndarray) -> None:
    out = write(stack, "ome-zarr", "out.zarr", pixel_size=(30, 4, 4))

    found = ome_zarr_models.open_ome_zarr(zarr.open_group(out, mode="r"))
    assert isinstance(found, ome_zarr_models.v05.ImageLabel)
    (dataset,) = found.ome_attributes.multiscales[0].datasets
    assert dataset.coordinateTransformations[0].scale == [30, 4, 4]
    assert [axis.unit for axis in found.ome_attributes.multiscales[0].axes] == ["nanometer"] * 3
    np.testing.assert_array_equal(zarr.open_group(out, mode="r")["0"][:], stack)


def test_the_image_is_left_out_on_request_and_colours_are_copied_with_it(
    write: Export, plane: np.ndarray
) -> None:
    image = np.random.default_rng(0).integers(0, 255, (*plane.shape, 3), np.uint8)

    whole = write(plane, "ome-zarr", "whole.zarr", image)
    alone = write(plane, "ome-zarr", "alone.zarr", image, labels_only=True)

    np.testing.assert_array_equal(zarr.open_group(whole, mode="r")["0"][:], np.moveaxis(image, -1, 0))
    assert open_volume(whole).shape == plane.shape
    assert "source" not in label_attributes(alone)
    ome_zarr_models.open_ome_zarr(zarr.open_group(whole, mode="r"))


def test_a_result_is_written_over_and_one_that_was_painted_in_is_not(
    write: Export, plane: np.ndarray
) -> None:
    image = np.zeros(plane.shape, np.uint8)
    image[5:30] = 9
    out = write(plane, "ome-zarr", "out.zarr", image)
    assert is_our_zarr(out)
    write(plane * 2 % 2**31, "ome-zarr", "out.zarr", image)

    zarr.open_group(out / "labels/objects", mode="r+")["0"][3, 3] = 77

    assert not is_our_zarr(out)
    with pytest.raises(InputError, match="was changed"):
        write(plane, "ome-zarr", "out.zarr", image)
    assert zarr.open_group(out / "labels/objects", mode="r")["0"][3, 3] == 77


@pytest.mark.parametrize("which", ["plane", "stack"])
def test_a_tiff_keeps_ids_scale_and_unit(write: Export, which: str, request: pytest.FixtureRequest) -> None:
    labels = request.getfixturevalue(which)
    sizes = (30, 4, 5)[-labels.ndim :]

    out = write(labels, "tiff", "out.tif", pixel_size=sizes)

    with tifffile.TiffFile(out) as tif:
        assert tif.is_ome
        assert f'PhysicalSizeX="{sizes[-1]}' in tif.ome_metadata
        assert 'PhysicalSizeYUnit="nm"' in tif.ome_metadata
        np.testing.assert_array_equal(tif.asarray(), labels)
    again = open_labels(out)
    assert (again.axes.pixel_size, again.axes.unit) == (pytest.approx(sizes), "nm")


@pytest.mark.parametrize(("to", "name"), [("tiff", "out.tif"), ("ome-zarr", "out.zarr")])
def test_what_has_no_object_is_an_image_of_background(write: Export, to: str, name: str) -> None:
    out = write(np.zeros((30, 40), np.uint8), to, name)

    labels = open_labels(out)
    assert labels.dtype == np.uint8
    assert not np.asarray(labels.data[:, :]).any()
    if to == "ome-zarr":
        ome_zarr_models.open_ome_zarr(zarr.open_group(out, mode="r"))
