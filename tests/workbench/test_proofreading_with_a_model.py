"""The tools that ask the model: a new object grows from a click, and a split follows the borders it sees."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from desk import make_small_project
from test_proofreading import Proofreader
from window import Window

from napari_graft.core.progress import CancelToken
from napari_graft.core.tile import Tile
from napari_graft.io.weights import save_tensors
from napari_graft.project.opening import open_project
from napari_graft.project.results import note_written_result
from napari_graft.proofreading.object_map import ObjectMap
from napari_graft.proofreading.split import split
from napari_graft.session.models import load_model
from napari_graft.session.prediction import segment_tiles
from napari_graft.session.proofreading import predict_affinities
from napari_graft.sources.catalogue import Catalogue

SOURCE = "nuclei-he"
WHOLE = Tile((0, 0), (256, 256))


def make_with_run(folder: Path) -> tuple[Path, np.ndarray]:
    """Make a project with a round of a source's weights, and its segmentation of the image in a file."""
    place, source = make_small_project(folder, with_queue=False), Catalogue().get(SOURCE)
    with open_project(place, write=True) as project:
        run = project.runs.start(SOURCE, source.card.spec, 1)
        save_tensors(run.weights_path, source.load_weights(), {})
        run.finish(stopped_by="steps", kept=True, decode=source.card.decode)
        model = load_model("run 0001", project, Catalogue())
        (objects,) = segment_tiles(project, model, [WHOLE], device="cpu", cancel=CancelToken())
    tifffile.imwrite(folder / "objects.tif", objects)
    note_written_result(place, folder / "objects.tif", "0001", int(objects.max()))
    return place, objects


@pytest.fixture
def found(graft_window: Window, tmp_path: Path) -> tuple[Proofreader, np.ndarray]:
    place, objects = make_with_run(tmp_path)
    proofreader = Proofreader(graft_window, place)
    proofreader.open()
    return proofreader, objects


def middle_of(mask: np.ndarray) -> tuple[int, ...]:
    from scipy.ndimage import distance_transform_edt

    return tuple(int(i) for i in np.unravel_index(np.argmax(distance_transform_edt(mask)), mask.shape))


def overlap(first: np.ndarray, second: np.ndarray) -> float:
    return float((first & second).sum() / (first | second).sum())


def inner_object(objects: np.ndarray) -> int:
    """Return the largest object that does not touch the border of the image."""
    at_border = set(np.unique(np.concatenate([objects[[0, -1]].ravel(), objects[:, [0, -1]].ravel()])))
    sizes = np.bincount(objects.ravel())
    return max((one for one in range(1, sizes.size) if one not in at_border), key=lambda one: sizes[one])


def test_a_deleted_object_grows_again_from_a_click_larger_and_smaller_by_the_wheel(
    found: tuple[Proofreader, np.ndarray],
) -> None:
    proofreader, objects = found
    mask = objects == inner_object(objects)
    proofreader.use("delete", middle_of(mask))

    proofreader.tools.choose("new")
    proofreader.tools.click(middle_of(mask))
    assert proofreader.tools.state.is_waiting
    proofreader.window.wait()
    state = proofreader.tools.state
    assert state.preview is not None and state.n_levels >= 1, proofreader.refused
    start_level, size = state.level, int(state.preview.parts.sum())
    for _ in range(state.n_levels):
        proofreader.tools.change_level(-1)
    proofreader.window.wait()
    assert state.level == 0 and state.preview.parts.sum() <= size
    proofreader.tools.change_level(start_level)
    proofreader.window.wait()
    assert state.preview.parts.sum() == size
    proofreader.tools.confirm()
    proofreader.window.wait()

    new = int(proofreader.labels.max())
    assert new > objects.max()
    assert overlap(proofreader.labels == new, mask) > 0.6
    assert list((proofreader.folder / "cache" / "affinities").rglob("*.safetensors"))
    proofreader.tools.undo()
    proofreader.window.wait()
    assert not proofreader.labels[mask].any()


def test_merged_objects_are_split_along_the_border_that_the_model_sees(
    found: tuple[Proofreader, np.ndarray],
) -> None:
    from skimage.morphology import dilation

    proofreader, objects = found
    first = inner_object(objects)
    around = dilation(objects == first, np.ones((7, 7))) & (objects != first)
    second = int(np.bincount(objects[around & (objects > 0)]).argmax())
    places = [middle_of(objects == one) for one in (first, second)]
    proofreader.use("merge", *places)
    project = proofreader.window.workbench.context.require_project()
    model = load_model("run 0001", project, Catalogue())
    affinities = predict_affinities(project, model, WHOLE, device="cpu", cancel=CancelToken())
    expected = ObjectMap(proofreader.labels.copy())
    expected.apply(split(expected, first, [[place] for place in places], affinities))

    proofreader.use("split", *places)

    kept, cut = (proofreader.labels == proofreader.labels[place] for place in places)
    assert overlap(kept, objects == first) > 0.9
    # The small one has no border that short affinities see; a sliver of it would overlap by 0.02.
    assert overlap(cut, objects == second) > 0.4
    for place in places:
        parts = (one == one[place] for one in (proofreader.labels, expected.labels))
        assert overlap(*parts) > 0.95


def test_the_affinities_of_a_region_are_those_of_the_whole_image_there(
    found: tuple[Proofreader, np.ndarray],
) -> None:
    proofreader, objects = found
    project = proofreader.window.workbench.context.require_project()
    model = load_model("run 0001", project, Catalogue())
    region = Tile((64, 32), (96, 128))

    whole = predict_affinities(project, model, WHOLE, device="cpu", cancel=CancelToken())
    part = predict_affinities(project, model, region, device="cpu", cancel=CancelToken())

    assert part.tile == region and part.offsets == whole.offsets
    np.testing.assert_allclose(part.values, whole.crop(region).values, atol=0.05)
    borders = whole.boundary()
    assert borders[objects == 0].mean() > 2 * borders[objects > 0].mean()
