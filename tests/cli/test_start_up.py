"""What a command loads before it does anything: heavy libraries would keep the terminal waiting."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile

from napari_graft.session.projects.creation import ImageOptions, make_project

HEAVY = {"torch", "monai", "dask", "scipy", "skimage", "sklearn", "matplotlib", "napari", "qtpy"}
PROGRAM = """
import sys
from napari_graft.cli.app import run
code = run(sys.argv[1:])
print(*sys.modules, file=sys.stderr)
sys.exit(code)
"""


@pytest.fixture(scope="module")
def small_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("start_up")
    pixels = np.random.default_rng(0).integers(0, 255, (64, 64), dtype=np.uint8)
    tifffile.imwrite(folder / "image.tif", pixels)
    make_project(folder / "small.graft", ImageOptions(str(folder / "image.tif"))).close()
    return folder / "small.graft"


def loaded_by(program: str, *arguments: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return set(done.stderr.split())


@pytest.mark.parametrize("command", [[], ["demo"], ["suggest"], ["train"], ["predict"], ["sources", "train"]])
def test_help_loads_no_heavy_library(command: list[str]):
    loaded = loaded_by(PROGRAM, *command, "--help")

    assert "napari_graft.cli.app" in loaded
    assert loaded & HEAVY == set()


def test_info_loads_no_heavy_library(small_project: Path):
    loaded = loaded_by(PROGRAM, "info", str(small_project), "--json")

    assert "napari_graft.project.project" in loaded
    assert loaded & HEAVY == set()


def test_the_side_that_waits_for_a_training_loads_no_heavy_library():
    loaded = loaded_by("import sys, napari_graft.engine.client; print(*sys.modules, file=sys.stderr)")

    assert loaded & HEAVY == set()
