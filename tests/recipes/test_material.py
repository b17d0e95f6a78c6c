from pathlib import Path

import numpy as np
import pytest
import tifffile

from napari_graft.core.errors import InputError
from napari_graft.recipes.material import load_material
from napari_graft.recipes.recipe import ImageEntry, Recipe, Schedule


def _recipe(*entries: ImageEntry, **more: object) -> Recipe:
    return Recipe(
        id="made-up",
        title="Made up",
        structure="cells",
        license="CC0-1.0",
        images=entries,
        schedule=Schedule(steps=1),
        **more,
    )


def _write_stack(folder: Path, name: str, shape: tuple[int, ...], seed: int = 0) -> None:
    rng = np.random.default_rng(seed)
    labels = np.kron(rng.integers(0, 4, (shape[0], shape[1] // 8, shape[2] // 8)), np.ones((1, 8, 8))).astype(
        np.uint16
    )
    # Each slice holds its number, so that it can be recognised wherever it ends up.
    image = labels * 20 + np.arange(shape[0], dtype=np.uint16)[:, None, None]
    tifffile.imwrite(folder / f"image_{name}.tif", image.astype(np.uint8), photometric="minisblack")
    tifffile.imwrite(folder / f"labels_{name}.tif", labels, photometric="minisblack")


def test_the_last_fifth_of_a_stack_is_kept_for_the_score_and_no_slice_serves_two_ends(tmp_path: Path) -> None:
    _write_stack(tmp_path, "a", (20, 32, 40))

    material = load_material(_recipe(ImageEntry(image="image_a.tif", labels="labels_a.tif")), tmp_path)

    parts = [material.train, material.choice, material.test]
    assert [len(part) for part in parts] == [14, 2, 4]
    seen = [{s.image.tobytes() for s in part} for part in parts]
    assert seen[0].isdisjoint(seen[1] | seen[2])
    assert seen[1].isdisjoint(seen[2])


def test_an_isotropic_volume_is_sliced_in_three_directions(tmp_path: Path) -> None:
    _write_stack(tmp_path, "a", (24, 32, 40))
    entry = ImageEntry(image="image_a.tif", labels="labels_a.tif", planes=("xy", "xz", "yz"))

    material = load_material(_recipe(entry), tmp_path)

    shapes = {s.image.shape for s in material.train}
    assert shapes == {(32, 40), (24, 40), (24, 32)}
    assert len(material.train) + len(material.choice) + len(material.test) == 24 + 32 + 40


def test_columns_are_kept_apart_where_slices_are_alike(tmp_path: Path) -> None:
    _write_stack(tmp_path, "a", (4, 32, 80))

    material = load_material(
        _recipe(ImageEntry(image="image_a.tif", labels="labels_a.tif", split="columns")), tmp_path
    )

    assert [part[0].image.shape[1] for part in (material.train, material.choice, material.test)] == [
        56,
        8,
        16,
    ]
    assert len(material.train) == len(material.test) == 4


def test_numbered_files_are_split_by_file(tmp_path: Path) -> None:
    for i in range(10):
        _write_stack(tmp_path, f"{i}", (1, 32, 32), seed=i)

    material = load_material(_recipe(ImageEntry(image="image_*.tif", labels="labels_*.tif")), tmp_path)

    assert [len(part) for part in (material.train, material.choice, material.test)] == [7, 1, 2]
    assert len(material.image_sha256s) == 10


def test_known_pixel_sizes_bring_images_to_the_grid_of_the_model(tmp_path: Path) -> None:
    _write_stack(tmp_path, "a", (10, 32, 40))
    entry = ImageEntry(image="image_a.tif", labels="labels_a.tif", pixel_size=(50, 8, 8))

    material = load_material(_recipe(entry, spec={"pixel_size": (4, 4)}), tmp_path)

    assert material.train[0].image.shape == material.train[0].segments.shape == (64, 80)


def test_objects_are_split_and_their_borders_taken_off(tmp_path: Path) -> None:
    labels = np.zeros((10, 20, 30), np.uint16)
    labels[:, 2:8, 2:28] = 7
    labels[:, 12:18, 2:28] = 7
    tifffile.imwrite(tmp_path / "image.tif", (labels * 9).astype(np.uint8))
    tifffile.imwrite(tmp_path / "labels.tif", labels)
    entry = ImageEntry(image="image.tif", labels="labels.tif", split_objects=True, border=1)

    segments = load_material(_recipe(entry), tmp_path).train[0].segments

    assert np.unique(segments).size == 3
    assert np.count_nonzero(segments) == 2 * 4 * 24


def test_labels_that_do_not_fit_the_image_are_refused(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "image.tif", np.arange(400, dtype=np.uint8).reshape(20, 20))
    tifffile.imwrite(tmp_path / "labels.tif", np.ones((20, 21), np.uint8))

    with pytest.raises(InputError, match="must agree"):
        load_material(_recipe(ImageEntry(image="image.tif", labels="labels.tif")), tmp_path)
    with pytest.raises(InputError, match="names 0 images"):
        load_material(_recipe(ImageEntry(image="nothing.tif", labels="labels.tif")), tmp_path)
