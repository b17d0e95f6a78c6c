from __future__ import annotations

import inspect
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile
from tiny_loop import make_annotated

import napari_graft
from napari_graft.core.errors import InputError
from napari_graft.core.tile import Tile
from napari_graft.project.opening import open_project


def test_the_public_functions_are_documented() -> None:
    promised = {"open_project", "rank_sources", "suggest_tiles", "train", "predict_volume", "evaluate"}
    promised |= {"propose_plan", "run_trial", "merge_sources", "new_project", "annotate", "export"}

    assert promised <= set(napari_graft.__all__)
    for name in promised:
        assert getattr(napari_graft, name).__doc__.splitlines()[0].endswith(".")
    assert napari_graft.open_project is open_project


def test_completion_finds_the_functions_before_anything_is_loaded() -> None:
    code = "import napari_graft, sys; print(*dir(napari_graft)); assert 'torch' not in sys.modules"
    listed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert set(napari_graft.__all__) <= set(listed.split())


@pytest.mark.parametrize("name", napari_graft.__all__)
def test_every_option_is_named_typed_and_documented(name: str) -> None:
    function = getattr(napari_graft, name)
    parameters = inspect.signature(function).parameters.values()
    assert all(one.kind not in (one.VAR_KEYWORD, one.VAR_POSITIONAL) for one in parameters)
    assert all("Any" not in str(one.annotation) for one in parameters)
    # A parameter whose type says it all, such as the project, needs no line of its own.
    plain = {"project", "report", "out", "n", "folder", "unit"}
    missing = [one.name for one in parameters if one.name not in plain | _documented(function)]
    assert not missing


def _documented(function: object) -> set[str]:
    lines = (function.__doc__ or "").splitlines()
    return {name for line in lines for name in re.findall(r"[a-z_]+", line) if not line.endswith(".")}


def test_what_runs_a_network_can_be_told_where() -> None:
    for name in ("rank_sources", "suggest_tiles", "train", "run_trial", "merge_sources", "predict_volume"):
        assert inspect.signature(getattr(napari_graft, name)).parameters["device"].default == "auto"


def test_a_project_is_made_and_annotated_from_a_script(tmp_path: Path, image: Path, labels: Path) -> None:
    tile = Tile((16, 32), (64, 64))
    with napari_graft.new_project(
        tmp_path / "p.graft", image, pixel_size=(4, 4), structure="nuclei"
    ) as project:
        assert project.manifest.pixel_size == (4.0, 4.0)
        (from_file,) = napari_graft.annotate(project, labels, [tile])
        (from_array,) = napari_graft.annotate(project, tifffile.imread(labels), [tile])
        np.testing.assert_array_equal(from_file.labels, from_array.labels)
        with pytest.raises(InputError, match="save them as integers"):
            napari_graft.annotate(project, np.ones((128, 128)), [tile])


def test_a_notebook_shows_the_project_with_a_picture(tmp_path: Path, image: Path) -> None:
    moved = tmp_path / "own.tif"
    shutil.copy(image, moved)
    with napari_graft.new_project(tmp_path / "p.graft", moved, structure="nuclei") as project:
        assert repr(project) == "<Project p.graft: nuclei in 128 × 128 yx, 0 painted tiles, 0 runs>"
        page = project._repr_html_()
    assert "data:image/webp;base64," in page
    moved.unlink()
    page = napari_graft.open_project(tmp_path / "p.graft")._repr_html_()
    assert "nuclei in 128 × 128" in page
    assert "own.tif" in page


def test_a_name_that_does_not_exist_is_an_ordinary_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'segment_anything'"):
        napari_graft.segment_anything  # noqa: B018


@pytest.mark.usefixtures("quick_training")
def test_a_script_goes_round_the_loop(tmp_path: Path, image: Path, labels: Path) -> None:
    make_annotated(tmp_path / "p.graft", image, labels, structure="nuclei")

    with napari_graft.open_project(tmp_path / "p.graft", write=True) as project:
        ranked = napari_graft.rank_sources(project, exclude=["tiny-neurites"])
        suggested = napari_graft.suggest_tiles(project, 1, tile=40, strategy="random")
        plan = napari_graft.propose_plan(ranked, n_tiles=4, minutes=1)
        trial = napari_graft.run_trial(project, plan, steps=1)
        merged = napari_graft.merge_sources(project, ["tiny-nuclei", "tiny-neurites"], steps=2)
        trained = napari_graft.train(project, ranked[0].source.id, steps=1)
        result = napari_graft.predict_volume(project, tmp_path / "segments.tif", run=trained.run)
        region = [(0, 32), (16, 64)]
        part = napari_graft.predict_volume(project, tmp_path / "part.tif", run=trained.run, region=region)

    assert [entry.source.id for entry in ranked] == ["tiny-nuclei"]
    assert (merged.recipe.method, merged.training.steps) == ("kernel", 2)
    assert len(suggested) == 1
    assert (plan.shortlist, plan.n_tiles, trial.winner, trial.run) == (
        ("tiny-nuclei",),
        2,
        "tiny-nuclei",
        "0001",
    )
    assert tifffile.imread(part.path).shape == (32, 48)
    found = tifffile.imread(result.path)
    scores = napari_graft.evaluate(found, tifffile.imread(labels))
    assert scores.n_predicted == result.n_objects


def test_a_project_that_is_open_for_reading_takes_suggestions_but_keeps_none(
    tmp_path: Path, image: Path, labels: Path
) -> None:
    make_annotated(tmp_path / "p.graft", image, labels)

    with napari_graft.open_project(tmp_path / "p.graft") as project:
        assert napari_graft.suggest_tiles(project, 1, tile=40, source="tiny-nuclei")
        assert project.suggestions().suggestions == ()
        with pytest.raises(InputError, match="open for reading"):
            napari_graft.train(project, "tiny-nuclei", steps=1)
        assert list((tmp_path / "p.graft" / "runs").iterdir()) == []
