"""What all tests share: the order of the tests, the need of a screen, and repeatable properties."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from hypothesis import settings

sys.path.insert(0, str(Path(__file__).parent))

from loopback import loopback  # noqa: F401 - a fixture

QT_TESTS = Path(__file__).parent / "qt"

# The same examples in every run, and no deadline: the cores are shared with other workers.
settings.register_profile("repeatable", deadline=None, derandomize=True)
settings.load_profile("repeatable")


def _has_screen() -> bool:
    on_linux = sys.platform.startswith("linux")
    return not on_linux or any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the tests with windows last: an optimiser step after a window opened can crash software OpenGL."""
    for item in items:
        if QT_TESTS in item.path.parents:
            item.add_marker(pytest.mark.qt)
            if not _has_screen():
                item.add_marker(pytest.mark.skip(reason="needs a screen: run `make test` or `xvfb-run -a`"))
    items.sort(key=lambda item: item.get_closest_marker("qt") is not None)


@pytest.fixture(autouse=True, scope="session")
def _own_napari_settings(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keep napari from reading or writing the settings of the person who runs the tests."""
    os.environ["NAPARI_CONFIG"] = str(tmp_path_factory.mktemp("napari") / "settings.yaml")
