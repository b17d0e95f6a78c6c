"""The loop with a 3-D source on a volume, of which single slices are painted."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray

from napari_graft.annotation.labelled_tile import LabelledTile
from napari_graft.blockwise.plan import HALO
from napari_graft.core.errors import InputError
from napari_graft.core.progress import CancelToken, Progress, ignore_progress
from napari_graft.core.tile import Tile
from napari_graft.io import open_labels, open_volume
from napari_graft.metrics import evaluate
from napari_graft.project.opening import open_project
from napari_graft.recipes.training import train_source
from napari_graft.session.annotation import annotate_from_labels
from napari_graft.session.model_comparison import (
    CompareOptions,
    PreviewOptions,
    compare_models,
    preview_models,
)
from napari_graft.session.prediction import PredictOptions, predict_project
from napari_graft.session.projects.creation import ImageOptions, make_project
from napari_graft.session.projects.project_image import view_of
from napari_graft.session.ranking.rank import candidate_sources, rank_sources
from napari_graft.session.ranking.source_map import map_sources
from napari_graft.session.sources import export_reference
from napari_graft.session.suggestion import SuggestOptions, suggest_tiles
from napari_graft.session.training.fitting import Budget, make_examples
from napari_graft.session.training.train import TrainingTask
from napari_graft.sources.catalogue import Catalogue
from napari_graft.sources.network_spec import ModelSpec
from napari_graft.sources.source import Source, id_without_view, open_source
from napari_graft.training.losses import make_targets

SHAPE = (24, 96, 96)
RECIPE = """
id: tiny-tubes
title: Tubes
structure: cells
license: CC0-1.0
spec: {ndim: 3, widths: [8, 16], pixel_size: [20, 10, 10]}
images: [{image: train.tif, labels: train_labels.tif, pixel_size: [20, 10, 10]}]
schedule: {steps: 160, patch: [8, 32, 32], batch_size: 2, learning_rate: 0.01}
"""
QUIET = {"device": "cpu", "report": ignore_progress, "cancel": CancelToken()}


def make_tubes(
    seed: int, shape: tuple[int, int, int] = SHAPE
) -> tuple[NDArray[np.uint8], NDArray[np.uint16]]:
    """Return bright tubes that run through all slices and wander, with their truth."""
    rng = np.random.default_rng(seed)
    labels = np.zeros(shape, np.uint16)
    y, x = np.mgrid[: shape[1], : shape[2]]
    grid = [(a, b) for a in range(12, shape[1], 24) for b in range(12, shape[2], 24)]
    for number, centre in enumerate(grid, 1):
        steps = np.cumsum(rng.uniform(-0.4, 0.4, (shape[0], 2)), 0)
        for z in range(shape[0]):
            cy, cx = np.array(centre) + np.clip(steps[z], -3, 3)
            labels[z][(y - cy) ** 2 + (x - cx) ** 2 < 49] = number
    image = np.where(labels > 0, 170, 60) + rng.normal(0, 12, shape)
    return image.clip(0, 255).astype(np.uint8), labels


@pytest.fixture(scope="module")
def tubes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder with a trained 3-D source ``tiny-tubes``, and a volume with its truth."""
    folder = tmp_path_factory.mktemp("tubes")
    for name, seed in (("train", 0), ("image", 1)):
        image, labels = make_tubes(seed)
        tifffile.imwrite(folder / f"{name}.tif", image, photometric="minisblack")
        tifffile.imwrite(folder / f"{name}_labels.tif", labels, photometric="minisblack")
    (folder / "tubes.yaml").write_text(RECIPE)
    train_source(folder / "tubes.yaml", folder / "sources" / "tiny-tubes", **QUIET)
    return folder


@pytest.fixture
def catalogue(tubes: Path, sources: Path) -> Catalogue:
    """Give the 2-D tiny sources and the 3-D one."""
    return Catalogue([(sources, "user"), (tubes / "sources", "user")])


@pytest.fixture
def folder(tubes: Path, tmp_path: Path) -> Path:
    """Give a project of the volume, of which two slices are painted."""
    options = ImageOptions(str(tubes / "image.tif"), pixel_size=(20, 10, 10), structure="cells")
    with make_project(tmp_path / "p.graft", options) as project:
        tiles = [Tile((z, 16, 16), (1, 64, 64)) for z in (6, 15)]
        annotate_from_labels(project, open_labels(str(tubes / "image_labels.tif")), tiles)
    return tmp_path / "p.graft"


def _source(tubes: Path) -> Source:
    return open_source(tubes / "sources" / "tiny-tubes", "user")


def test_a_recipe_of_volumes_gives_a_complete_3d_source(tubes: Path) -> None:
    source = _source(tubes)

    assert source.card.spec.ndim == 3
    assert source.card.validation["ap50"] > 0.8
    own, general = source.load_fingerprint(), source.load_general_fingerprint()
    assert own is not None
    assert own.encoder == source.card.weights_sha256
    assert general is not None
    ancestor = Catalogue().get("ancestor-generated").load_fingerprint()
    assert ancestor is not None
    assert general.encoder == ancestor.encoder


def test_volumes_are_ranked_for_by_2d_and_3d_sources_alike(folder: Path, catalogue: Catalogue) -> None:
    with open_project(folder) as project:
        ranked = rank_sources(
            project, candidate_sources(catalogue), scorers=("mmd", "mmd-general", "few-shot"), **QUIET
        )
        mapped = map_sources(catalogue.sources(), project, **QUIET)

    entries = {id_without_view(entry.source.id): entry.as_dict() for entry in ranked}
    assert set(entries) == {"tiny-nuclei", "tiny-neurites", "tiny-tubes"}
    assert all(isinstance(entry["z"], float) for entry in entries.values())
    on_tiles = {name for name, entry in entries.items() if isinstance(entry["few_shot"], float)}
    # At the pixel size of the third the painted objects are smaller than a pixel.
    assert on_tiles == {"tiny-neurites", "tiny-tubes"}
    assert isinstance(entries["tiny-tubes"]["mmd2_general"], float)
    assert mapped is not None
    assert "tiny-tubes" in mapped.names


def test_a_2d_image_leaves_3d_sources_out_and_says_so(
    image: Path, catalogue: Catalogue, tmp_path: Path
) -> None:
    told: list[Progress] = []
    with make_project(tmp_path / "flat.graft", ImageOptions(str(image))) as project:
        ranked = rank_sources(
            project,
            candidate_sources(catalogue),
            scorers=("mmd",),
            device="cpu",
            report=told.append,
            cancel=CancelToken(),
        )
        with pytest.raises(InputError, match="choose a 2-D source"):
            predict_project(
                project,
                PredictOptions(tmp_path / "out.tif", source="tiny-tubes", device="cpu"),
                catalogue=catalogue,
                report=ignore_progress,
                cancel=CancelToken(),
            )

    assert {entry.source.id for entry in ranked} == {"tiny-nuclei", "tiny-neurites"}
    assert any("they are 3-D and the image is 2-D: tiny-tubes" in progress.message for progress in told)


def test_the_loop_runs_with_a_3d_source_and_links_objects_over_slices(
    folder: Path, catalogue: Catalogue, tubes: Path, tmp_path: Path, quick_training: None
) -> None:
    quiet = {"catalogue": catalogue, "report": ignore_progress, "cancel": CancelToken()}
    with open_project(folder, write=True) as project:
        compared = CompareOptions(("tiny-tubes", "tiny-nuclei"), tmp_path / "pictures", 1, "cpu")
        assert len(compare_models(project, compared, **quiet)) == 1
        tile = Tile((3, 0, 0), (1, 64, 64))
        preview = PreviewOptions(("tiny-tubes", "tiny-nuclei"), (tile,), tmp_path / "p.safetensors", True)
        assert preview_models(project, preview, **quiet).n_objects[0][0] >= 4
        wish = SuggestOptions(2, 48, "uncertainty-diversity", source="tiny-tubes", device="cpu")
        suggested = suggest_tiles(project, wish, **quiet)
        assert [suggestion.tile.shape for suggestion in suggested] == [(1, 48, 48)] * 2

        task = TrainingTask(project, catalogue, ignore_progress, CancelToken())
        trained = task.run("tiny-tubes", Budget(None, 4, "cpu"))
        assert trained.steps == 4
        assert {"loss", "loss_source", "vi", "vi_source"} <= trained.validation.keys()

        # Blocks thinner than the volume: objects go on from block to block.
        predict_project(project, PredictOptions(tmp_path / "out.tif", source="tiny-tubes"), **quiet)
        uncertainty = tmp_path / "unsure.tif"
        predict_project(project, PredictOptions(tmp_path / "run.tif", uncertainty=uncertainty), **quiet)

    found = tifffile.imread(tmp_path / "out.tif")
    truth = tifffile.imread(tubes / "image_labels.tif")
    assert found.shape == truth.shape
    assert evaluate(found.astype(np.uint32), truth.astype(np.uint32)).ap50 > 0.8
    middle = found[:, 36, 36]
    assert np.unique(middle[middle > 0]).size == 1
    assert np.count_nonzero(middle) > 16
    assert tifffile.imread(uncertainty).shape == truth.shape


def test_a_run_from_a_3d_source_is_exported_with_both_fingerprints(
    folder: Path, catalogue: Catalogue, tubes: Path, tmp_path: Path, quick_training: None, sources: Path
) -> None:
    with open_project(folder, write=True) as project:
        TrainingTask(project, catalogue, ignore_progress, CancelToken()).run(
            str(tubes / "sources" / "tiny-tubes"), Budget(None, 1, "cpu")
        )

    export_reference(f"{folder}:0001", tmp_path / "run.graftsource")

    exported = open_source(tmp_path / "run.graftsource", "file")
    assert exported.card.spec.ndim == 3
    assert exported.load_fingerprint() is not None
    general = exported.load_general_fingerprint()
    assert general is not None


@pytest.mark.parametrize("z_nm", [20.0, 10.0, 40.0])
def test_a_painted_slice_is_one_slice_of_the_example_whatever_the_pixel_sizes(
    folder: Path, z_nm: float
) -> None:
    spec = ModelSpec(ndim=3, widths=(8, 16), pixel_size=(z_nm, 10, 10))
    painted = np.random.default_rng(0).integers(1, 4, (1, 64, 64)).astype(np.uint32)
    with open_project(folder) as project:
        view = view_of(project, spec)
        (example,) = make_examples(view, [LabelledTile(Tile((6, 16, 16), painted.shape), painted)])

    both = example.train + example.validation
    halo = HALO[3][1]
    assert 16 <= example.image.shape[0] <= 18
    assert np.flatnonzero(both.any((1, 2))).tolist() == [example.image.shape[0] // 2]
    assert np.count_nonzero(both) == 64 * 64
    assert np.array_equal(both.max(0)[halo:-halo, halo:-halo], painted[0])
    import torch

    known = make_targets(torch.from_numpy(both)[None], spec.offsets).mask.sum((0, 2, 3, 4))
    along_z = [i for i, offset in enumerate(spec.offsets, 1) if offset[0]]
    assert known[along_z].sum() == 0


def test_a_volume_thinner_than_a_patch_is_not_ranked_for_but_can_be_trained_on(
    tubes: Path, catalogue: Catalogue, tmp_path: Path, quick_training: None
) -> None:
    image, labels = make_tubes(2, (2, 96, 96))
    tifffile.imwrite(tmp_path / "thin.tif", image, photometric="minisblack")
    tifffile.imwrite(tmp_path / "labels.tif", labels, photometric="minisblack")
    quiet = {"catalogue": catalogue, "report": ignore_progress, "cancel": CancelToken()}
    with make_project(tmp_path / "p.graft", ImageOptions(str(tmp_path / "thin.tif"))) as project:
        annotate_from_labels(
            project, open_labels(str(tmp_path / "labels.tif")), [Tile((1, 0, 0), (1, 64, 64))]
        )
        ranked = rank_sources(project, candidate_sources(catalogue), **QUIET)
        task = TrainingTask(project, catalogue, ignore_progress, CancelToken())
        trained = task.run("tiny-tubes", Budget(None, 2, "cpu"))
        predict_project(project, PredictOptions(tmp_path / "out.tif"), **quiet)

    assert "tiny-tubes" not in [entry.source.id for entry in ranked]
    assert trained.steps == 2
    assert open_volume(str(tmp_path / "out.tif")).shape == (2, 96, 96)
    shutil.rmtree(tmp_path / "p.graft")
