from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from napari_graft.core.tile import Tile
from napari_graft.io.weights import save_tensors
from napari_graft.project.documents import RankedEntry, StoredRanking
from napari_graft.project.opening import open_project
from napari_graft.sources.catalogue import Catalogue

if TYPE_CHECKING:
    from window import Window

TILE = Tile((1, 64, 64), (1, 96, 128))
FLY, NUCLEI = "fly-medulla-fibsem", "nuclei-he"


def add_run(folder: Path, *, is_finished: bool = True) -> None:
    """Let the project have a run whose model is that of the source."""
    source = Catalogue().get(FLY)
    with open_project(folder, write=True) as project:
        run = project.runs.start(FLY, source.card.spec, 2)
        if is_finished:
            save_tensors(run.weights_path, source.load_weights(), {})
            run.finish(stopped_by="steps", kept=True, decode=source.card.decode)


def references(window: Window) -> list[str]:
    return [choice.reference for choice in window.workbench.comparing.state.chosen]


def test_rounds_and_sources_can_be_chosen(graft_window: Window, neuropil_project: Path) -> None:
    for is_finished in (True, True, False):
        add_run(neuropil_project, is_finished=is_finished)
    graft_window.open(neuropil_project)

    options = graft_window.workbench.comparing.state.options
    assert [one.title for one in options][:2] == ["round 2", "round 1"]
    assert {one.reference for one in options[2:]} == {FLY, NUCLEI, "rat-axons-sem"}
    assert references(graft_window) == ["run 0002", "run 0001"]


def test_before_there_are_rounds_the_source_in_use_and_the_best_are_proposed(
    graft_window: Window, neuropil_project: Path
) -> None:
    fields = {"title": "", "structure": "neurites", "z": 2.5, "p_value": 0.03, "verdict": "near"}
    entries = [RankedEntry.model_validate(fields | {"source": one}) for one in ("rat-axons-sem", FLY)]
    with open_project(neuropil_project, write=True) as project:
        project.store_ranking(StoredRanking(entries=tuple(entries)))
    graft_window.open(neuropil_project)
    assert references(graft_window) == ["rat-axons-sem", FLY]

    graft_window.workbench.sources.choose(FLY)
    assert references(graft_window) == [FLY, "rat-axons-sem"]


def test_what_the_user_chose_stays_when_a_round_is_added(
    graft_window: Window, neuropil_project: Path
) -> None:
    graft_window.open(neuropil_project)
    model = graft_window.workbench.comparing
    for reference in (NUCLEI, FLY, NUCLEI, "no such source"):
        model.add(reference)
    assert references(graft_window) == [NUCLEI, FLY]

    graft_window.workbench.context.runs_changed.emit()
    assert references(graft_window) == [NUCLEI, FLY]
    model.remove(NUCLEI)
    assert references(graft_window) == [FLY]


def test_one_model_cannot_be_compared(graft_window: Window, neuropil_project: Path) -> None:
    graft_window.open(neuropil_project)
    graft_window.workbench.comparing.compare(TILE)

    assert "two or more" in graft_window.refusals[0]
    assert not graft_window.workbench.comparing.state.is_comparing


def test_round_is_compared_with_sources(graft_window: Window, neuropil_project: Path) -> None:
    add_run(neuropil_project)
    graft_window.open(neuropil_project)
    model = graft_window.workbench.comparing
    model.add(FLY)
    model.add(NUCLEI)
    model.compare(TILE)
    assert model.state.is_comparing
    graft_window.wait()

    assert graft_window.failures == graft_window.refusals == []
    found = model.state.comparison
    assert found is not None
    assert found.choices[0].title == "round 1"
    # The round has the weights of the first source.
    assert (found.segments[0] == found.segments[1]).all()
    assert found.differences == ()
    assert found.agreement is not None
    assert found.agreement < 1


def test_blinking_shows_one_after_the_other(graft_window: Window, neuropil_project: Path) -> None:
    add_run(neuropil_project)
    graft_window.open(neuropil_project)
    model = graft_window.workbench.comparing
    model.blink()  # nothing to show yet
    assert model.state.display.mode == "grid"
    model.add(FLY)
    model.compare(TILE)
    graft_window.wait()

    fronts = []
    for _ in range(4):
        model.blink()
        fronts.append(model.state.display.front)

    assert model.state.display.mode == "blink"
    assert fronts == [0, 1, 0, 1]


def test_vote_is_stored_counted_and_given_once(graft_window: Window, neuropil_project: Path) -> None:
    add_run(neuropil_project)
    graft_window.open(neuropil_project)
    model = graft_window.workbench.comparing
    model.prefer(FLY)  # nothing is compared yet
    model.add(FLY)
    for _ in range(2):
        model.compare(TILE)
        graft_window.wait()
        assert model.state.preferred is None
        model.prefer("run 0001")
        model.prefer(FLY)

    assert [vote.winner for vote in model.state.votes] == ["run 0001"] * 2
    assert model.state.preferred == "run 0001"
    graft_window.workbench.context.close_project()
    assert model.state.votes == ()
    graft_window.open(neuropil_project)
    (first, _) = model.state.votes
    assert (first.winner, first.others, first.tile) == ("run 0001", (FLY,), TILE)


def test_closed_comparison_is_gone(graft_window: Window, neuropil_project: Path) -> None:
    graft_window.open(neuropil_project)
    model = graft_window.workbench.comparing
    for reference in (FLY, NUCLEI):
        model.add(reference)
    model.compare(TILE)
    graft_window.wait()
    assert model.state.comparison is not None

    model.close_comparison()

    assert model.state.comparison is None
    with pytest.raises(AttributeError):
        model.state.nothing_else = 1  # type: ignore[attr-defined]  # the state has slots
