from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_graft.core.tile import Tile
from napari_graft.session.exporting.coco import annotate_object, encode_runs

coco = pytest.importorskip("pycocotools.coco")
mask = pytest.importorskip("pycocotools.mask")
Export = Callable[..., Path]


@pytest.mark.parametrize("which", ["plane", "stack"])
def test_pycocotools_reads_the_objects_pixel_by_pixel(
    write: Export, which: str, request: pytest.FixtureRequest
) -> None:
    labels = request.getfixturevalue(which)

    read: Any = coco.COCO(write(labels, "coco", "out.json"))

    slices = labels.reshape(-1, *labels.shape[-2:])
    assert len(read.imgs) == len(slices)
    for annotation in read.anns.values():
        wanted = slices[annotation["image_id"] - 1] == annotation["label"]
        np.testing.assert_array_equal(read.annToMask(annotation) > 0, wanted)
        assert annotation["area"] == wanted.sum()
        assert annotation["bbox"] == mask.toBbox(read.annToRLE(annotation)).tolist()
    found = {(one["image_id"] - 1, one["label"]) for one in read.anns.values()}
    assert found == {(z, int(one)) for z, part in enumerate(slices) for one in np.unique(part[part > 0])}


def test_an_object_with_a_hole_is_run_lengths_and_others_are_polygons(
    write: Export, plane: np.ndarray
) -> None:
    document = json.loads(write(plane, "coco", "out.json", pixel_size=(4, 4)).read_text())

    shapes = {one["label"]: one["segmentation"] for one in document["annotations"]}
    assert {one for one, shape in shapes.items() if isinstance(shape, dict)} == {9}
    assert len(shapes[12]) == 3
    assert document["info"]["pixel_size"] == [4, 4]
    assert document["categories"] == [{"id": 1, "name": "object", "supercategory": "object"}]


def test_what_has_no_object_has_an_image_and_no_annotation(write: Export) -> None:
    read: Any = coco.COCO(write(np.zeros((30, 40), np.uint8), "coco", "out.json"))

    assert (len(read.imgs), len(read.anns)) == (1, 0)
    assert (read.imgs[1]["height"], read.imgs[1]["width"]) == (30, 40)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), share=st.floats(0.2, 0.9))
def test_any_object_comes_back_as_polygons_or_runs(seed: int, share: float) -> None:
    pixels = np.random.default_rng(seed).random((7, 9)) < share
    pixels[3, 4] = True
    box = Tile((2, 5), pixels.shape)
    whole = np.zeros((12, 15), np.bool_)
    whole[box.slices] = pixels

    found = annotate_object(pixels, box, whole.shape)

    shape = found["segmentation"]
    runs = encode_runs(pixels, box, whole.shape)
    np.testing.assert_array_equal(mask.decode(mask.frPyObjects(runs, *whole.shape)), whole)
    if isinstance(shape, list):
        drawn = mask.decode(mask.merge(mask.frPyObjects(shape, *whole.shape)))
        np.testing.assert_array_equal(drawn, whole)
