from pathlib import Path

import numpy as np
import pytest
import tifffile

from napari_graft.core.errors import InputError
from napari_graft.recipes.dataset_split import load_dataset, plane_group, planes_of
from napari_graft.recipes.recipe import ImageEntry, Recipe, Schedule


def _recipe(*entries: ImageEntry, patch: object = None, **spec: object) -> Recipe:
    return Recipe.model_validate(
        {
            "id": "made-up",
            "title": "Made up",
            "structure": "cells",
            "license": "CC0-1.0",
            "images": entries,
            "spec": {"ndim": 3} | spec,
            "schedule": Schedule.model_validate({"steps": 1, "patch": patch}),
        }
    )


def _write_volume(folder: Path, name: str, shape: tuple[int, int, int], first: int = 0) -> None:
    """Write a volume whose planes each have a grey value of their own."""
    image = np.broadcast_to(np.arange(shape[0], dtype=np.uint8)[:, None, None] + first, shape)
    tifffile.imwrite(folder / f"image_{name}.tif", image, photometric="minisblack")
    tifffile.imwrite(folder / f"labels_{name}.tif", np.ones(shape, np.uint8), photometric="minisblack")


def test_the_parts_of_a_volume_are_blocks_and_the_last_fifth_is_only_scored(tmp_path: Path) -> None:
    _write_volume(tmp_path, "a", (50, 16, 16))

    dataset = load_dataset(_recipe(ImageEntry(image="image_a.tif", labels="labels_a.tif")), tmp_path)

    parts = [dataset.train, dataset.validation, dataset.test]
    assert [[piece.image.shape for piece in part] for part in parts] == [
        [(32, 16, 16)],
        [(8, 16, 16)],
        [(10, 16, 16)],
    ]
    # Grey rises from plane to plane up to the brightest percentiles: what follows is not seen before.
    train, validation, test = (part[0].image[:, 0, 0] for part in parts)
    assert np.all(np.diff(train) > 0)
    assert train[-1] < validation[0] < validation[-1] < test[0]
    assert len(dataset.image_sha256s) == 1


def test_several_volumes_are_one_row_of_planes_whose_last_fifth_is_scored(tmp_path: Path) -> None:
    for name, n_planes in (("a", 30), ("b", 20)):
        _write_volume(tmp_path, name, (n_planes, 16, 16))

    dataset = load_dataset(_recipe(ImageEntry(image="image_*.tif", labels="labels_*.tif")), tmp_path)

    n_planes = [[len(p.image) for p in part] for part in (dataset.train, dataset.validation, dataset.test)]
    assert n_planes == [[30, 2], [8], [10]]


def test_a_volume_can_be_cut_across_its_slices(tmp_path: Path) -> None:
    _write_volume(tmp_path, "a", (20, 40, 80))
    entry = ImageEntry(image="image_a.tif", labels="labels_a.tif", split="columns")

    dataset = load_dataset(_recipe(entry), tmp_path)

    shapes = [part[0].image.shape for part in (dataset.train, dataset.validation, dataset.test)]
    assert shapes == [(20, 40, 52), (20, 40, 12), (20, 40, 16)]


def test_a_volume_is_brought_to_the_pixel_size_of_the_model_along_all_axes(tmp_path: Path) -> None:
    _write_volume(tmp_path, "a", (50, 16, 16))
    entry = ImageEntry(image="image_a.tif", labels="labels_a.tif", pixel_size=(40, 8, 8))

    dataset = load_dataset(_recipe(entry, pixel_size=(20, 4, 8)), tmp_path)

    assert dataset.train[0].image.shape == dataset.train[0].segments.shape == (64, 32, 16)


def test_pieces_of_an_object_that_meet_outside_a_part_only_are_two_objects_of_it(tmp_path: Path) -> None:
    labels = np.zeros((50, 16, 16), np.uint8)
    labels[:, 2:6, 2:6] = labels[:, 10:14, 2:6] = 1
    labels[:4, 2:14, 2:6] = 1
    tifffile.imwrite(tmp_path / "image.tif", np.arange(labels.size, dtype=np.float32).reshape(labels.shape))
    tifffile.imwrite(tmp_path / "labels.tif", labels)
    entry = ImageEntry(image="image.tif", labels="labels.tif", split_objects=True)

    dataset = load_dataset(_recipe(entry), tmp_path)

    assert [int(part[0].segments.max()) for part in (dataset.train, dataset.validation, dataset.test)] == [
        1,
        2,
        2,
    ]


def test_planes_of_a_volume_know_their_block(tmp_path: Path) -> None:
    _write_volume(tmp_path, "a", (50, 16, 16))
    dataset = load_dataset(_recipe(ImageEntry(image="image_a.tif", labels="labels_a.tif")), tmp_path)

    planes = planes_of(dataset.train * 2)

    assert len(planes) == 64
    assert {plane.image.shape for plane in planes} == {(16, 16)}
    assert [plane.group for plane in planes[:32]] == [z // 4 for z in range(32)]
    assert planes[32].group == plane_group(1, 0, 32) == 8


def test_what_is_no_volume_trains_no_3d_network(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "image_a.tif", np.arange(400, dtype=np.uint8).reshape(20, 20))
    tifffile.imwrite(tmp_path / "labels_a.tif", np.ones((20, 20), np.uint8))
    recipe = _recipe(ImageEntry(image="image_a.tif", labels="labels_a.tif"))

    with pytest.raises(InputError, match="too few for a 3-D network"):
        load_dataset(recipe, tmp_path)
    _write_volume(tmp_path, "a", (15, 16, 16))
    with pytest.raises(InputError, match="holds 15 planes"):
        load_dataset(recipe, tmp_path)


def test_a_recipe_for_volumes_that_does_not_suit_is_refused() -> None:
    names = {"image": "a.tif", "labels": "b.tif"}

    with pytest.raises(ValueError, match="whole volumes"):
        _recipe(ImageEntry.model_validate(names | {"planes": ("xy", "xz")}))
    with pytest.raises(ValueError, match="whole volumes"):
        _recipe(ImageEntry.model_validate(names | {"every": 2}))
    for patch in (64, (6, 96, 96)):
        with pytest.raises(ValueError, match="3 multiples of"):
            _recipe(ImageEntry.model_validate(names), patch=patch)
    assert _recipe(ImageEntry.model_validate(names)).patch == (16, 96, 96)
    assert _recipe(ImageEntry.model_validate(names), patch=(8, 64, 96)).patch == (8, 64, 96)
