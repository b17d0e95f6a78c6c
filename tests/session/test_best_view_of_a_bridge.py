"""The view of the image in which a source is bridged: its polarity, stain and scale."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from skimage.color import hed2rgb
from tiny_loop import make_sample

from napari_graft.core.progress import CancelToken, ignore_progress
from napari_graft.core.tile import Tile
from napari_graft.nets.residual_unet import ResidualUNet
from napari_graft.project.opening import open_project
from napari_graft.scorers.consistency import consistency_of
from napari_graft.session.bridging.assess import Assessor
from napari_graft.session.bridging.task import BridgeTask
from napari_graft.session.projects.creation import ImageOptions, make_project
from napari_graft.session.projects.project_image import view_of
from napari_graft.session.training.fitting import Budget
from napari_graft.sources.catalogue import Catalogue

SIDE = 128
pytestmark = pytest.mark.usefixtures("quick_training")


@pytest.fixture
def tissue(tmp_path: Path) -> Path:
    """A project of a stained section, and pairs of it: colours, and the hematoxylin alone."""
    nuclei = make_sample((SIDE, SIDE)).image / 255
    amounts = np.stack([0.3 * nuclei, 0.15 * nuclei[::-1], np.zeros_like(nuclei)], -1)
    coloured, grey = (np.rint(255 * one).astype(np.uint8) for one in (hed2rgb(amounts), nuclei))
    for name, image in (("coloured", coloured), ("grey", grey)):
        (tmp_path / name).mkdir()
        tifffile.imwrite(tmp_path / name / "a.tif", image, photometric="rgb" if image.ndim > 2 else None)
    options = ImageOptions(str(tmp_path / "coloured" / "a.tif"), structure="nuclei")
    make_project(tmp_path / "p.graft", options).close()
    return tmp_path


def measure(monkeypatch: pytest.MonkeyPatch, *, zoom: float = 1.0) -> None:
    """Let the source prefer hematoxylin, bright, at one scale."""

    def z(assessor: Assessor, network: ResidualUNet) -> float:
        return {None: 90.0, "hematoxylin": 20.0, "eosin": 50.0, "dab": 95.0}[network.spec.stain] + (
            5.0 if network.spec.inverted else 0.0
        )

    monkeypatch.setattr(Assessor, "z", z)
    monkeypatch.setattr(Assessor, "consistency", lambda _, one: 0.9 if one.spec.zoom == zoom else 0.3)


def run(folder: Path, method: str):  # type: ignore[no-untyped-def]
    pairs = (folder / "coloured", folder / "grey")
    with open_project(folder / "p.graft", write=True) as project:
        task = BridgeTask(project, Catalogue(), ignore_progress, CancelToken())
        report = task.run("tiny-nuclei", pairs, Budget(None, 2, "cpu"), method)
        spec = project.runs.get(report.training.run).record.spec
        return report, spec, view_of(project, spec)


def test_the_best_view_may_be_a_stain_at_another_scale(tissue: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    measure(monkeypatch, zoom=0.5)
    report, spec, view = run(tissue, "best-view")

    assert (spec.stain, spec.zoom, spec.inverted) == ("hematoxylin", 0.5, False)
    assert report.bridge.view == "its hematoxylin alone, at half its size"
    nuclei = tifffile.imread(tissue / "grey" / "a.tif").astype(float)
    shown = view.read(Tile((0, 0), (SIDE, SIDE)))
    assert shown.shape == (SIDE // 2, SIDE // 2)
    smaller = nuclei.reshape(SIDE // 2, 2, SIDE // 2, 2).mean((1, 3))
    assert np.corrcoef(shown.ravel(), smaller.ravel())[0, 1] > 0.95


def test_the_source_as_it_is_is_shown_the_image_as_it_is(
    tissue: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    measure(monkeypatch, zoom=2.0)
    _, spec, _ = run(tissue, "as-it-is")

    assert (spec.stain, spec.zoom, spec.inverted) == (None, 1.0, False)


def test_a_translator_begins_with_the_best_view_on_both_sides_of_a_pair(
    tissue: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    measure(monkeypatch)
    report, spec, _ = run(tissue, "histogram")

    assert spec.translator is not None
    assert spec.stain == "hematoxylin"
    assert report.bridge.n_pairs == 1


def test_what_a_source_finds_is_measured_in_the_view_of_its_specification(
    tissue: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = list[tuple[float, ...]]()

    def look(network, decode, images, compute):  # type: ignore[no-untyped-def]
        seen.append((network.spec.zoom, float(np.mean([image.shape[-1] for image in images]))))
        return consistency_of(network, decode, images, compute)

    monkeypatch.setattr("napari_graft.session.bridging.assess.consistency_of", look)
    run(tissue, "best-view")

    sides = dict(seen)
    assert set(sides) == {0.5, 1.0, 2.0}
    assert sides[0.5] < sides[1.0] < sides[2.0]
