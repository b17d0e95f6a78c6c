from __future__ import annotations

from pathlib import Path

import pytest
import tifffile
from tiny_loop import make_annotated

import napari_graft
from napari_graft.core.errors import InputError
from napari_graft.project.opening import open_project


def test_the_public_functions_are_documented() -> None:
    promised = {"open_project", "rank_sources", "suggest_tiles", "train", "predict_volume", "evaluate"}
    promised |= {"propose_plan", "run_trial", "merge_sources"}

    assert promised <= set(napari_graft.__all__)
    for name in promised:
        assert getattr(napari_graft, name).__doc__.splitlines()[0].endswith(".")
    assert napari_graft.open_project is open_project


def test_a_name_that_does_not_exist_is_an_ordinary_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'segment_anything'"):
        napari_graft.segment_anything  # noqa: B018


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

    assert [entry.source.id for entry in ranked] == ["tiny-nuclei"]
    assert (merged.recipe.method, merged.training.steps) == ("kernel", 2)
    assert len(suggested) == 1
    assert (plan.shortlist, plan.n_tiles, trial.winner, trial.run) == (
        ("tiny-nuclei",),
        2,
        "tiny-nuclei",
        "0001",
    )
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
