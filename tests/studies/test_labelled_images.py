from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile

from napari_graft.io import open_volume
from napari_graft.studies import targets
from napari_graft.studies.targets import (
    FIRST_LOOK_TARGETS,
    LEAST_OBJECTS,
    RANKING_TARGETS,
    LabelledSet,
    choose_images,
    open_images,
)


@pytest.mark.parametrize(
    ("n_objects", "is_whole", "expected"),
    [
        ([30] * 10, False, [8, 9]),  # the test part is the last fifth
        ([30], False, [0]),
        ([30] * 100, False, [80, 85, 90, 95]),  # of many, four that are spread
        ([30] * 8 + [30, 0], False, [8]),  # an image without an object tells nothing
        ([5] * 50, False, [40, 42, 44, 46, 48]),  # as many of the test part as are needed
        ([10] * 10, False, [0, 8, 9]),  # then others
        ([1, 2, 3, 0], False, [0, 1, 2]),  # all, where there are no more
        ([10] * 4, True, [0, 1, 2, 3]),
        ([0] * 5 + [20] * 5, False, [8, 9]),
    ],
)
def test_images_come_from_the_test_part_until_they_hold_enough_objects(
    n_objects: list[int], expected: list[int], *, is_whole: bool
) -> None:
    chosen = choose_images(n_objects, 4, is_whole=is_whole)

    assert chosen == expected
    assert sum(n_objects[i] for i in chosen) >= min(LEAST_OBJECTS, sum(n_objects))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data" / "colours"
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    images = rng.integers(0, 255, (3, 40, 60, 3), dtype=np.uint8)
    labels = np.zeros((3, 40, 60), np.uint16)
    labels[:, 18:22, 28:32] = 7
    labels[2, :4, :4] = 9
    tifffile.imwrite(folder / "images.tif", images, photometric="rgb", metadata={"axes": "ZYXS"})
    tifffile.imwrite(folder / "labels.tif", labels)
    return tmp_path / "data"


@pytest.mark.parametrize(("structure", "shape"), [("nuclei", (40, 60)), ("organelles", (32, 32))])
def test_each_image_becomes_a_file_of_its_own_and_those_of_electron_microscopes_are_cut(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, structure: str, shape: tuple[int, int]
) -> None:
    monkeypatch.setattr(targets, "LONGEST_SIDE", 32)
    target = LabelledSet("colours", "images.tif", "labels.tif", structure, (30, 5, 5))  # type: ignore[arg-type]
    images = open_images(target, data, tmp_path / "set")

    options = images.write(1, tmp_path / "stranger")

    assert images.shape == shape
    assert images.n_objects() == [1, 1, 2 if structure == "nuclei" else 1]
    top, left = ((n - kept) // 2 for n, kept in zip((40, 60), shape, strict=True))
    whole = tifffile.imread(data / "colours" / "images.tif")[1]
    written = tifffile.imread(options.image)
    np.testing.assert_array_equal(written, whole[top : top + shape[0], left : left + shape[1]])
    assert open_volume(options.image).shape == shape
    assert images.truth(1)[20 - top, 30 - left] == 7
    assert options.pixel_size == (5, 5)
    assert "colours" in Path(options.image).parts  # by which sources are known that have seen it


def test_every_target_has_a_name_of_its_own_and_those_of_the_ranking_are_among_them() -> None:
    keys = [target.key for target in FIRST_LOOK_TARGETS]
    assert len(set(keys)) == len(keys)
    assert set(RANKING_TARGETS) <= set(FIRST_LOOK_TARGETS)
    assert "nuclei_nih3t3_uneven-nuclei" in keys
