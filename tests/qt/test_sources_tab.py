from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import tifffile
from qtpy.QtCore import QPoint, Qt
from qtpy.QtWidgets import QFileDialog, QMessageBox, QPushButton

from edited import edit_document
from napari_graft._napari.comparison import comparison_view_of
from napari_graft._napari.layers import details_of, our_layers
from napari_graft._qt.annotate.tab import AnnotateTab
from napari_graft._qt.shell.job_strip import JobRow
from napari_graft._qt.sources.segment_box import SegmentBox
from napari_graft._qt.sources.tab import SourcesTab
from napari_graft.core.tile import Tile
from napari_graft.project.documents import RankedEntry, StoredMap, StoredRanking
from napari_graft.project.opening import open_project
from napari_graft.session.projects.creation import ImageOptions, make_project
from napari_graft.workbench.sources.state import SourceRow

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

    from conftest import MakeDock
    from napari_graft._qt.shell.docks import GraftDock

PATIENCE = 120_000
pytestmark = pytest.mark.usefixtures("few_sources")
NARROWEST = 232  # what a dock of 260 pixels leaves beside its frame and a scroll bar
FLY, NUCLEI, AXONS = "fly-medulla-fibsem", "nuclei-he", "rat-axons-sem"


@pytest.fixture
def tab(dock: GraftDock) -> SourcesTab:
    """Return the tab, which sees three sources."""
    found = dock.findChild(SourcesTab)
    assert found is not None
    dock.workbench.state.tab = "sources"
    return found


def entry(source: str, z: float = 2.5, **more: object) -> RankedEntry:
    verdict = "like its own data" if z < 3 else "near" if z < 30 else "far"
    fields = {"source": source, "title": f"The {source}", "structure": "neurites", "z": z, "p_value": 0.034}
    return RankedEntry.model_validate(fields | {"verdict": verdict} | more)


def rank_before(folder: Path, *entries: RankedEntry, **more: object) -> None:
    with open_project(folder, write=True) as project:
        project.store_ranking(StoredRanking(entries=entries, **more))  # type: ignore[arg-type]


def open_with_image(dock: GraftDock, qtbot: QtBot, folder: Path, image: Path) -> None:
    dock.viewer.add_image(tifffile.imread(image), name="cortex", scale=(4, 1, 1))
    dock.workbench.data.open_folder(folder)
    qtbot.waitUntil(lambda: dock.workbench.context.project is not None, timeout=PATIENCE)
    wait(dock, qtbot)


def wait(dock: GraftDock, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: not dock.workbench.context.jobs.active, timeout=PATIENCE)


def click(qtbot: QtBot, button: object) -> None:
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def untick(tab: SourcesTab, qtbot: QtBot, source: str) -> None:
    """Click on the tick of a source."""
    cell = tab.table.tick_box(source)
    tab.table.scrollTo(cell)
    box = tab.table.visualRect(cell)
    place = QPoint(box.left() + 9, box.center().y())
    qtbot.mouseClick(tab.table.viewport(), Qt.MouseButton.LeftButton, pos=place)


def titles(tab: SourcesTab) -> list[str]:
    model = tab.table.model()
    return [model.index(i, 0).data() for i in range(model.rowCount())]


def test_without_a_project_the_sources_are_listed_and_the_next_step_is_said(tab: SourcesTab) -> None:
    assert len(titles(tab)) == 3
    assert "tab Data" in tab.hint.text()
    assert not tab.buttons.rank.isEnabled()
    assert not tab.buttons.preview.isEnabled()
    assert tab.table.isColumnHidden(1)
    assert tab.distances.plot is None
    assert tab.distances.isHidden()


def test_ranking_by_a_click_shows_order_plot_and_ticks(
    dock: GraftDock, tab: SourcesTab, qtbot: QtBot, neuropil_project: Path, neuropil: Path
) -> None:
    open_with_image(dock, qtbot, neuropil_project, neuropil)
    assert tab.buttons.rank.property("look") == "primary"
    click(qtbot, tab.buttons.rank)
    assert not tab.buttons.rank.isEnabled()
    assert "Comparing" in tab.hint.text()
    wait(dock, qtbot)

    rows = dock.workbench.sources.state.rows
    assert titles(tab) == [row.title for row in rows]
    assert tab.table.current == rows[0].id == FLY
    assert not tab.table.isColumnHidden(1)
    assert tab.buttons.preview.property("look") == "primary"
    assert tab.buttons.rank.property("look") == "quiet"
    assert tab.distances.plot is not None
    assert [words.partition(": ")[0] for words in tab.distances.plot.titles] == [row.verdict for row in rows]
    box = tab.table.tick_box(FLY)
    assert Qt.CheckState(box.data(Qt.ItemDataRole.CheckStateRole)) == Qt.CheckState.Checked


def ranked(tab: SourcesTab, *sources: str) -> tuple[SourceRow, ...]:
    """Return rows of these sources as a ranking brings them, the others after them."""
    rows = {row.id: row for row in tab.table.source_model.rows}
    measured = [replace(rows.pop(source), is_ranked=True) for source in sources]
    return (*measured, *rows.values())


def test_ranking_points_at_the_best_and_not_at_what_stood_first_before(
    dock: GraftDock, tab: SourcesTab
) -> None:
    state = dock.workbench.sources.state
    listed_first = tab.table.source_model.rows[0].id
    assert tab.table.current == listed_first
    best = next(row.id for row in tab.table.source_model.rows if row.id != listed_first)
    state.is_ranking = True
    state.shown = ranked(tab, best)
    state.shown = ranked(tab, best, listed_first)
    state.is_ranking = False
    state.shown = ranked(tab, best, listed_first)
    assert tab.table.current == best


def test_what_the_user_points_at_stays_while_a_ranking_goes_on(dock: GraftDock, tab: SourcesTab) -> None:
    state = dock.workbench.sources.state
    rows = tab.table.source_model.rows
    state.is_ranking = True
    tab.table.setCurrentIndex(tab.table.model().index(2, 1))
    state.shown = ranked(tab, rows[1].id)
    state.shown = ranked(tab, rows[1].id, rows[0].id)
    assert tab.table.current == rows[2].id


def test_narrow_dock_clips_nothing(
    dock: GraftDock, tab: SourcesTab, qtbot: QtBot, neuropil_project: Path, neuropil: Path
) -> None:
    rank_before(neuropil_project, entry(FLY, 60.0, remedy="invert the image"), left_out=(AXONS,), chosen=FLY)
    open_with_image(dock, qtbot, neuropil_project, neuropil)
    tab.more.expand(animate=False)

    assert tab.minimumSizeHint().width() <= NARROWEST


def test_numbers_are_in_the_tooltip_only(
    dock: GraftDock, tab: SourcesTab, qtbot: QtBot, neuropil_project: Path, neuropil: Path
) -> None:
    rank_before(neuropil_project, entry(FLY, 2.5, research_only=True), entry(AXONS, 100.0))
    open_with_image(dock, qtbot, neuropil_project, neuropil)

    model = tab.table.model()
    cells = [model.index(0, column).data() for column in range(model.columnCount())]
    assert cells[:2] == [f"The {FLY}", "like its own data"]
    assert cells[5] == "research use only"
    assert "z = 2.5" in model.index(0, 1).data(Qt.ItemDataRole.ToolTipRole)
    assert "p = 0.034" in model.index(0, 1).data(Qt.ItemDataRole.ToolTipRole)


def test_table_can_be_sorted_and_brought_back_to_best_first(
    dock: GraftDock, tab: SourcesTab, qtbot: QtBot, neuropil_project: Path, neuropil: Path
) -> None:
    entries = (
        entry(FLY, pixel_size=(10.0, 10.0)),
        entry(AXONS, 9.0, pixel_size=(100.0, 100.0)),
        entry(NUCLEI, 90.0),
    )
    rank_before(neuropil_project, *entries)
    open_with_image(dock, qtbot, neuropil_project, neuropil)
    best_first = [f"The {one.source}" for one in entries]
    assert titles(tab) == best_first

    tab.table.sortByColumn(0, Qt.SortOrder.DescendingOrder)
    assert titles(tab) == sorted(best_first, reverse=True)
    tab.table.sortByColumn(4, Qt.SortOrder.DescendingOrder)
    assert titles(tab) == [best_first[2], best_first[1], best_first[0]]
    tab.table.sortByColumn(1, Qt.SortOrder.AscendingOrder)
    assert titles(tab) == best_first


def test_ticked_sources_are_previewed_side_by_side_and_the_viewer_is_put_back(
    dock: GraftDock, tab: SourcesTab, qtbot: QtBot, neuropil_project: Path, neuropil: Path
) -> None:
    rank_before(neuropil_project, entry(FLY), entry(AXONS, 9.0), entry(NUCLEI, 90.0))
    open_with_image(dock, qtbot, neuropil_project, neuropil)
    viewer = dock.viewer
    viewer.dims.set_point(0, 2 * viewer.layers["cortex"].scale[0])  # its scale is that of the project
    dock.workbench.data.state.tile_side = 96
    untick(tab, qtbot, NUCLEI)
    assert dock.workbench.sources.state.ticked == {FLY, AXONS}

    click(qtbot, tab.buttons.preview)
    qtbot.waitUntil(lambda: comparison_view_of(dock.viewer).is_whole, timeout=PATIENCE)

    preview = dock.workbench.sources.state.preview
    assert preview is not None
    assert (preview.tile.start[0], preview.tile.shape) == (2, (1, 96, 96))
    assert viewer.canvas.grid.enabled
    assert viewer.canvas.grid.actual_shape(viewer.layers) == (2, 2)
    assert not viewer.layers["cortex"].visible
    assert "agree on" in tab.shown.text()
    assert tab.buttons.use.property("look") == "primary"

    click(qtbot, tab.close_preview)
    assert [layer.name for layer in viewer.layers if layer.visible] == ["cortex"]
    assert not viewer.canvas.grid.enabled
    qtbot.waitUntil(lambda: list(viewer.layers) == [viewer.layers["cortex"]], timeout=PATIENCE)
    assert tab.preview_card.isHidden()


def test_the_whole_image_is_segmented_with_the_chosen_source_before_anything_is_painted(
    dock: GraftDock,
    tab: SourcesTab,
    qtbot: QtBot,
    neuropil_project: Path,
    neuropil: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rank_before(neuropil_project, entry(FLY))
    open_with_image(dock, qtbot, neuropil_project, neuropil)
    assert tab.segment is None
    click(qtbot, tab.buttons.use)
    offer = tab.findChild(SegmentBox)
    assert offer is not None
    assert offer.isVisibleTo(tab)
    proposed: list[str] = []

    def answer(*asked: str) -> tuple[str, str]:
        proposed.append(asked[2])
        return str(neuropil_project.with_name("whole.zarr")), ""

    monkeypatch.setattr(QFileDialog, "getSaveFileName", answer)
    click(qtbot, offer.go)
    assert not offer.go.isEnabled()
    qtbot.waitUntil(lambda: offer.written.text() != "", timeout=PATIENCE)
    qtbot.waitUntil(lambda: "cortex · whole.zarr" in dock.viewer.layers, timeout=PATIENCE)
    assert proposed == [str(neuropil_project.with_name(f"{neuropil_project.stem}-segments.tif"))]
    assert "Proofread" in offer.written.text()
    assert dock.viewer.layers["cortex · whole.zarr"].visible


def test_preview_closes_when_one_of_its_layers_is_removed(
    dock: GraftDock, tab: SourcesTab, qtbot: QtBot, neuropil_project: Path, neuropil: Path
) -> None:
    rank_before(neuropil_project, entry(FLY))
    open_with_image(dock, qtbot, neuropil_project, neuropil)
    click(qtbot, tab.buttons.preview)
    qtbot.waitUntil(lambda: comparison_view_of(dock.viewer).is_whole, timeout=PATIENCE)

    dock.viewer.layers.remove(next(our_layers(dock.viewer, "preview")))

    qtbot.waitUntil(lambda: dock.workbench.sources.state.preview is None, timeout=60_000)
    qtbot.waitUntil(lambda: [layer.name for layer in dock.viewer.layers] == ["cortex"], timeout=PATIENCE)


def test_all_layers_can_be_removed_during_a_preview(
    dock: GraftDock, tab: SourcesTab, qtbot: QtBot, neuropil_project: Path, neuropil: Path
) -> None:
    rank_before(neuropil_project, entry(FLY))
    open_with_image(dock, qtbot, neuropil_project, neuropil)
    click(qtbot, tab.buttons.preview)
    qtbot.waitUntil(lambda: comparison_view_of(dock.viewer).is_whole, timeout=PATIENCE)

    dock.viewer.layers.clear()
    qtbot.waitUntil(lambda: dock.workbench.sources.state.preview is None, timeout=60_000)
    click(qtbot, tab.buttons.preview)

    assert "open it again" in tab.refusal.text()


def test_painting_closes_the_preview(
    dock: GraftDock, tab: SourcesTab, qtbot: QtBot, neuropil_project: Path, neuropil: Path
) -> None:
    rank_before(neuropil_project, entry(FLY))
    open_with_image(dock, qtbot, neuropil_project, neuropil)
    click(qtbot, tab.buttons.preview)
    qtbot.waitUntil(lambda: comparison_view_of(dock.viewer).is_whole, timeout=PATIENCE)

    dock.workbench.state.tab = "annotate"

    assert not [layer for layer in dock.viewer.layers if details_of(layer).get("role") == "preview"]


def test_using_a_source_is_shown_and_kept(
    dock: GraftDock, tab: SourcesTab, qtbot: QtBot, neuropil_project: Path, neuropil: Path
) -> None:
    rank_before(neuropil_project, entry(FLY), entry(AXONS, 9.0))
    open_with_image(dock, qtbot, neuropil_project, neuropil)
    tab.table.point_at(AXONS)
    click(qtbot, tab.buttons.use)

    assert tab.in_use.text() == f"In use: The {AXONS}"
    assert not tab.buttons.use.isEnabled()
    assert "Suggest" in dock.next.text()
    dock.workbench.context.close_project()
    assert tab.in_use.isHidden()
    with open_project(neuropil_project) as project:
        assert project.ranking().chosen == AXONS


def test_advice_stands_above_the_table(
    dock: GraftDock, tab: SourcesTab, qtbot: QtBot, neuropil_project: Path, neuropil: Path
) -> None:
    words = "things look smaller: check the pixel size (z falls from 60 to 4)"
    advised = entry(FLY, 60.0, remedy=words, remedy_kind="rescale", z_after_remedy=4.0)
    rank_before(neuropil_project, advised)
    open_with_image(dock, qtbot, neuropil_project, neuropil)
    assert "check the pixel size. The distance would fall from 60 to 4." in tab.advice.words.text()
    assert "z falls" in tab.advice.words.toolTip()
    assert not tab.advice.isHidden()


def test_a_source_that_was_ranked_inverted_is_one_row_and_is_used_in_that_view(
    dock: GraftDock, tab: SourcesTab, qtbot: QtBot, neuropil_project: Path, neuropil: Path
) -> None:
    rank_before(neuropil_project, entry(f"{FLY}@inverted", 4.0), entry(AXONS, 60.0))
    open_with_image(dock, qtbot, neuropil_project, neuropil)
    rows = dock.workbench.sources.state.rows
    assert [row.id for row in rows if row.id.startswith(FLY)] == [f"{FLY}@inverted"]

    tab.table.point_at(f"{FLY}@inverted")
    click(qtbot, tab.buttons.use)

    assert dock.workbench.sources.state.chosen == f"{FLY}@inverted"
    first = dock.workbench.training.state.starts[0]
    assert first.reference == f"{FLY}@inverted"
    assert "inverted" in first.title


def test_sources_left_out_are_named(
    dock: GraftDock, tab: SourcesTab, qtbot: QtBot, neuropil_project: Path, neuropil: Path
) -> None:
    rank_before(neuropil_project, entry(FLY), left_out=(AXONS,))
    open_with_image(dock, qtbot, neuropil_project, neuropil)

    assert "Rat myelinated axons" in tab.left_out.text()
    assert not tab.left_out.isHidden()


def test_3d_sources_left_out_are_named_with_the_reason(
    dock: GraftDock, tab: SourcesTab, qtbot: QtBot, neuropil_project: Path, neuropil: Path
) -> None:
    rank_before(neuropil_project, entry(FLY), unsuited={AXONS: "the image has 12 slices only"})
    open_with_image(dock, qtbot, neuropil_project, neuropil)

    assert "because they are 3-D and the image has 12 slices only: Rat" in tab.left_out.text()
    assert not tab.left_out.isHidden()


def test_broken_file_is_refused_in_words(
    dock: GraftDock, tab: SourcesTab, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "evil.pt").write_bytes(b"PK\x03\x04")
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(tmp_path / "evil.pt"), ""))
    click(qtbot, tab.more.add_file)
    wait(dock, qtbot)

    assert "safetensors" in dock.strip.error.words.text()
    assert len(titles(tab)) == 3


@pytest.mark.parametrize("is_wished", [True, False])
def test_the_user_is_asked_before_a_source_takes_the_place_of_another(
    dock: GraftDock,
    tab: SourcesTab,
    qtbot: QtBot,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    is_wished: bool,
) -> None:
    asked: list[str] = []

    def ask(parent: object, window_title: str, words: str, *_: object) -> QMessageBox.StandardButton:
        asked.append(words)
        return QMessageBox.StandardButton.Yes if is_wished else QMessageBox.StandardButton.Cancel

    monkeypatch.setattr(QMessageBox, "question", ask)
    for name in ("First", "Second"):
        shutil.copytree(tmp_path / "few" / AXONS, tmp_path / name)
        edit_document(tmp_path / name / "card.json", id="theirs", title=name)
        monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_, n=name: str(tmp_path / n))
        click(qtbot, tab.more.add_folder)
        wait(dock, qtbot)

    assert len(asked) == 1
    assert "theirs" in asked[0]
    assert {"First", "Second"} & set(titles(tab)) == {"Second" if is_wished else "First"}
    assert dock.strip.error.words.text() == ""


def test_plot_and_table_follow_the_theme(
    dock: GraftDock, tab: SourcesTab, qtbot: QtBot, neuropil_project: Path, neuropil: Path
) -> None:
    rank_before(neuropil_project, entry(FLY), entry(AXONS, 90.0))
    open_with_image(dock, qtbot, neuropil_project, neuropil)
    assert tab.distances.plot is not None
    colours = []
    for theme in ("dark", "light"):
        dock.viewer.theme = theme
        colours.append(tab.distances.plot.backgroundBrush().color().lightness())

    assert colours[0] < 100 < colours[1]


def test_the_parts_of_the_ranking_are_told_in_words(
    dock: GraftDock, tab: SourcesTab, qtbot: QtBot, neuropil_project: Path, neuropil: Path
) -> None:
    rank_before(
        neuropil_project,
        entry(FLY, consistency=0.91, few_shot=-0.4, combined=0.1),
        entry(AXONS, 9.0, consistency=0.0, few_shot=-0.2, combined=0.6),
        entry(NUCLEI, 90.0, consistency=0.3),
    )
    open_with_image(dock, qtbot, neuropil_project, neuropil)

    model = tab.table.model()
    shown = [[model.index(row, column).data() for column in (2, 3)] for row in range(3)]
    assert shown == [["high", "2 of 2"], ["finds nothing", "1 of 2"], ["low", ""]]
    assert "brightness" in model.headerData(2, Qt.Orientation.Horizontal, Qt.ItemDataRole.ToolTipRole)
    assert "0.91 of 1" in model.index(0, 2).data(Qt.ItemDataRole.ToolTipRole)
    tab.table.sortByColumn(3, Qt.SortOrder.AscendingOrder)
    assert titles(tab)[0] == f"The {AXONS}"


def test_a_source_without_a_distance_keeps_its_place_in_table_and_plot(
    dock: GraftDock, tab: SourcesTab, qtbot: QtBot, neuropil_project: Path, neuropil: Path
) -> None:
    unknown = entry(FLY).model_copy(update={"z": None, "p_value": None, "verdict": "not measured"})
    rank_before(neuropil_project, unknown, entry(AXONS, 9.0))
    open_with_image(dock, qtbot, neuropil_project, neuropil)
    assert titles(tab)[:2] == [f"The {FLY}", f"The {AXONS}"]
    assert tab.distances.plot is not None
    assert [words.partition(":")[0] for words in tab.distances.plot.titles] == ["not measured", "near"]

    dock.workbench.context.close_project()
    rank_before(neuropil_project, unknown)
    dock.workbench.data.open_folder(neuropil_project)
    qtbot.waitUntil(lambda: len(dock.workbench.sources.state.rows) == 3, timeout=PATIENCE)
    wait(dock, qtbot)
    assert not tab.table.isColumnHidden(1)
    assert tab.distances.isHidden()


def test_the_map_unfolds_and_shows_the_image_among_the_sources(
    dock: GraftDock, tab: SourcesTab, qtbot: QtBot, neuropil_project: Path, neuropil: Path
) -> None:
    distances = ((0, 0.6, 0.8, 0.1), (0.6, 0, 0.7, 0.5), (0.8, 0.7, 0, 0.9), (0.1, 0.5, 0.9, 0))
    stored = StoredMap(names=(FLY, AXONS, NUCLEI, ""), distances=distances)
    rank_before(neuropil_project, entry(FLY), entry(AXONS, 9.0), entry(NUCLEI, 90.0), map=stored)
    open_with_image(dock, qtbot, neuropil_project, neuropil)
    assert not tab.map_box.isHidden()
    assert tab.map_box.plot is None

    tab.resize(400, 1200)
    tab.map_box.expand(animate=False)
    plot = tab.map_box.plot
    assert plot is not None
    assert "Your image" in plot.names
    assert abs(plot.names.index("Your image") - [name[:7] for name in plot.names].index("The fly")) == 1
    assert f"The {FLY}" in tab.map_box.nearest.text()

    dock.workbench.context.close_project()
    assert tab.map_box.isHidden()


def test_what_is_folded_shows_all_its_words_however_narrow(
    dock: GraftDock, tab: SourcesTab, qtbot: QtBot, neuropil_project: Path, neuropil: Path
) -> None:
    stored = StoredMap(names=(FLY, AXONS, ""), distances=((0, 0.6, 0.1), (0.6, 0, 0.5), (0.1, 0.5, 0)))
    rank_before(neuropil_project, entry(FLY), entry(AXONS, 9.0), map=stored)
    open_with_image(dock, qtbot, neuropil_project, neuropil)
    box = tab.map_box
    box.setParent(None)
    qtbot.addWidget(box)
    box.show()
    box.resize(NARROWEST, 600)
    box.expand(animate=False)

    def is_whole() -> bool:
        assert box.plot is not None
        return box.content().height() >= box.plot.geometry().bottom() > box.meaning.geometry().bottom()

    qtbot.waitUntil(is_whole, timeout=60_000)
    assert box.meaning.height() >= box.meaning.heightForWidth(box.meaning.width())
    assert box.plot is not None
    names, side = box.plot.names, box.plot.height() / 3
    for row, name in enumerate(names):
        words = box.plot.words_at(QPoint(box.plot.width() - 5, round(side * (row + 0.5))))
        assert words[:5] == name[:5]
    at, other = names.index("Your image"), [name[:7] for name in names].index("The fly")
    left, width = 0.14 * box.plot.width(), 0.4 * box.plot.width()
    row_width = min(width, box.plot.height()) / 3
    square = QPoint(round(left + row_width * (other + 0.5)), round(side * (at + 0.5)))
    assert box.plot.words_at(square) == f"Your image\nThe {FLY}\nDistance 0.10"


def test_rows_come_one_by_one_with_the_time_left_and_nothing_waits_for_the_ranking(
    dock: GraftDock, tab: SourcesTab, qtbot: QtBot, neuropil_project: Path, neuropil: Path
) -> None:
    rank_before(neuropil_project, chosen=NUCLEI)  # what suggestions look with
    open_with_image(dock, qtbot, neuropil_project, neuropil)
    n_shown: list[int] = []
    words: list[str] = []
    tab.table.source_model.modelReset.connect(
        lambda: n_shown.append(sum(row.is_ranked for row in tab.table.source_model.rows))
    )
    click(qtbot, tab.buttons.rank)
    dock.workbench.state.tab = "annotate"
    annotate = dock.findChild(AnnotateTab)
    assert annotate is not None
    click(qtbot, annotate.suggest)
    assert {job.lane for job in dock.workbench.context.jobs.active} >= {"ranking", "short"}

    def is_done() -> bool:
        rows = dock.strip.findChildren(JobRow)
        words.extend(row.words.text() for row in rows)
        stops = [one for one in dock.findChildren(QPushButton) if one.text() == "Stop"]
        assert len([one for one in stops if one.isVisibleTo(dock)]) <= len(rows)
        return not dock.workbench.context.jobs.active

    qtbot.waitUntil(is_done, timeout=3 * PATIENCE)
    assert any(0 < n < 3 for n in n_shown)
    assert n_shown[-1] == 3
    assert any("Ranking" in one and " left" in one for one in words), set(words)
    assert not any("· 0 s" in one for one in words)


def test_sources_of_other_structures_are_folded_away_and_unfold_by_a_click(
    dock: GraftDock, tab: SourcesTab, qtbot: QtBot, neuropil_project: Path, neuropil: Path
) -> None:
    assert len(titles(tab)) == 3
    assert tab.others.isHidden()
    open_with_image(dock, qtbot, neuropil_project, neuropil)
    n_of_neurites = sum(row.structure == "neurites" for row in dock.workbench.sources.state.rows)
    assert 0 < n_of_neurites < 3

    assert len(titles(tab)) == n_of_neurites
    assert tab.others.text().startswith(f"▸ {3 - n_of_neurites} source")
    click(qtbot, tab.others)
    assert len(titles(tab)) == 3
    assert tab.others.text().startswith("▾")
    click(qtbot, tab.others)
    assert len(titles(tab)) == n_of_neurites
    dock.workbench.sources.choose(NUCLEI)
    assert NUCLEI in [row.id for row in tab.table.source_model.rows]


def test_a_preview_looks_where_there_is_content(
    dock: GraftDock, tab: SourcesTab, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pixels = np.full((400, 400), 90, np.uint8)
    pixels[280:370, 20:110] = np.random.default_rng(0).integers(0, 255, (90, 90)) // 128 * 255
    tifffile.imwrite(tmp_path / "mostly_empty.tif", pixels)
    options = ImageOptions(str(tmp_path / "mostly_empty.tif"), pixel_size=(10.0, 10.0))
    make_project(tmp_path / "one.graft", options).close()
    rank_before(tmp_path / "one.graft", entry(FLY))
    dock.workbench.data.open_folder(tmp_path / "one.graft")
    qtbot.waitUntil(lambda: dock.workbench.context.project is not None, timeout=PATIENCE)
    wait(dock, qtbot)
    dock.workbench.data.state.tile_side = 96
    looked_at: list[Tile] = []
    monkeypatch.setattr(
        dock.workbench.sources._previewer, "start", lambda title, choices, tile, **_: looked_at.append(tile)
    )
    dock.viewer.reset_view()

    click(qtbot, tab.buttons.preview)
    qtbot.waitUntil(lambda: bool(looked_at), timeout=PATIENCE)

    (tile,) = looked_at
    assert pixels[tile.slices].std() > 60


@pytest.mark.parametrize("size", [(1366, 768), (1920, 1080)])
def test_the_table_shows_many_rows_in_a_window_of_usual_size(
    make_dock: MakeDock, qtbot: QtBot, neuropil_project: Path, neuropil: Path, size: tuple[int, int]
) -> None:
    dock = make_dock(show=True)
    rank_before(neuropil_project, *(entry(f"{FLY}-{i}", 2.5 + i) for i in range(12)))
    open_with_image(dock, qtbot, neuropil_project, neuropil)
    dock.viewer.window._qt_window.resize(*size)
    dock.workbench.state.tab = "sources"
    table = dock.findChild(SourcesTab).table

    def n_in_sight() -> int:
        seen = table.viewport().visibleRegion().boundingRect()
        return sum(
            seen.contains(table.visualRect(table.model().index(i, 0)).adjusted(0, 0, -40, 0))
            for i in range(table.model().rowCount())
        )

    qtbot.waitUntil(lambda: n_in_sight() >= 8, timeout=PATIENCE)
