from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from edited import edit_document
from napari_graft.core.tile import Tile
from napari_graft.project.documents import RankedEntry, StoredRanking
from napari_graft.project.opening import open_project
from napari_graft.sources.source import id_without_view
from napari_graft.workbench.sources.state import NOT_RANKED

if TYPE_CHECKING:
    from window import Window

TILE = Tile((1, 64, 64), (1, 96, 128))


def entry(source: str, **more: object) -> RankedEntry:
    fields = {"source": source, "title": source, "structure": "neurites", "z": 2.5, "p_value": 0.03}
    return RankedEntry.model_validate(fields | {"verdict": "near"} | more)


def store(folder: Path, **fields: object) -> None:
    with open_project(folder, write=True) as project:
        project.store_ranking(StoredRanking.model_validate(fields))


def test_before_the_ranking_all_sources_are_listed(
    graft_window: Window, few_sources: tuple[str, ...]
) -> None:
    state = graft_window.workbench.sources.state

    assert {row.id for row in state.rows} == set(few_sources)
    assert {row.verdict for row in state.rows} == {NOT_RANKED}
    assert not state.is_ranked
    assert state.ticked == frozenset()


def test_without_a_project_nothing_can_be_ranked_or_previewed(graft_window: Window) -> None:
    model = graft_window.workbench.sources
    model.rank()
    model.tick("nuclei-he", True)
    model.preview(TILE)

    assert len(graft_window.refusals) == 2
    assert all("tab Data" in message for message in graft_window.refusals)
    assert not model.state.is_ranking
    assert not model.state.is_previewing


def test_ranking_is_shown_best_first_stored_and_there_again(
    graft_window: Window, neuropil_project: Path
) -> None:
    model = graft_window.workbench.sources
    graft_window.open(neuropil_project)
    model.rank()
    assert model.state.is_ranking
    graft_window.wait()

    rows = model.state.rows
    assert graft_window.failures == []
    ids = [id_without_view(row.id) for row in rows]
    assert ids == ["fly-medulla-fibsem", "rat-axons-sem", "nuclei-he"]
    assert all(row.z is not None and row.verdict != NOT_RANKED for row in rows)
    assert rows[2].verdict == "finds nuclei"
    assert (model.state.is_ranked, model.state.is_ranking) == (True, False)
    assert model.state.ticked == {row.id for row in rows}
    assert graft_window.workbench.state.next.text.startswith("Preview the best sources")

    graft_window.workbench.context.close_project()
    assert not model.state.is_ranked
    graft_window.open(neuropil_project)
    assert model.state.rows == rows
    assert model.state.is_ranked
    mapped = model.state.source_map
    assert mapped is not None
    assert set(mapped.names) == {row.id for row in rows}  # the image is not on it: no common encoder here


def test_sources_appear_as_they_are_measured_with_the_time_left_and_nobody_waits_for_the_ranking(
    graft_window: Window, neuropil_project: Path
) -> None:
    model, context = graft_window.workbench.sources, graft_window.workbench.context
    graft_window.open(neuropil_project)
    model.choose("nuclei-he")  # what suggestions look with
    seen: list[tuple[str, ...]] = []
    left: list[float] = []
    model.state.events.rows.connect(
        lambda rows, _: seen.append(tuple(row.id for row in rows if row.is_ranked))
    )
    model.rank()
    (job,) = context.jobs.active
    job.state.events.seconds_left.connect(lambda seconds, _: left.append(seconds))
    graft_window.workbench.annotating.suggest()
    assert [one.lane for one in context.jobs.active] == ["ranking", "short"]
    graft_window.wait()

    assert graft_window.failures == []
    assert any(0 < len(ranked) < 3 for ranked in seen)
    assert len(seen[-1]) == 3
    # What somebody waits for comes before what is only there to be complete.
    first = next(ranked for ranked in seen if ranked)
    assert id_without_view(first[0]) in ("fly-medulla-fibsem", "rat-axons-sem")
    assert any(seconds is not None for seconds in left)
    assert context.process_id("ranking") is None  # it takes no memory any more


def test_a_ranking_that_is_stopped_keeps_what_it_has_measured_in_sight(
    graft_window: Window, neuropil_project: Path
) -> None:
    model, context = graft_window.workbench.sources, graft_window.workbench.context
    graft_window.open(neuropil_project)
    model.state.events.rows.connect(lambda rows, _: context.jobs.cancel())
    model.rank()
    graft_window.wait()
    assert 1 <= sum(row.is_ranked for row in model.state.rows) < 3
    assert not model.state.is_ranked
    assert not model.state.is_ranking


def test_the_map_is_drawn_once_whatever_is_chosen(graft_window: Window, neuropil_project: Path) -> None:
    names = ("fly-medulla-fibsem", "nuclei-he")
    known = {"names": names, "distances": ((0.0, 1.0), (1.0, 0.0))}
    store(neuropil_project, entries=tuple(entry(name) for name in names), map=known)
    started: list[str] = []
    graft_window.workbench.context.jobs.started.connect(lambda job: started.append(job.state.title))
    graft_window.open(neuropil_project)
    model = graft_window.workbench.sources
    drawn = model.state.source_map
    model.choose("nuclei-he")
    graft_window.wait()

    assert drawn is not None
    assert model.state.source_map is drawn
    assert sum("map" in title for title in started) == 1
    graft_window.workbench.context.close_project()
    assert model.state.source_map is None


def test_sources_that_have_seen_the_image_are_named_and_not_listed(
    graft_window: Window, neuropil_project: Path
) -> None:
    store(neuropil_project, entries=(entry("fly-medulla-fibsem"),), left_out=("rat-axons-sem", "gone"))
    graft_window.open(neuropil_project)

    state = graft_window.workbench.sources.state
    assert [row.id for row in state.rows] == ["fly-medulla-fibsem", "nuclei-he"]
    assert state.left_out == ("Rat myelinated axons, spinal cord, SEM", "gone")


def test_3d_sources_that_the_image_does_not_suit_are_named_with_the_reason_and_not_listed(
    graft_window: Window, neuropil_project: Path
) -> None:
    entries = (entry("fly-medulla-fibsem"),)
    store(neuropil_project, entries=entries, unsuited={"rat-axons-sem": "the image is 2-D"})
    graft_window.open(neuropil_project)

    state = graft_window.workbench.sources.state
    assert [row.id for row in state.rows] == ["fly-medulla-fibsem", "nuclei-he"]
    assert state.unsuited == (("Rat myelinated axons, spinal cord, SEM", "the image is 2-D"),)


def test_before_the_ranking_sources_for_what_is_wanted_come_first(
    graft_window: Window, neuropil_project: Path
) -> None:
    with open_project(neuropil_project, write=True) as project:
        project.update_manifest(structure="nuclei")
    graft_window.open(neuropil_project)
    assert graft_window.workbench.sources.state.rows[0].id == "nuclei-he"


def test_preview_shows_what_the_ticked_sources_make_of_one_tile(
    graft_window: Window, neuropil_project: Path
) -> None:
    store(neuropil_project, entries=tuple(map(entry, ("fly-medulla-fibsem", "rat-axons-sem"))))
    graft_window.open(neuropil_project)
    model = graft_window.workbench.sources
    model.preview(TILE)
    assert model.state.is_previewing
    graft_window.wait()

    assert graft_window.failures == graft_window.refusals == []
    found = model.state.preview
    assert found is not None
    assert not model.state.is_previewing
    assert [choice.reference for choice in found.choices] == ["fly-medulla-fibsem", "rat-axons-sem"]
    assert {one.shape for one in found.segments} == {TILE.shape}
    assert found.n_objects == tuple(np.unique(one[one > 0]).size for one in found.segments)
    assert found.n_objects[0] > 3
    with open_project(neuropil_project) as project:
        np.testing.assert_array_equal(found.image, project.volume.read(TILE))
    assert found.disagreement is not None
    assert found.agreement == pytest.approx(1 - np.count_nonzero(found.disagreement) / TILE.n_pixels)
    missing = {one.id for one in found.differences}
    assert missing <= set(np.unique(found.segments[0]).tolist())

    model.close_preview()
    assert model.state.preview is None


def test_preview_of_nothing_is_refused(graft_window: Window, neuropil_project: Path) -> None:
    graft_window.open(neuropil_project)
    graft_window.workbench.sources.preview(TILE)

    assert graft_window.refusals == ["0 sources are ticked: tick one to 4"]


def test_preview_that_fails_can_be_asked_for_again(graft_window: Window, neuropil_project: Path) -> None:
    store(neuropil_project, entries=(entry("fly-medulla-fibsem"),))
    graft_window.open(neuropil_project)
    model = graft_window.workbench.sources
    model.preview(Tile((9, 0, 0), (1, 64, 64)))
    graft_window.wait()

    assert "inside" in graft_window.failures[0]
    assert (model.state.is_previewing, model.state.preview) == (False, None)


def test_chosen_source_is_there_after_reopening(graft_window: Window, neuropil_project: Path) -> None:
    graft_window.open(neuropil_project)
    graft_window.workbench.sources.choose("nuclei-he")
    assert graft_window.workbench.state.next.tab == "annotate"
    graft_window.workbench.context.close_project()
    assert graft_window.workbench.sources.state.chosen is None

    graft_window.open(neuropil_project)

    assert graft_window.workbench.sources.state.chosen == "nuclei-he"


def test_damaged_ranking_is_told_and_can_be_made_anew(graft_window: Window, neuropil_project: Path) -> None:
    (neuropil_project / "ranking.json").write_text("{")
    graft_window.open(neuropil_project)

    assert "ranking.json" in graft_window.refusals[0]
    assert not graft_window.workbench.sources.state.is_ranked


def test_added_source_is_listed_and_ticked(
    graft_window: Window, few_sources: tuple[str, ...], tmp_path: Path
) -> None:
    folder = tmp_path / "theirs"
    shutil.copytree(tmp_path / "few" / few_sources[0], folder)
    edit_document(folder / "card.json", id="theirs")
    model = graft_window.workbench.sources
    model.add(folder)
    graft_window.wait()

    assert graft_window.failures == []
    assert "theirs" in {row.id for row in model.state.rows}
    assert "theirs" in model.state.ticked
    assert (model.folder / "theirs").is_dir()


def test_what_is_said_of_a_source_goes_with_it(
    graft_window: Window, few_sources: tuple[str, ...], tmp_path: Path
) -> None:
    model = graft_window.workbench.sources
    model.importing.set("structure", "nuclei")
    model.add(tmp_path / "few" / few_sources[0])
    graft_window.wait()

    assert ["leave outputs and structure out" in words for words in graft_window.failures] == [True]


def test_a_source_whose_id_is_taken_is_told_of_and_replaces_the_other_when_asked_to(
    graft_window: Window, few_sources: tuple[str, ...], tmp_path: Path
) -> None:
    model, taken = graft_window.workbench.sources, []
    model.taken.connect(lambda path, source_id: taken.append((path, source_id)))
    for title in ("First", "Second"):
        shutil.copytree(tmp_path / "few" / few_sources[0], tmp_path / title)
        edit_document(tmp_path / title / "card.json", id="theirs", title=title)
        model.add(tmp_path / title)
        graft_window.wait()

    assert taken == [(tmp_path / "Second", "theirs")]
    assert [row.title for row in model.state.rows if row.id == "theirs"] == ["First"]
    model.add(tmp_path / "Second", replaces=True)
    graft_window.wait()
    assert [row.title for row in model.state.rows if row.id == "theirs"] == ["Second"]
    assert graft_window.failures == []


@pytest.mark.parametrize(
    ("name", "content", "word"),
    [
        ("weights.pt", b"PK\x03\x04 and more", "safetensors"),
        ("source.graft-source", b"", ""),
        ("weights.safetensors", b"\x80\x04hostile", "card"),
        ("missing", None, "missing"),
    ],
)
def test_what_is_no_source_is_refused_in_words(
    graft_window: Window, tmp_path: Path, name: str, content: bytes | None, word: str
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    n_before = len(graft_window.workbench.sources.state.rows)
    graft_window.workbench.sources.add(tmp_path / name)
    graft_window.wait()

    assert len(graft_window.failures) == 1
    assert word in graft_window.failures[0]
    assert "unexpected" not in graft_window.failures[0]
    assert len(graft_window.workbench.sources.state.rows) == n_before


@pytest.mark.parametrize("distances", [((0.0, 1.0),), ((0.0, 1.0), (1.0,)), ((0.0, -1.0), (-1.0, 0.0))])
def test_a_damaged_map_is_told_and_hides_nothing_else(
    graft_window: Window, neuropil_project: Path, distances: tuple[tuple[float, ...], ...]
) -> None:
    damaged = {"names": ("fly-medulla-fibsem", "rat-axons-sem"), "distances": distances}
    store(neuropil_project, entries=(entry("fly-medulla-fibsem"),), map=damaged)
    graft_window.open(neuropil_project)

    assert len(graft_window.failures) == 1
    assert "rank the sources again" in graft_window.failures[0]
    assert graft_window.workbench.sources.state.source_map is None
    assert graft_window.workbench.sources.state.is_ranked
