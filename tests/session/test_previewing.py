from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch
from tiny_loop import PIXEL_NM, make_annotated, make_stack

from napari_graft.blockwise.plan import HALO
from napari_graft.core.errors import Cancelled, InputError
from napari_graft.core.progress import CancelToken, Progress, ignore_progress
from napari_graft.core.tile import Tile
from napari_graft.inference.predictor import Prediction, Predictor, uncertainty_map
from napari_graft.io.weights import load_tensors
from napari_graft.project.opening import open_project
from napari_graft.segmentation.objects import best_overlaps, match_ids
from napari_graft.session.model_comparison import Preview, PreviewOptions, disagreement, preview_models
from napari_graft.session.models import load_model
from napari_graft.session.prediction import segment_tiles
from napari_graft.session.projects.creation import ImageOptions, make_project
from napari_graft.session.projects.project_image import view_of
from napari_graft.session.sources import export_reference
from napari_graft.session.training.fitting import Budget
from napari_graft.session.training.train import TrainingTask
from napari_graft.sources.catalogue import Catalogue

TILES = (Tile((0, 0), (64, 64)), Tile((50, 40), (48, 80)))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, image: Path, labels: Path) -> Path:
    return make_annotated(
        tmp_path_factory.mktemp("preview") / "p.graft", image, labels, pixel_size=(PIXEL_NM / 1.25,) * 2
    )


def _preview(
    folder: Path,
    out: Path,
    references: tuple[str, ...],
    tiles: tuple[Tile, ...] = TILES,
    *,
    with_uncertainty: bool = False,
) -> tuple[Preview, dict[str, np.ndarray]]:
    request = PreviewOptions(references, tiles, out, with_uncertainty, "cpu")
    with open_project(folder) as project:
        preview = preview_models(
            project, request, catalogue=Catalogue(), report=ignore_progress, cancel=CancelToken()
        )
    assert preview.path == out
    return preview, load_tensors(out)[0]


def test_a_preview_holds_what_each_model_makes_of_each_tile(folder: Path, tmp_path: Path) -> None:
    references = ("tiny-nuclei", "tiny-neurites", "ancestor-generated")
    preview, tensors = _preview(folder, tmp_path / "new" / "p.safetensors", references)

    with open_project(folder) as project:
        alone = [
            segment_tiles(
                project, load_model(name, project, Catalogue()), TILES, device="cpu", cancel=CancelToken()
            )
            for name in references
        ]
    assert preview.names == references
    assert preview.n_objects == tuple(tuple(int(one.max()) for one in of_model) for of_model in alone)
    assert min(preview.n_objects[0]) > 0
    for t, tile in enumerate(TILES):
        found = [tensors[f"segments/{m}/{t}"] for m in range(3)]
        assert all((one.dtype, one.shape) == (np.uint32, tile.shape) for one in found)
        np.testing.assert_array_equal(found[0], alone[0][t])
        np.testing.assert_array_equal(found[1], match_ids(found[0], alone[1][t], int(found[0].max())))
        np.testing.assert_array_equal(tensors[f"disagreement/{t}"], disagreement(found))
        assert tensors[f"disagreement/{t}"].dtype == np.float32
        assert preview.differences[t] == best_overlaps(found[0], found[1])
        new = [set(np.unique(one)) - set(np.unique(found[0])) for one in found[1:]]
        assert not new[0] & new[1]  # one colour never stands for objects that were not recognised
    assert len(tensors) == 8


def test_the_uncertainty_is_that_of_the_prediction_with_its_surroundings(image: Path, tmp_path: Path) -> None:
    make_project(tmp_path / "p.graft", ImageOptions(str(image))).close()
    inner = Tile((60, 60), (20, 24))
    _, tensors = _preview(
        tmp_path / "p.graft", tmp_path / "p.safetensors", ("tiny-neurites",), (inner,), with_uncertainty=True
    )

    with open_project(tmp_path / "p.graft") as project:
        model = load_model("tiny-neurites", project, Catalogue())
        view = view_of(project, model.spec)
        around = view.align(inner.grow(HALO[2]))
        pixels = view.read(around)
    seen = Predictor(model.network, torch.device("cpu")).predict_array(pixels)
    expected = uncertainty_map(Prediction(inner, seen[0], seen[1:]), model.spec.n_attractive)
    inside = inner.shift([-a for a in around.start]).slices
    np.testing.assert_allclose(tensors["uncertainty/0/0"], expected[inside], atol=1e-6)
    assert set(tensors) == {"segments/0/0", "uncertainty/0/0"}


def test_the_uncertainty_of_a_scaled_image_has_the_shape_of_the_tile(folder: Path, tmp_path: Path) -> None:
    _, tensors = _preview(folder, tmp_path / "p.safetensors", ("tiny-nuclei",), with_uncertainty=True)

    for t, tile in enumerate(TILES):
        unsure = tensors[f"uncertainty/0/{t}"]
        assert (unsure.dtype, unsure.shape) == (np.float32, tile.shape)
        assert 0 <= unsure.min() < unsure.max() <= 1


def test_a_slice_of_a_stack_is_previewed_and_a_thick_tile_explained(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "stack.tif", make_stack(3, 64).image)
    make_project(tmp_path / "p.graft", ImageOptions(str(tmp_path / "stack.tif"), axes="zyx")).close()

    slice_, thick = Tile((1, 0, 8), (1, 40, 40)), Tile((0, 0, 0), (2, 40, 40))
    _, tensors = _preview(tmp_path / "p.graft", tmp_path / "p.safetensors", ("tiny-nuclei",), (slice_,))

    assert tensors["segments/0/0"].shape == (1, 40, 40)
    with pytest.raises(InputError, match="one slice thick"):
        _preview(tmp_path / "p.graft", tmp_path / "p.safetensors", ("tiny-nuclei",), (thick,))


@pytest.mark.usefixtures("quick_training")
def test_runs_and_exported_sources_are_previewed_like_sources(
    image: Path, labels: Path, tmp_path: Path
) -> None:
    folder, exported = make_annotated(tmp_path / "p.graft", image, labels), tmp_path / "s.graftsource"
    export_reference("tiny-nuclei", exported)
    with open_project(folder, write=True) as project:
        task = TrainingTask(project, Catalogue(), ignore_progress, CancelToken())
        task.run("tiny-nuclei", Budget(None, 2, "cpu"))
        project.runs.get("0001").update(kept=True)

    preview, tensors = _preview(
        folder, tmp_path / "p.safetensors", ("tiny-nuclei", str(exported), "run 0001", "latest")
    )

    assert preview.names == ("tiny-nuclei", "tiny-nuclei", "run 0001", "run 0001")
    np.testing.assert_array_equal(tensors["segments/0/0"], tensors["segments/1/0"])
    assert set(preview.differences[0].values()) == {1.0}


@pytest.mark.parametrize(
    ("references", "tiles", "words"),
    [
        ((), TILES, "name sources"),
        (("scratch",), TILES, "'scratch'"),
        (("tiny-nuclei", "nobody"), TILES, "'nobody'"),
        (("tiny-nuclei",), (), "at least one"),
        (("tiny-nuclei",), (Tile((100, 0), (64, 64)),), r"\(100, 0\).*not wholly inside"),
        (("tiny-nuclei",), (Tile((0, 0, 0), (1, 64, 64)),), "not wholly inside"),
    ],
)
def test_what_cannot_be_previewed_is_explained_and_writes_nothing(
    folder: Path, tmp_path: Path, references: tuple[str, ...], tiles: tuple[Tile, ...], words: str
) -> None:
    with pytest.raises(InputError, match=words):
        _preview(folder, tmp_path / "p.safetensors", references, tiles)

    assert not list(tmp_path.iterdir())


def test_a_preview_tells_how_far_it_is_and_stops_between_two_tiles(folder: Path, tmp_path: Path) -> None:
    token, seen = CancelToken(), []

    def report(state: Progress) -> None:
        seen.append((state.done, state.total))
        if state.done == 3:
            token.cancel()

    request = PreviewOptions(("tiny-nuclei", "tiny-neurites"), TILES, tmp_path / "p.safetensors")
    with open_project(folder) as project, pytest.raises(Cancelled):
        preview_models(project, request, catalogue=Catalogue(), report=report, cancel=token)

    assert seen == [(0, 4), (1, 4), (2, 4), (2, 4), (3, 4)]
    assert not list(tmp_path.iterdir())
