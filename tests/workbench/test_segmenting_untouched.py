"""A source that is good enough segments the whole image before anything is painted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from window import Window

from napari_graft.core.progress import CancelToken
from napari_graft.io import open_labels
from napari_graft.project.results import note_written_result, written_results
from napari_graft.samples.cells import generate_cells
from napari_graft.session.exporting.export import ExportOptions, export
from napari_graft.session.projects.creation import ImageOptions, make_project
from napari_graft.workbench.next_step import Facts, next_step
from napari_graft.workbench.proofread.open_result import choice_of_file
from napari_graft.workbench.proofread.review import _to_compare_with

pytestmark = pytest.mark.usefixtures("few_sources")
SOURCE = "nuclei-he"


@pytest.fixture
def project(tmp_path: Path, graft_window: Window) -> Path:
    """Open a project of generated cells in which nothing was painted."""
    tifffile.imwrite(tmp_path / "cells.tif", generate_cells((96, 96), np.random.default_rng(0)).image)
    make_project(tmp_path / "p.graft", ImageOptions(str(tmp_path / "cells.tif"))).close()
    graft_window.open(tmp_path / "p.graft")
    return tmp_path / "p.graft"


def test_without_a_source_it_is_said_what_to_do(project: Path, graft_window: Window, tmp_path: Path) -> None:
    results = graft_window.workbench.results
    refused: list[str] = []
    results.refused.connect(refused.append)
    assert results.state.untouched is None
    results.segment_whole(tmp_path / "out.tif")
    assert "choose a source in the tab Sources" in refused[0]
    assert not (tmp_path / "out.tif").exists()


def test_the_chosen_source_segments_and_its_result_can_be_corrected_and_exported(
    project: Path, graft_window: Window, tmp_path: Path
) -> None:
    bench, out = graft_window.workbench, tmp_path / "out.tif"
    bench.sources.choose(SOURCE)
    assert bench.results.state.untouched == SOURCE
    assert bench.results.file_to_propose() == tmp_path / "p-segments.tif"
    bench.results.segment_whole(out)
    graft_window.wait()

    assert graft_window.failures == []
    assert open_labels(out).shape == (96, 96)
    (written,) = written_results(project)
    assert (written.run, written.source, written.file(project)) == (None, SOURCE, out)
    assert [one.file for one in bench.results.state.whole] == [out]

    assert bench.proofreading.state.chosen is not None
    bench.proofreading.open()
    graft_window.wait()
    place = bench.proofreading.place
    assert place is not None
    assert place.reference == SOURCE

    graft_window.leave()
    request = ExportOptions(str(project), "tiff", tmp_path / "exported.tif")
    export(request, report=lambda _: None, cancel=CancelToken())
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "exported.tif"), tifffile.imread(out))


def test_the_result_of_a_source_counts_as_the_one_before_the_first_round(tmp_path: Path) -> None:
    files = [tmp_path / "first.tif", tmp_path / "second.tif"]
    for file in files:
        file.touch()
    note_written_result(tmp_path, files[0], None, 3, source=SOURCE)
    note_written_result(tmp_path, files[1], "0001", 3)
    known = written_results(tmp_path)
    untouched, round_1 = (choice_of_file(file, (8, 8), known, tmp_path) for file in files)
    assert _to_compare_with(round_1, [untouched, round_1]) == (untouched, None)
    assert _to_compare_with(untouched, [untouched, round_1]) == (None, round_1)


def test_the_next_step_names_both_ways_to_go_on() -> None:
    words = next_step(Facts(has_project=True, is_ranked=True, has_source=True)).text
    assert "paint" in words
    assert "segment the image as it is" in words
