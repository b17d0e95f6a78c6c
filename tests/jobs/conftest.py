from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import tifffile

from napari_graft.cli.app import app
from napari_graft.session.projects.creation import ImageOptions, make_project
from napari_graft.sources import plugins
from plugin_site import install_plugin

TOY = Path(__file__).with_name("count_bright.py")


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Install the toy job as a plugin."""
    install_plugin(TOY, tmp_path / "site", monkeypatch)
    yield TOY
    plugins.forget_plugins()
    if "count-bright" in set(app):
        del app["count-bright"]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Make a project of an image of 64 × 48 pixels, 100 of which are bright."""
    image = np.zeros((64, 48), np.uint8)
    image[20:30, 10:20] = 200
    tifffile.imwrite(tmp_path / "image.tif", image)
    options = ImageOptions(str(tmp_path / "image.tif"), structure="cells", pixel_size=(100.0, 100.0))
    make_project(tmp_path / "p.graft", options).close()
    return tmp_path / "p.graft"
