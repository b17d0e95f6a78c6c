from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import pytest
from qtpy.QtWidgets import QApplication

from call_count import calls_of
from napari_graft._napari.comparison import comparison_view_of
from napari_graft._napari.layers import our_layers
from napari_graft._qt.canvas.comparison_canvas import ComparisonHost
from napari_graft.core.tile import Tile
from napari_graft.workbench.compare.comparison import Comparison, DisplayOptions, ModelOption

if TYPE_CHECKING:
    from napari.layers import Image
    from pytestqt.qtbot import QtBot

    from napari_graft._qt.shell.docks import GraftDock

PATIENCE = 60_000
TILE = Tile((0, 0, 0), (1, 128, 128))


def make_comparison(n: int = 3) -> Comparison:
    rng = np.random.default_rng(0)
    blocks = rng.integers(0, 30, (n, 1, 16, 16)).repeat(8, -1).repeat(8, -2).astype(np.uint32)
    return Comparison(
        tile=TILE,
        choices=tuple(ModelOption(f"run 000{m}", f"round {m}") for m in range(n)),
        image=rng.random(TILE.shape, np.float32),
        segments=tuple(blocks),
        disagreement=rng.random(TILE.shape, np.float32),
        differences=(),
        n_objects=(30,) * n,
        agreement=0.5,
    )


@pytest.fixture
def shown_dock(make_dock, qtbot: QtBot) -> GraftDock:  # type: ignore[no-untyped-def]  # a fixture
    """Return the dock of a window that is seen, with an image."""
    dock: GraftDock = make_dock(show=True)
    dock.viewer.add_image(np.zeros((3, 256, 256), np.uint8), name="cortex", contrast_limits=(0, 1))
    qtbot.wait(50)  # what the dock leaves for later must not count
    return dock


def calls_of_blocks(steps: Iterator[None]) -> list[int]:
    """Return the calls of each step and of what the window does after it."""
    blocks = []
    while True:
        n_stepping, answer = calls_of(lambda: next(steps, "end"))
        if answer == "end":
            return blocks
        blocks += [n_stepping, calls_of(QApplication.processEvents)[0]]


def test_window_answers_between_the_layers_of_a_comparison(shown_dock: GraftDock) -> None:
    viewer = shown_dock.viewer
    image: Image = viewer.layers["cortex"]
    blocks = calls_of_blocks(comparison_view_of(viewer).show(make_comparison(), image, DisplayOptions()))

    assert comparison_view_of(viewer).is_whole
    assert len(list(our_layers(viewer, "preview"))) == 8
    assert max(blocks) < sum(blocks) / 4


def test_comparison_that_is_closed_before_it_is_whole_leaves_nothing(
    shown_dock: GraftDock, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    viewer, view = shown_dock.viewer, comparison_view_of(shown_dock.viewer)
    host = ComparisonHost(shown_dock, shown_dock.workbench, viewer, lambda: None)
    monkeypatch.setattr(host, "image", lambda: viewer.layers["cortex"])
    host.show(make_comparison(), DisplayOptions())
    qtbot.waitUntil(lambda: len(list(our_layers(viewer, "preview"))) == 3, timeout=PATIENCE)
    host.show(None, DisplayOptions())
    assert not list(our_layers(viewer, "preview"))
    qtbot.waitUntil(lambda: not list(our_layers(viewer, "dismissed")), timeout=PATIENCE)

    second = make_comparison(2)
    host.show(second, DisplayOptions(mode="overlay"))
    qtbot.waitUntil(lambda: view.is_whole, timeout=PATIENCE)

    assert view.comparison is second
    assert len(list(our_layers(viewer, "preview"))) == 6
    host.show(None, DisplayOptions())
    assert [layer.name for layer in viewer.layers if layer.visible] == ["cortex"]


def test_window_answers_while_a_comparison_is_cleared_away(shown_dock: GraftDock) -> None:
    viewer, view = shown_dock.viewer, comparison_view_of(shown_dock.viewer)
    for _ in view.show(make_comparison(), viewer.layers["cortex"], DisplayOptions()):
        QApplication.processEvents()
    closing, _ = calls_of(view.close)
    assert [layer.name for layer in viewer.layers if layer.visible] == ["cortex"]

    blocks = calls_of_blocks(view.clear_away())

    assert [layer.name for layer in viewer.layers] == ["cortex"]
    whole = closing + sum(blocks)
    assert max(blocks) < whole / 4
    assert closing < whole / 2  # all is hidden at once: napari draws anew for each layer
