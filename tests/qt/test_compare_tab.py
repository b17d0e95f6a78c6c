from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import tifffile
from qtpy.QtCore import Qt

from napari_graft._napari.comparison import comparison_view_of
from napari_graft._napari.layers import details_of, our_layers
from napari_graft._napari.overlays.field_of_view import camera_of
from napari_graft._qt.compare.tab import CompareTab
from napari_graft.io.weights import save_tensors
from napari_graft.project.opening import open_project
from napari_graft.sources.catalogue import Catalogue

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

    from napari_graft._qt.shell.docks import GraftDock

PATIENCE = 120_000
pytestmark = pytest.mark.usefixtures("few_sources")
NARROWEST = 232  # what a dock of 260 pixels leaves beside its frame and a scroll bar
FLY, NUCLEI = "fly-medulla-fibsem", "nuclei-he"


@pytest.fixture
def tab(make_dock, qtbot: QtBot, neuropil_project: Path, neuropil: Path) -> CompareTab:  # type: ignore[no-untyped-def]  # a fixture
    """Return the tab of a window with a project that has one finished round, with the weights of a source."""
    source = Catalogue().get(FLY)
    with open_project(neuropil_project, write=True) as project:
        run = project.runs.start(FLY, source.card.spec, 2)
        save_tensors(run.weights_path, source.load_weights(), {})
        run.finish(stopped_by="steps", kept=True, decode=source.card.decode)
    dock: GraftDock = make_dock(show=True)
    dock.viewer.add_image(tifffile.imread(neuropil), name="cortex", scale=(4, 1, 1))
    dock.workbench.data.state.tile_side = 96
    dock.workbench.data.open_folder(neuropil_project)
    qtbot.waitUntil(lambda: dock.workbench.context.project is not None, timeout=PATIENCE)
    dock.workbench.data.state.tile_side = 96
    dock.workbench.state.tab = "compare"
    found = dock.findChild(CompareTab)
    assert found is not None
    found.dock = dock
    return found


def click(qtbot: QtBot, button: object) -> None:
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def compare(tab: CompareTab, qtbot: QtBot, *references: str) -> None:
    """Choose by the menu, compare by the button, and wait for the result."""
    model = tab.dock.workbench.comparing
    for reference in references:
        title = next(one.title for one in model.state.options if one.reference == reference)
        next(action for action in tab.chips.menu.actions() if action.text() == title).trigger()
    click(qtbot, tab.compare)
    view = comparison_view_of(tab.dock.viewer)
    qtbot.waitUntil(lambda: view.is_whole and not model.state.is_comparing, timeout=PATIENCE)


def shown(tab: CompareTab) -> set[str]:
    """Return which models are shown."""
    layers = our_layers(tab.dock.viewer, "preview", kind="segments")
    return {layer.name for layer in layers if layer.visible}


def test_without_a_project_there_is_nothing_to_click(dock: GraftDock) -> None:
    tab = dock.findChild(CompareTab)
    assert tab is not None

    assert "tab Data" in tab.hint.text()
    assert tab.compare.isHidden()
    assert tab.chips.isHidden()
    assert tab.result.isHidden()


def test_chips_are_added_and_taken_away(tab: CompareTab, qtbot: QtBot) -> None:
    assert list(tab.chips.chips) == ["run 0001"]
    assert not tab.compare.isEnabled()
    for action in tab.chips.menu.actions()[:1]:
        action.trigger()
    assert len(tab.chips.chips) == 2
    assert tab.compare.isEnabled()

    click(qtbot, tab.chips.chips["run 0001"])

    assert "run 0001" not in tab.chips.chips
    assert not tab.compare.isEnabled()


def test_round_and_source_are_side_by_side_with_equal_colours(tab: CompareTab, qtbot: QtBot) -> None:
    compare(tab, qtbot, FLY, NUCLEI)

    viewer = tab.dock.viewer
    assert viewer.canvas.grid.actual_shape(viewer.layers) == (2, 2)
    first, second = (next(our_layers(viewer, "preview", kind="segments", model=m)) for m in (0, 1))
    assert first.name == "round 1"
    np.testing.assert_array_equal(first.data, second.data)  # they are the same model
    some = int(first.data.max())
    np.testing.assert_array_equal(first.get_color(some), second.get_color(some))
    assert "found by the second as well" in tab.differences_title.text()
    assert tab.differences.isHidden()


def test_key_and_button_blink(tab: CompareTab, qtbot: QtBot) -> None:
    compare(tab, qtbot, FLY)
    first, second = "round 1", "Fly neurites, adult medulla, FIB-SEM"
    click(qtbot, tab.display.modes["blink"])
    assert shown(tab) == {first}
    assert tab.display.front.text() == f"Shown now: {first}"

    canvas = tab.dock.viewer.window._qt_viewer.canvas.native  # napari offers no public way to its canvas
    qtbot.keyClick(canvas, Qt.Key.Key_B)
    assert shown(tab) == {second}
    click(qtbot, tab.display.modes["blink"])
    assert shown(tab) == {first}

    click(qtbot, tab.close_comparison)
    qtbot.keyClick(canvas, Qt.Key.Key_B)
    assert shown(tab) == set()


def test_overlay_has_an_opacity_and_a_map_and_a_narrow_dock_clips_nothing(
    tab: CompareTab, qtbot: QtBot
) -> None:
    compare(tab, qtbot, NUCLEI)
    assert tab.minimumSizeHint().width() <= NARROWEST
    click(qtbot, tab.display.modes["overlay"])
    tab.display.opacity.setValue(80)
    tab.display.map.setChecked(True)

    viewer = tab.dock.viewer
    first = next(our_layers(viewer, "preview", kind="segments", model=0))
    assert not viewer.canvas.grid.enabled
    assert len(shown(tab)) == 2
    assert first.opacity == pytest.approx(0.8)
    assert next(our_layers(viewer, "preview", kind="disagreement")).visible


def test_click_on_a_difference_moves_the_camera_there(tab: CompareTab, qtbot: QtBot) -> None:
    compare(tab, qtbot, NUCLEI)
    comparison = tab.dock.workbench.comparing.state.comparison
    assert comparison is not None
    assert tab.differences.rowCount() == len(comparison.differences) > 0
    place = tab.differences.visualItemRect(tab.differences.item(0, 0)).center()
    qtbot.mouseClick(tab.differences.viewport(), Qt.MouseButton.LeftButton, pos=place)

    first = comparison.differences[0]
    expected = np.add(comparison.tile.start, first.position)
    image = tab.dock.viewer.layers["cortex"]
    np.testing.assert_allclose(camera_of(tab.dock.viewer).center[-2:], image.data_to_world(expected)[-2:])
    assert comparison.segments[0][first.position] == first.id


def test_vote_is_counted_and_kept(tab: CompareTab, qtbot: QtBot) -> None:
    compare(tab, qtbot, FLY)
    click(qtbot, tab.contenders.buttons["run 0001"])
    assert tab.contenders.buttons["run 0001"].text().startswith("Preferred")
    assert not tab.contenders.buttons[FLY].isEnabled()

    compare(tab, qtbot)

    assert tab.contenders.buttons[FLY].isEnabled()
    project = tab.dock.workbench.context.project
    assert project is not None
    assert [vote.winner for vote in project.votes()] == ["run 0001"]

    def words() -> list[str]:
        return [one.text() for one in tab.contenders.findChildren(type(tab.hint)) if one.isVisible()]

    # A widget that was just made is shown in the next turn of the event loop.
    qtbot.waitUntil(lambda: any("preferred 1 of 1 time" in one for one in words()), timeout=60_000)


def test_all_that_is_in_view_can_be_compared(tab: CompareTab, qtbot: QtBot) -> None:
    viewer = tab.dock.viewer
    image = viewer.layers["cortex"]
    camera_of(viewer).zoom = 3.0 / image.scale[-1]
    camera_of(viewer).center = tuple(image.data_to_world((0.0, 128.0, 128.0)))
    tab.where.setCurrentIndex(1)
    compare(tab, qtbot, FLY)

    comparison = tab.dock.workbench.comparing.state.comparison
    assert comparison is not None
    height, width = np.array(viewer.canvas.size) / 3
    assert comparison.tile.shape[1] == pytest.approx(min(256, height), abs=2)
    assert comparison.tile.shape[2] == pytest.approx(min(256, width), abs=2)


def test_closing_the_project_closes_the_comparison(tab: CompareTab, qtbot: QtBot) -> None:
    compare(tab, qtbot, FLY)
    tab.dock.workbench.context.close_project()

    assert not [layer for layer in tab.dock.viewer.layers if details_of(layer).get("role") == "preview"]
    assert tab.result.isHidden()
    assert tab.dock.viewer.layers["cortex"].visible


def test_preview_of_sources_takes_the_place_of_the_comparison(tab: CompareTab, qtbot: QtBot) -> None:
    compare(tab, qtbot, FLY)
    sources = tab.dock.workbench.sources
    sources.tick(NUCLEI, True)
    comparison = tab.dock.workbench.comparing.state.comparison
    assert comparison is not None
    sources.preview(comparison.tile)
    view = comparison_view_of(tab.dock.viewer)
    qtbot.waitUntil(lambda: view.is_whole and sources.state.preview is not None, timeout=PATIENCE)

    assert tab.dock.workbench.comparing.state.comparison is None
    assert len(list(our_layers(tab.dock.viewer, "preview", kind="segments"))) == 1
    sources.close_preview()
    assert [layer.name for layer in tab.dock.viewer.layers if layer.visible] == ["cortex"]


def test_two_docks_of_one_viewer_show_one_comparison(tab: CompareTab, qtbot: QtBot) -> None:
    other = CompareTab(tab.dock.workbench, tab.dock.viewer)
    qtbot.addWidget(other)
    compare(tab, qtbot, FLY)

    assert len(list(our_layers(tab.dock.viewer, "preview", kind="segments"))) == 2
    other.close_comparison.click()
    assert tab.result.isHidden()
    assert not list(our_layers(tab.dock.viewer, "preview"))
