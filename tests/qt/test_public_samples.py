"""Public images in a real napari, from a server on this machine."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable
from pathlib import Path

import imageio.v3 as imageio
import numpy as np
import pytest
from napari import Viewer
from napari._qt.widgets.qt_progress_bar import QtLabeledProgressBar
from napari.utils.notifications import notification_manager
from pytestqt.qtbot import QtBot
from qtpy.QtCore import Qt

from loopback import Loopback
from napari_graft._qt.shell.public_samples import fetch_into
from napari_graft.samples.public import PUBLIC_SAMPLES, PublicSample

MakeViewer = Callable[..., Viewer]
PATIENCE = 120_000
PIXELS = np.random.default_rng(0).integers(0, 255, (700, 800), np.uint8)


@pytest.fixture
def axons(loopback: Loopback) -> PublicSample:
    """Give the first sample of the registry with files of ours."""
    mask = np.zeros(PIXELS.shape, np.uint8)
    mask[10:50, 10:90] = 255
    image = loopback.add("/axons.png", imageio.imwrite("<bytes>", PIXELS, extension=".png"))
    labels = loopback.add("/mask.png", imageio.imwrite("<bytes>", mask, extension=".png"))
    return dataclasses.replace(PUBLIC_SAMPLES[0], image=image, labels=labels)


def said() -> list[str]:
    return [notification.message for notification in notification_manager.records]


@pytest.fixture(autouse=True)
def _no_notifications() -> None:
    notification_manager.records.clear()


def bars(viewer: Viewer) -> list[QtLabeledProgressBar]:
    return viewer.window._qt_window._activity_dialog.findChildren(QtLabeledProgressBar)


def test_layers_follow_with_pixel_size_and_terms_while_the_window_goes_on(
    make_napari_viewer: MakeViewer, qtbot: QtBot, axons: PublicSample, loopback: Loopback, tmp_path: Path
) -> None:
    viewer = make_napari_viewer()
    loopback.go_on = threading.Event()
    fetch_into(viewer, axons, tmp_path)
    qtbot.waitUntil(lambda: len(loopback.requested) == 1, timeout=PATIENCE)
    assert len(viewer.layers) == 0
    assert "Fetching Rat axons, SEM" in bars(viewer)[0].description_label.text()
    qtbot.waitUntil(lambda: bars(viewer)[0]._get_value() > 0, timeout=PATIENCE)

    loopback.go_on.set()
    qtbot.waitUntil(lambda: len(viewer.layers) == 2, timeout=PATIENCE)

    image, truth = viewer.layers
    np.testing.assert_array_equal(image.data, PIXELS)
    assert truth.data.max() == 1
    for layer in (image, truth):
        assert layer.scale.tolist() == [70, 70]
        assert {str(unit) for unit in layer.units} == {"nanometer"}
        noted = layer.metadata["napari_graft"]
        assert (noted["sample"], noted["licence"], noted["citation"]) == (
            "rat-axons",
            "MIT",
            "Zaimi et al. 2018 Sci Rep 8:3816",
        )
    qtbot.waitUntil(lambda: bars(viewer) == [], timeout=PATIENCE)


def test_the_button_in_the_activity_dock_stops_it_without_an_error(
    make_napari_viewer: MakeViewer, qtbot: QtBot, axons: PublicSample, loopback: Loopback, tmp_path: Path
) -> None:
    viewer = make_napari_viewer()
    loopback.go_on = threading.Event()
    job = fetch_into(viewer, axons, tmp_path)
    assert job is not None
    qtbot.waitUntil(lambda: len(loopback.requested) == 1, timeout=PATIENCE)

    qtbot.mouseClick(bars(viewer)[0].cancel_button, Qt.MouseButton.LeftButton)
    loopback.go_on.set()
    qtbot.waitUntil(lambda: not job.state.is_active, timeout=PATIENCE)

    assert job.state.status == "stopped"
    assert len(viewer.layers) == 0
    assert said() == []
    fetch_into(viewer, axons, tmp_path)
    qtbot.waitUntil(lambda: len(viewer.layers) == 2, timeout=PATIENCE)


def test_asking_twice_fetches_once(
    make_napari_viewer: MakeViewer, qtbot: QtBot, axons: PublicSample, loopback: Loopback, tmp_path: Path
) -> None:
    viewer = make_napari_viewer()
    loopback.go_on = threading.Event()
    fetch_into(viewer, axons, tmp_path)
    assert fetch_into(viewer, axons, tmp_path) is None
    assert said() == ["Rat axons, SEM is on its way already."]

    loopback.go_on.set()
    qtbot.waitUntil(lambda: len(viewer.layers) == 2, timeout=PATIENCE)


def test_a_file_that_is_not_the_right_one_is_told(
    make_napari_viewer: MakeViewer, qtbot: QtBot, axons: PublicSample, loopback: Loopback, tmp_path: Path
) -> None:
    viewer = make_napari_viewer()
    loopback.files["/axons.png"] = b"of something else"
    fetch_into(viewer, axons, tmp_path)
    qtbot.waitUntil(lambda: len(said()) == 1, timeout=PATIENCE)

    assert said()[0].startswith("Rat axons, SEM could not be opened: what http://127.0.0.1")
    assert len(viewer.layers) == 0
    assert bars(viewer) == []


def test_closing_the_window_ends_the_fetch_and_another_window_can_ask_again(
    make_napari_viewer: MakeViewer, qtbot: QtBot, axons: PublicSample, loopback: Loopback, tmp_path: Path
) -> None:
    first = make_napari_viewer()
    loopback.go_on = threading.Event()
    job = fetch_into(first, axons, tmp_path)
    assert job is not None
    qtbot.waitUntil(lambda: len(loopback.requested) == 1, timeout=PATIENCE)
    first.close()
    qtbot.waitUntil(lambda: job.token.is_cancelled, timeout=PATIENCE)
    loopback.go_on.set()

    second = make_napari_viewer()
    fetch_into(second, axons, tmp_path)
    qtbot.waitUntil(lambda: len(second.layers) == 2, timeout=PATIENCE)
    assert said() == []


@pytest.mark.parametrize("key", [sample.key for sample in PUBLIC_SAMPLES])
def test_the_menu_asks_for_it_and_without_a_network_says_so(
    make_napari_viewer: MakeViewer, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:1")  # nobody listens there
    monkeypatch.delenv("no_proxy", raising=False)
    viewer = make_napari_viewer()

    assert viewer.open_sample("napari-graft", key) == []

    qtbot.waitUntil(lambda: len(said()) == 1, timeout=PATIENCE)
    assert "could not be opened: https://raw.githubusercontent.com/" in said()[0]
    assert "cannot be reached" in said()[0]
    assert "check the address and the network" in said()[0]
