"""The command that bridges: what it prints, and how it refuses."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

sys.path.insert(0, str(Path(__file__).parents[1] / "bridging"))

from looks import SPOILT, as_uint, draw, write_pairs

Graft = Callable[..., Any]


@pytest.fixture
def project(graft: Graft, tmp_path: Path) -> Path:
    tifffile.imwrite(tmp_path / "rims.tif", as_uint(draw(77, 128, 24)[1], np.uint16))
    made = graft("new", tmp_path / "p.graft", "--image", tmp_path / "rims.tif", "--structure", "nuclei")
    assert made.code == 0
    return tmp_path / "p.graft"


def test_bridge_tells_run_source_and_what_the_pairs_promise(
    graft: Graft, project: Path, tmp_path: Path
) -> None:
    asked = ("bridge", project, "--source", "tiny-nuclei", "--pairs", *write_pairs(tmp_path / "pairs", 2))
    found = graft(*asked, "--method", "tgmb", "--steps", 2, "--device", "cpu", "--json").document

    assert (found["run"], found["steps"], found["n_pairs"]) == ("0001", 2, 2)
    assert found["from_source"] == "tiny-nuclei"
    assert (found["source"] is not None) == found["kept"]
    assert found["suitability"]["explained"] > found["suitability"]["explained_by_view"]
    assert found["suitability"]["words"]
    runs = graft("info", project, "--json").document["runs"]
    assert [run["id"] for run in runs] == ["0001"]
    out = tmp_path / "s.tif"
    assert graft("predict", project, "--run", "0001", "--out", out, "--device", "cpu").code == 0
    assert tifffile.imread(out).shape == (128, 128)


@pytest.mark.parametrize(("spoil", "words"), SPOILT.values(), ids=SPOILT)
def test_pairs_that_cannot_be_used_are_refused_by_what_is_wrong(
    spoil: Callable[[Path, Path], None], words: str, graft: Graft, project: Path, tmp_path: Path
) -> None:
    pairs = write_pairs(tmp_path / "pairs")
    spoil(*pairs)
    asked = ("bridge", project, "--source", "tiny-nuclei", "--pairs", *pairs, "--steps", 1, "--device", "cpu")

    answer = graft(*asked)
    error = answer.err.splitlines()[-1]  # what only shows when the images are read comes after some progress
    assert answer.code == 2
    assert error.startswith("error: ")
    assert words in error
    assert "Traceback" not in answer.err
    assert list((project / "runs").glob("*")) == []


def test_bridge_refuses_in_words(graft: Graft, project: Path, tmp_path: Path) -> None:
    pairs = write_pairs(tmp_path / "pairs", 2)
    (pairs[1] / "field1.tif").unlink()

    assert graft("bridge", project, "--source", "tiny-nuclei", "--pairs", *pairs).refuses("'field1'")
    unknown = graft("bridge", project, "--source", "tiny-nucleus", "--pairs", *pairs)
    assert unknown.refuses("no source is called 'tiny-nucleus'")
    nowhere = graft("bridge", project, "--source", "tiny-nuclei", "--pairs", pairs[0], tmp_path / "none")
    assert nowhere.refuses("is no folder")
