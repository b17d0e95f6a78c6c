"""Pairs that cannot be used, as a window tells them, with a true worker process."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import tifffile
from tiny_loop import _only_tiny_sources  # noqa: F401 - a fixture
from window import Window

sys.path.insert(0, str(Path(__file__).parents[1] / "bridging"))

from looks import SPOILT, as_uint, draw, write_pairs

from napari_graft.session.projects.creation import ImageOptions, make_project


def test_pairs_that_cannot_be_used_are_told_by_what_is_wrong(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "rims.tif", as_uint(draw(77, 96)[1], np.uint16))
    make_project(tmp_path / "p.graft", ImageOptions(str(tmp_path / "rims.tif"), structure="nuclei")).close()
    window = Window()
    try:
        window.open(tmp_path / "p.graft")
        model = window.workbench.bridging
        for name, (spoil, words) in SPOILT.items():
            model.state.target, model.state.source = write_pairs(tmp_path / name)
            spoil(model.state.target, model.state.source)
            model.bridge("tiny-nuclei")
            window.wait()

            assert words in window.failures[-1], name
            assert not model.state.is_bridging
        assert len(window.failures) == len(SPOILT)
    finally:
        window.workbench.close()
