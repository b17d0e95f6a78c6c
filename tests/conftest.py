"""What all tests share: the order of the tests, the need of a screen, and repeatable properties."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

sys.path.insert(0, str(Path(__file__).parent))

from in_workers import quick_workers, run_in_workers  # noqa: F401 - a fixture, and a function
from loopback import loopback  # noqa: F401 - a fixture
from promises import promised  # noqa: F401 - a fixture
from tmpfs import mounted_disk

QT_TESTS = Path(__file__).parent / "qt"

# The same examples in every run, and no deadline: the cores are shared with other workers.
settings.register_profile("repeatable", deadline=None, derandomize=True)
settings.load_profile("repeatable")


def _has_screen() -> bool:
    on_linux = sys.platform.startswith("linux")
    return not on_linux or any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))


def _turn(item: pytest.Item) -> int:
    """Say when a test runs: the longest of those with windows before the others, which then fill the time."""
    if item.get_closest_marker("qt") is None:
        return 0
    return 1 if item.path.name == "test_whole_loop.py" else 2


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let `make bench` judge promises of time."""
    parser.addoption("--judge-time", action="store_true", help="fail where a promise of time is not kept")


@pytest.hookimpl(tryfirst=True)
def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark the tests that promise a time, so that they can be run by themselves."""
    if "promised" in getattr(item, "fixturenames", ()):
        item.add_marker(pytest.mark.timed)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the tests with windows last: an optimiser step after a window opened can crash software OpenGL."""
    for item in items:
        if QT_TESTS in item.path.parents:
            item.add_marker(pytest.mark.qt)
            if not _has_screen():
                item.add_marker(pytest.mark.skip(reason="needs a screen: run `make test` or `xvfb-run -a`"))
    items.sort(key=_turn)


@pytest.fixture
def single_precision(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let networks compute in float32 on every processor: some have units for bfloat16, which round."""
    monkeypatch.setattr("napari_graft.nets.device._has_fast_bfloat16", lambda: False)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Give a disk of 256 KiB."""
    with mounted_disk(tmp_path / "disk", "256k") as disk:
        yield disk


@pytest.fixture(autouse=True, scope="session")
def _own_napari_settings(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keep napari from reading or writing the settings of the person who runs the tests."""
    os.environ["NAPARI_CONFIG"] = str(tmp_path_factory.mktemp("napari") / "settings.yaml")


FEW_SOURCES = ("fly-medulla-fibsem", "nuclei-he", "rat-axons-sem")
_FEW_IN_WORKERS = """
from pathlib import Path
from napari_graft.scorers import found_objects
from napari_graft.session.ranking import evidence
from napari_graft.sources import catalogue
evidence.N_TILES, found_objects.N_TILES = {{2: 8, 3: 4}}, {{2: 2, 3: 1}}
catalogue.default_folders = lambda: [(Path(name), "user") for name in {folders!r}]
"""


@pytest.fixture
def few_sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, ...]:
    """Let this process and its workers see three real sources and the user's own, and rank on few tiles.

    It returns their ids.
    """
    from napari_graft.sources import catalogue

    built_in = Path(catalogue.__file__).parents[1] / "data" / "sources"
    folder, home = tmp_path / "few", tmp_path / "home"
    for name in FEW_SOURCES:
        shutil.copytree(built_in / name, folder / name)
    folders = [folder, home / "sources"]
    run_in_workers(_FEW_IN_WORKERS.format(folders=[str(one) for one in folders]), tmp_path, monkeypatch)
    monkeypatch.setenv("NAPARI_GRAFT_HOME", str(home))
    monkeypatch.setattr(catalogue, "default_folders", lambda: [(one, "user") for one in folders])
    return FEW_SOURCES


@pytest.fixture(scope="session")
def neuropil(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give an image of three slices of generated neuropil, 256 × 256 pixels each."""
    import numpy as np
    import tifffile

    from napari_graft.samples.appearance import Appearance
    from napari_graft.samples.em import generate_neuropil

    path = tmp_path_factory.mktemp("neuropil") / "neuropil.tif"
    sample = generate_neuropil((3, 256, 256), np.random.default_rng(0), Appearance(radius=14.0))
    tifffile.imwrite(path, sample.image, photometric="minisblack")
    return path


@pytest.fixture
def neuropil_project(tmp_path: Path, neuropil: Path) -> Path:
    """Give the folder of a new project of this image, with 10 nm pixels, for neurites."""
    from napari_graft.session.projects.creation import ImageOptions, make_project

    options = ImageOptions(str(neuropil), structure="neurites", pixel_size=(40.0, 10.0, 10.0), unit="nm")
    make_project(tmp_path / "neuropil.graft", options).close()
    return tmp_path / "neuropil.graft"
