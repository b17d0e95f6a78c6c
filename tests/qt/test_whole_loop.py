"""The whole loop in the real napari, by clicks, keys and strokes on the canvas, on the sample."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from napari.layers import Labels
from numpy.typing import NDArray

from in_workers import run_in_workers
from napari_graft._napari import sample_data
from napari_graft._napari.comparison import comparison_view_of
from napari_graft._napari.layers import find_layer, our_layers
from napari_graft._qt.measuring.person import Person, look_on, wait_until
from napari_graft.samples.appearance import GeneratedImage
from napari_graft.samples.presets import neuropil_sample
from napari_graft.sources.catalogue import Catalogue
from napari_graft.workbench.next_step import TABS, TabName

if TYPE_CHECKING:
    from qtpy.QtWidgets import QWidget

    from conftest import MakeDock
    from napari_graft._qt.shell.docks import GraftDock

PATIENCE = 600.0
FEW_TILES = """
from napari_graft.scorers import found_objects
from napari_graft.session.ranking import evidence
evidence.N_TILES, found_objects.N_TILES = {2: 8, 3: 4}, {2: 2, 3: 1}
"""
N_TILES = 2
SIDE = 128


def small_sample() -> GeneratedImage:
    """Return a quarter of the sample, in half of its slices."""
    whole = neuropil_sample()
    part = (slice(6), slice(256), slice(256))
    return GeneratedImage(whole.image[part], whole.segments[part])


class Visit:
    """Somebody at a window with the dock."""

    def __init__(self, dock: GraftDock) -> None:
        self.dock = dock
        self.bench = dock.workbench
        self.person = Person(dock.viewer)

    def tab(self, name: TabName) -> QWidget:
        self.dock.tabs.setCurrentIndex(TABS.index(name))
        look_on(0.1)
        return self.dock.tabs.widget(TABS.index(name)).widget()

    def wait_for_jobs(self) -> None:
        wait_until(lambda: not self.bench.context.jobs.active, seconds=PATIENCE, what="the jobs")
        assert self.dock.strip.error.words.text() == ""

    def start_project(self, folder: Path) -> None:
        tab = self.tab("data")
        self.person.click(tab.sample)
        wait_until(lambda: tab.image.count() > 0, seconds=PATIENCE, what="the sample")
        tab.structure.setCurrentIndex(tab.structure.findData("neurites"))
        tab.tile_side.setValue(SIDE)
        tab.project.folder.setText(str(folder))
        tab.project.folder.editingFinished.emit()
        self.person.click(tab.project.start)
        wait_until(lambda: self.bench.context.project is not None, seconds=PATIENCE, what="the project")

    def choose_source(self) -> None:
        tab = self.tab("sources")
        # As the form of the tab does: to rank all that there are takes minutes.
        others = [source.id for source in Catalogue().sources() if source.card.structure != "neurites"]
        self.bench.sources.options.set("exclude", others)
        self.person.click(tab.buttons.rank)
        self.wait_for_jobs()
        assert tab.table.source_model.rowCount() > 3
        self.person.click(tab.buttons.preview)
        view = comparison_view_of(self.dock.viewer)
        wait_until(lambda: view.is_whole, seconds=PATIENCE, what="the preview")
        assert any(our_layers(self.dock.viewer, "preview"))
        self.person.click(tab.buttons.use)
        self.person.click(tab.close_preview)
        assert not any(our_layers(self.dock.viewer, "preview"))

    def paint(self) -> None:
        model = self.bench.annotating
        self.tab("annotate").budget.setValue(N_TILES)
        self.person.click(self.tab("annotate").suggest)
        wait_until(lambda: model.state.queue.n_to_do == N_TILES, seconds=PATIENCE, what="the suggestions")
        self.wait_for_jobs()
        self.person.press("E")
        for number in range(N_TILES):
            self.paint_tile()
            wait_until(
                lambda n=number: model.state.queue.n_done == n + 1,
                seconds=PATIENCE,
                what="the tile to be saved",
            )

    def paint_tile(self) -> None:
        state = self.bench.annotating.state
        wait_until(
            lambda: (
                state.painting is not None and state.painting.tile == state.current and not state.is_saving
            ),
            seconds=PATIENCE,
            what="the tile to open",
        )
        look_on(0.3)
        layer = find_layer(self.dock.viewer, "labels")
        assert isinstance(layer, Labels)
        for y in (30, 64, 98):
            self.person.press("N")
            label = layer.selected_label
            self.person.stroke(layer, [(0, y, x) for x in range(20, 101, 8)], pause=0.015)
            assert layer.data[0, y, 60] == label
        self.person.press("D")
        look_on(0.1)
        if state.n_forgotten:
            self.person.press("D")

    def train(self) -> None:
        tab, state = self.tab("train"), self.bench.training.state
        tab.minutes.value = 0.1
        self.person.click(tab.train)
        wait_until(lambda: len(state.rounds) == 1, seconds=PATIENCE, what="the end of the training")
        self.wait_for_jobs()

    def objects(self) -> NDArray[np.uint32]:
        """Return the ids in a slice of the result, whose layer comes soon after its job has ended."""
        viewer = self.dock.viewer
        wait_until(lambda: find_layer(viewer, "result") is not None, seconds=PATIENCE, what="the result")
        result = find_layer(viewer, "result")
        assert result is not None
        return np.unique(np.asarray(result.data[5]))


@pytest.mark.usefixtures("quick_workers")
def test_the_whole_loop_and_coming_back(
    make_dock: MakeDock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_in_workers(FEW_TILES, tmp_path, monkeypatch)
    monkeypatch.setattr(sample_data, "neuropil_sample", small_sample)
    folder = tmp_path / "neuropil.graft"
    visit = Visit(make_dock(show=True))
    visit.start_project(folder)
    visit.choose_source()
    visit.paint()
    visit.train()
    chosen = visit.bench.sources.state.chosen
    objects = visit.objects()
    assert objects.size > 3
    assert find_layer(visit.dock.viewer, "uncertainty") is not None
    visit.bench.close()
    visit.dock.viewer.close()

    visit = Visit(make_dock(show=True))
    visit.bench.data.open_folder(folder)
    wait_until(lambda: visit.bench.context.project is not None, seconds=PATIENCE, what="the project")
    visit.wait_for_jobs()

    assert visit.bench.sources.state.chosen == chosen
    assert visit.bench.sources.state.is_ranked
    assert visit.bench.annotating.state.queue.n_done == N_TILES
    assert len(visit.bench.training.state.rounds) == 1
    assert find_layer(visit.dock.viewer, "image") is not None
    np.testing.assert_array_equal(visit.objects(), objects)
