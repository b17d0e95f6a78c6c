from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import tifffile

from napari_graft.core.errors import InputError
from napari_graft.imaging.intensity import local_contrast
from napari_graft.recipes.dataset_split import load_dataset, split_images
from napari_graft.recipes.recipe import GeneratedEntry, ImageEntry, Recipe, Schedule
from napari_graft.recipes.samples import DatasetSplit, Sample, find_pairs, read_stack, with_small_ids
from napari_graft.segmentation.objects import object_diameters, usual_diameter


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

    dataset = load_dataset(_recipe(ImageEntry(image="image_a.tif", labels="labels_a.tif")), tmp_path)

    parts = [dataset.train, dataset.validation, dataset.test]
    assert [len(part) for part in parts] == [14, 2, 4]
    seen = [{s.image.tobytes() for s in part} for part in parts]
    assert seen[0].isdisjoint(seen[1] | seen[2])
    assert seen[1].isdisjoint(seen[2])


def test_an_isotropic_volume_is_sliced_in_three_directions(tmp_path: Path) -> None:
    _write_stack(tmp_path, "a", (24, 32, 40))
    entry = ImageEntry(image="image_a.tif", labels="labels_a.tif", planes=("xy", "xz", "yz"))

    dataset = load_dataset(_recipe(entry), tmp_path)

    assert Counter(s.image.shape for s in dataset.train) == {(32, 40): 18, (18, 40): 32, (18, 32): 40}
    assert [s.image.shape for s in dataset.validation + dataset.test] == [(32, 40)] * 6


def test_no_direction_of_slicing_shows_the_held_out_part_to_the_training(tmp_path: Path) -> None:
    # Each plane of the volume is of one grey value, so that a slice tells which planes it has seen.
    image = np.broadcast_to(np.arange(20, dtype=np.uint8)[:, None, None] * 10, (20, 16, 16))
    tifffile.imwrite(tmp_path / "image.tif", image, photometric="minisblack")
    tifffile.imwrite(tmp_path / "labels.tif", np.ones((20, 16, 16), np.uint8), photometric="minisblack")
    entry = ImageEntry(image="image.tif", labels="labels.tif", planes=("xy", "xz", "yz"))

    dataset = load_dataset(_recipe(entry), tmp_path)

    trained, chosen, tested = (
        set(np.unique(np.concatenate([s.image.ravel() for s in part])))
        for part in (dataset.train, dataset.validation, dataset.test)
    )
    assert len(tested) > 1
    assert trained.isdisjoint(chosen | tested)
    assert chosen.isdisjoint(tested)


def test_several_volumes_or_columns_are_not_sliced_in_several_directions(tmp_path: Path) -> None:
    for name in "ab":
        _write_stack(tmp_path, name, (10, 32, 40))
    entry = ImageEntry(image="image_*.tif", labels="labels_*.tif", planes=("xy", "xz"))

    with pytest.raises(InputError, match="an entry of its own"):
        load_dataset(_recipe(entry), tmp_path)
    with pytest.raises(ValueError, match="one plane only"):
        ImageEntry(image="image_a.tif", labels="labels_a.tif", planes=("xy", "xz"), split="columns")


def test_a_thick_stack_is_thinned_out(tmp_path: Path) -> None:
    _write_stack(tmp_path, "a", (40, 32, 40))
    entry = ImageEntry(image="image_a.tif", labels="labels_a.tif", every=4)

    dataset = load_dataset(_recipe(entry), tmp_path)

    assert [len(part) for part in (dataset.train, dataset.validation, dataset.test)] == [7, 1, 2]


def test_a_slice_without_objects_is_trained_on_but_not_scored(tmp_path: Path) -> None:
    labels = np.ones((20, 16, 16), np.uint8)
    labels[[0, 17, 19]] = 0
    image = np.random.default_rng(0).integers(0, 99, labels.shape).astype(np.uint8)
    tifffile.imwrite(tmp_path / "image.tif", image, photometric="minisblack")
    tifffile.imwrite(tmp_path / "labels.tif", labels, photometric="minisblack")

    dataset = load_dataset(_recipe(ImageEntry(image="image.tif", labels="labels.tif")), tmp_path)

    assert (len(dataset.train), len(dataset.test)) == (14, 2)
    assert all(s.segments.any() for s in dataset.test)


@pytest.mark.parametrize(("split", "axis"), [("rows", 0), ("columns", 1)])
def test_a_strip_of_the_field_is_kept_apart_where_slices_are_alike(
    tmp_path: Path, split: str, axis: int
) -> None:
    _write_stack(tmp_path, "a", (4, 80, 80))
    whole = load_dataset(_recipe(ImageEntry(image="image_a.tif", labels="labels_a.tif")), tmp_path)

    entry = ImageEntry.model_validate({"image": "image_a.tif", "labels": "labels_a.tif", "split": split})
    dataset = load_dataset(_recipe(entry), tmp_path)

    strips = [part[0] for part in (dataset.train, dataset.validation, dataset.test)]
    assert [s.image.shape[axis] for s in strips] == [56, 8, 16]
    assert np.array_equal(np.concatenate([s.image for s in strips], axis), whole.train[0].image)
    assert np.array_equal(np.concatenate([s.segments for s in strips], axis), whole.train[0].segments)
    assert len(dataset.train) == len(dataset.test) == 4


def test_numbered_files_are_split_by_file(tmp_path: Path) -> None:
    for i in range(10):
        _write_stack(tmp_path, f"{i}", (1, 32, 32), seed=i)

    dataset = load_dataset(_recipe(ImageEntry(image="image_*.tif", labels="labels_*.tif")), tmp_path)

    assert [len(part) for part in (dataset.train, dataset.validation, dataset.test)] == [7, 1, 2]
    assert len(dataset.image_sha256s) == 10


def test_known_pixel_sizes_bring_images_to_the_grid_of_the_model(tmp_path: Path) -> None:
    _write_stack(tmp_path, "a", (10, 32, 40))
    entry = ImageEntry(image="image_a.tif", labels="labels_a.tif", pixel_size=(50, 8, 8))

    dataset = load_dataset(_recipe(entry, spec={"pixel_size": (4, 4)}), tmp_path)

    assert dataset.train[0].image.shape == dataset.train[0].segments.shape == (64, 80)


def test_objects_are_split_and_their_borders_taken_off(tmp_path: Path) -> None:
    labels = np.zeros((10, 20, 30), np.uint16)
    labels[:, 2:8, 2:28] = 7
    labels[:, 12:18, 2:28] = 7
    tifffile.imwrite(tmp_path / "image.tif", (labels * 9).astype(np.uint8))
    tifffile.imwrite(tmp_path / "labels.tif", labels)
    entry = ImageEntry(image="image.tif", labels="labels.tif", split_objects=True, border=1)

    segments = load_dataset(_recipe(entry), tmp_path).train[0].segments

    assert np.unique(segments).size == 3
    assert np.count_nonzero(segments) == 2 * 4 * 24


def test_objects_that_share_an_id_are_as_wide_as_one_of_them(tmp_path: Path) -> None:
    labels = np.zeros((10, 64, 64), np.uint16)
    for y, x in ((4, 4), (4, 40), (40, 4), (40, 40)):
        labels[:, y : y + 16, x : x + 16] = 255
    tifffile.imwrite(tmp_path / "image.tif", labels.astype(np.uint8))
    tifffile.imwrite(tmp_path / "labels.tif", labels)
    entry = ImageEntry(image="image.tif", labels="labels.tif", split_objects=True)
    width = 2 * 16 / np.sqrt(np.pi)

    found = load_dataset(_recipe(entry, spec={"object_diameter": width / 2}), tmp_path)

    assert found.train[0].image.shape == (32, 32)


def test_labels_that_do_not_fit_the_image_are_refused(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "image.tif", np.arange(400, dtype=np.uint8).reshape(20, 20))
    tifffile.imwrite(tmp_path / "labels.tif", np.ones((20, 21), np.uint8))

    with pytest.raises(InputError, match="must agree"):
        load_dataset(_recipe(ImageEntry(image="image.tif", labels="labels.tif")), tmp_path)
    with pytest.raises(InputError, match=r"no file matches 'nothing.tif'"):
        load_dataset(_recipe(ImageEntry(image="nothing.tif", labels="labels.tif")), tmp_path)


def test_large_ids_stay_objects(tmp_path: Path) -> None:
    labels = np.zeros((96, 96), np.uint32)
    labels[10:40, 10:40] = 5
    labels[50:80, 50:80] = 3_000_000_000
    tifffile.imwrite(tmp_path / "image.tif", np.arange(96 * 96, dtype=np.uint16).reshape(96, 96))
    tifffile.imwrite(tmp_path / "labels.tif", labels)
    segments = read_stack(tmp_path / "image.tif", tmp_path / "labels.tif").segments[0]
    assert segments.dtype == np.int32
    assert sorted(np.unique(segments)) == [0, 1, 2]
    np.testing.assert_array_equal(segments > 0, labels > 0)


def test_large_ids_without_background_stay_objects() -> None:
    labels = np.array([[7, 4_000_000_000]], np.uint32)
    np.testing.assert_array_equal(with_small_ids(labels), [[1, 2]])


def test_numbered_files_pair_by_number(tmp_path: Path) -> None:
    for i in range(1, 13):
        tifffile.imwrite(tmp_path / f"image_{i}.tif", np.full((8, 8), i, np.uint8))
        tifffile.imwrite(tmp_path / f"labels_{i:02d}.tif", np.full((8, 8), i, np.uint8))
    pairs = find_pairs(ImageEntry(image="image_*.tif", labels="labels_*.tif"), tmp_path)
    assert [(image.name, labels.name) for image, labels in pairs] == [
        (f"image_{i}.tif", f"labels_{i:02d}.tif") for i in range(1, 13)
    ]


@pytest.mark.parametrize("is_split", [None, True, False])
def test_a_mask_is_asked_about_by_the_word_of_the_recipe(tmp_path: Path, is_split: bool | None) -> None:
    _write_stack(tmp_path, "a", (10, 32, 40))
    mask = np.zeros((10, 32, 40), np.uint8)
    mask[:, 4:10, 4:10] = mask[:, 20:28, 20:28] = 255
    tifffile.imwrite(tmp_path / "m_labels.tif", mask)
    entry = ImageEntry(image="image_a.tif", labels="m_labels.tif", split_objects=is_split)
    recipe = _recipe(entry)
    if is_split is None:
        with pytest.raises(InputError, match=r"2 pieces: write split_objects: true beside 'm_labels.tif'"):
            load_dataset(recipe, tmp_path)
        return
    sample = load_dataset(recipe, tmp_path).train[0]
    assert len(np.unique(sample.segments)) == (3 if is_split else 2)


@pytest.mark.parametrize("split", ["slices", "rows"])
def test_faulty_copies_stand_beside_each_image_to_train_on_and_nowhere_else(
    tmp_path: Path, split: str
) -> None:
    _write_stack(tmp_path, "a", (10, 64, 80))
    entry = ImageEntry.model_validate({"image": "image_a.tif", "labels": "labels_a.tif", "split": split})
    recipe = _recipe(entry, spec={"contrast_window": 12})
    plain, faulty, again = (load_dataset(recipe, tmp_path, n_faulty=n) for n in (0, 3, 3))

    for before, after in zip(_samples(plain), _samples(faulty), strict=True):
        assert np.array_equal(before.image, after.image)
        assert np.array_equal(before.segments, after.segments)
    assert {len(sample.faulty) for sample in faulty.train} == {3}
    assert {len(sample.faulty) for sample in (*plain.train, *faulty.validation, *faulty.test)} == {0}
    copies = [copy for sample in faulty.train for copy in sample.faulty]
    assert {(copy.shape, copy.dtype) for copy in copies} == {(faulty.train[0].image.shape, np.dtype("f4"))}
    assert len({copy.tobytes() for copy in copies}) == len(copies), "each has faults of its own"
    assert all(np.array_equal(a, b) for a, b in zip(copies, _copies(again), strict=True))


@pytest.mark.parametrize("balanced", [True, False])
def test_entries_of_a_balanced_recipe_weigh_alike_whatever_their_number_of_pixels(
    tmp_path: Path, balanced: bool
) -> None:
    _write_stack(tmp_path, "few", (10, 32, 40))
    _write_stack(tmp_path, "many", (20, 64, 80))
    entries = [ImageEntry(image=f"image_{n}.tif", labels=f"labels_{n}.tif") for n in ("few", "many")]

    train = load_dataset(_recipe(*entries, balanced=balanced), tmp_path).train

    weights = Counter[int]()
    for sample in train:
        weights[sample.image.size] += round(sample.weight * sample.image.size)
    few, many = weights[32 * 40], weights[64 * 80]
    assert few + many == sum(sample.image.size for sample in train)
    assert (few == many) is balanced


def _samples(dataset: DatasetSplit) -> list[Sample]:
    return [*dataset.train, *dataset.validation, *dataset.test]


def _copies(dataset: DatasetSplit) -> list[np.ndarray]:
    return [copy for sample in dataset.train for copy in sample.faulty]


def test_a_fault_comes_at_the_pixel_size_of_the_image_and_before_anything_is_measured(tmp_path: Path) -> None:
    _write_stack(tmp_path, "a", (10, 32, 40))
    entry = ImageEntry(image="image_a.tif", labels="labels_a.tif", pixel_size=(50, 8, 8))
    raw = split_images(_recipe(entry, spec={"pixel_size": (4, 4)}), tmp_path).train[0]
    seen = []

    def darken(image: np.ndarray) -> np.ndarray:
        seen.append(image.shape)
        return image / 4

    darker = raw.prepare_image(darken)

    assert seen == [(32, 40)]
    assert darker.shape == (64, 80)
    assert np.abs(darker).max() > 0.9, "its grey range is its own"


def test_generated_images_get_faulty_copies_and_the_contrast_of_the_model(tmp_path: Path) -> None:
    entry = GeneratedEntry(n_images=10, size=128)
    plain, flat = (
        load_dataset(_recipe(generated=entry, spec={"contrast_window": window}), tmp_path, n_faulty=n)
        for window, n in ((None, 0), (16, 1))
    )
    assert [len(sample.faulty) for sample in flat.train] == [1] * len(plain.train)
    before, after = plain.train[0].image, flat.train[0].image
    np.testing.assert_allclose(after, local_contrast(before, 16))
    assert len({sample.group for sample in flat.train}) > 1


def test_generated_objects_are_brought_to_the_diameter_of_the_model(tmp_path: Path) -> None:
    entry = GeneratedEntry(content="bacteria", n_images=10, size=160)
    dataset = load_dataset(_recipe(generated=entry, spec={"object_diameter": 20}), tmp_path)
    for sample in (*dataset.train, *dataset.validation):
        assert usual_diameter(object_diameters(sample.segments)) == pytest.approx(20, rel=0.15)


def test_faulty_copies_of_a_volume_are_volumes(tmp_path: Path) -> None:
    _write_stack(tmp_path, "a", (30, 32, 32))
    recipe = _recipe(
        ImageEntry(image="image_a.tif", labels="labels_a.tif"),
        spec={"ndim": 3},
    )
    dataset = load_dataset(recipe, tmp_path, n_faulty=2)
    assert [copy.shape for copy in _copies(dataset)] == [dataset.train[0].image.shape] * 2
