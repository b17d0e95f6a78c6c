"""How long it takes to score sources on tiles: ``pytest -m bench -s tests/scorers/test_speed.py``."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import torch

import napari_graft
from napari_graft.core.progress import CancelToken, ignore_progress
from napari_graft.io import open_labels
from napari_graft.scorers.few_shot import few_shot
from napari_graft.scorers.scoring_context import ComputeContext, ScoringContext
from napari_graft.session.annotation import annotate_from_labels
from napari_graft.session.demo_output import write_sample
from napari_graft.session.models import model_of_source
from napari_graft.session.projects.creation import ImageOptions, make_project
from napari_graft.session.ranking.evidence import ProjectTarget
from napari_graft.session.suggestion import SuggestOptions, suggest_tiles
from napari_graft.sources.catalogue import Catalogue

N_TILES = 8
SOURCES = ("fly-medulla-fibsem", "nuclei-he", "fly-medulla-fibsem-3d", "mouse-embryo-nuclei-3d")
BUILT_IN = Path(napari_graft.__file__).parent / "data" / "sources"


@pytest.mark.bench
def test_scoring_a_2d_source_on_eight_tiles_takes_seconds(tmp_path: Path) -> None:
    catalogue = Catalogue([(BUILT_IN, "built-in")])
    image, labels = write_sample(tmp_path / "sample")
    options = ImageOptions(image, pixel_size=(30, 8, 8), structure="neurites")
    with make_project(tmp_path / "p.graft", options) as project:
        request = SuggestOptions(N_TILES, 256, strategy="random")
        found = suggest_tiles(
            project, request, catalogue=catalogue, report=ignore_progress, cancel=CancelToken()
        )
        annotate_from_labels(project, open_labels(labels), [one.tile for one in found])
        target = ProjectTarget(project, ComputeContext(torch.device("cpu"), CancelToken()))
        seconds = {name: measure(catalogue, name, target) for name in SOURCES}
    for name, taken in seconds.items():
        print(f"{name:24} {taken:5.1f} s of processor time")
    assert max(seconds["fly-medulla-fibsem"], seconds["nuclei-he"]) < 10


def measure(catalogue: Catalogue, name: str, target: ProjectTarget) -> float:
    """Return the processor time of the score, the tiles being read already."""
    source = catalogue.get(name)
    model = model_of_source(source)
    target.examples(model.spec)
    began = time.process_time()
    assert few_shot(ScoringContext(source, model.network, model.decode, target, target.compute)) is not None
    return time.process_time() - began
