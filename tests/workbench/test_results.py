"""A finished segmentation that is damaged, or of other pixels than the image has now, is made anew."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import zarr
from window import Window

from napari_graft.io.weights import save_tensors
from napari_graft.nets.build import build_network
from napari_graft.project.opening import open_project
from napari_graft.samples.cells import generate_cells
from napari_graft.session.projects.creation import ImageOptions, make_project
from napari_graft.sources.network_spec import ModelSpec

SPEC = ModelSpec(widths=(4, 8))
SHAPE = (128, 128)
DAMAGES = [("flipped", "round-0001.zarr"), ("removed", "round-0001-uncertainty.zarr")]


def make_with_run(folder: Path) -> Path:
    """Make a project of a zarr image, with a finished run that finds something anywhere."""
    image = generate_cells(SHAPE, np.random.default_rng(0)).image
    zarr.create_array(folder / "image.zarr", data=image, chunks=(64, 64), compressors=None)
    options = ImageOptions(str(folder / "image.zarr"), axes="yx", pixel_size=(650.0, 650.0))
    with make_project(folder / "p.graft", options) as project:
        run = project.new_run("tiny-nuclei", SPEC, n_tiles=1)
        save_tensors(run.weights_path, build_network(SPEC, seed=1).stored_weights(), {"run": run.id})
        run.finish(stopped_by="steps", steps=2, kept=True)
    return folder / "p.graft"


def change_image(folder: Path, *, value: int) -> None:
    zarr.open_array(folder / "image.zarr", mode="r+")[8:16, 8:16] = value


def reopen(window: Window, folder: Path) -> None:
    window.leave()
    window.open(folder)


@pytest.fixture
def project(tmp_path: Path, graft_window: Window) -> Path:
    """Open a project whose one round is segmented."""
    folder = make_with_run(tmp_path)
    graft_window.open(folder)
    graft_window.workbench.results.segment_round()
    graft_window.wait()
    assert graft_window.workbench.results.state.shown == "0001"
    assert graft_window.workbench.results.state.faults == ()
    return folder


def test_a_segmentation_of_other_pixels_than_the_image_has_now_is_told_and_made_again(
    project: Path, graft_window: Window, tmp_path: Path
) -> None:
    results = graft_window.workbench.results
    whole = tmp_path / "whole.tif"
    results.segment_whole(whole)
    graft_window.wait()
    before = results.state.results[0].record
    change_image(tmp_path, value=255)

    reopen(graft_window, project)

    assert [fault.key for fault in results.state.faults] == ["0001", str(whole)]
    for fault in results.state.faults:
        assert "The pixels of the image have changed since" in fault.words
    assert (results.state.shown, results.state.missing) == ("0001", "0001")

    results.segment_round()
    graft_window.wait()
    results.segment_whole(whole)
    graft_window.wait()
    assert results.state.faults == ()
    assert results.state.missing is None
    assert results.state.results[0].record.made_of != before.made_of
    reopen(graft_window, project)
    assert results.state.faults == ()
    assert graft_window.failures == []


def test_an_image_that_is_changed_while_it_is_open_is_noticed_when_its_round_is_shown_again(
    project: Path, graft_window: Window, tmp_path: Path
) -> None:
    change_image(tmp_path, value=255)

    graft_window.workbench.context.runs_changed.emit()
    graft_window.wait()

    assert "have changed since round 1" in graft_window.workbench.results.state.faults[0].words


def test_a_copy_of_the_image_is_no_other_image(project: Path, graft_window: Window, tmp_path: Path) -> None:
    graft_window.leave()
    shutil.copytree(tmp_path / "image.zarr", tmp_path / "copy.zarr")
    shutil.rmtree(tmp_path / "image.zarr")
    (tmp_path / "copy.zarr").rename(tmp_path / "image.zarr")

    graft_window.open(project)

    assert graft_window.workbench.results.state.faults == ()
    assert graft_window.workbench.results.state.missing is None


@pytest.mark.parametrize(("harm", "what"), DAMAGES)
def test_a_damaged_block_of_a_segmentation_is_named_and_it_is_not_shown_until_it_is_made_again(
    project: Path, graft_window: Window, harm: str, what: str
) -> None:
    results = graft_window.workbench.results
    chunk = project / "results" / what / "0" / "c" / "0" / "0"
    data = bytearray(chunk.read_bytes())
    data[len(data) // 2] ^= 16
    if harm == "flipped":
        chunk.write_bytes(data)
    else:
        chunk.unlink()

    reopen(graft_window, project)

    words = results.state.faults[0].words
    assert words == f"round 1 is damaged: 1 block at y 0–127, x 0–127 of {what}: segment again."
    assert results.state.results == ()
    assert (results.state.shown, results.state.missing) == (None, "0001")
    results.segment_round()
    graft_window.wait()
    assert (results.state.shown, results.state.faults) == ("0001", ())


def test_a_record_from_before_pixels_were_noted_is_taken_as_it_is(
    project: Path, graft_window: Window, tmp_path: Path
) -> None:
    graft_window.leave()
    with open_project(project, write=True):
        record = project / "results" / "round-0001.json"
        record.write_text(
            '{"format_version": 1, "run": "0001", "start": [0, 0], "shape": [128, 128], "n_objects": 3}'
        )
    change_image(tmp_path, value=255)

    graft_window.open(project)

    assert graft_window.workbench.results.state.shown == "0001"
    assert graft_window.workbench.results.state.faults == ()
