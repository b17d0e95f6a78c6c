from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tiny_loop import make_annotated

from napari_graft.pretraining import generated
from napari_graft.session import pretraining

Graft = Callable[..., Any]
pytestmark = pytest.mark.usefixtures("quick_training")


@pytest.fixture
def project(tmp_path: Path, image: Path, labels: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(pretraining, "PATCH", {2: (32, 32), 3: (8, 16, 16)})
    monkeypatch.setattr(pretraining, "PLACE", {2: (64, 64), 3: (8, 32, 32)})
    monkeypatch.setattr(pretraining, "N_PLACES", {2: 2, 3: 2})
    monkeypatch.setattr(pretraining, "BATCH", {2: 1, 3: 1})
    for name, value in {"LARGE": 64, "SIDE": 64, "N_LOOKS": 6, "N_IMAGES": 2}.items():
        monkeypatch.setattr(generated, name, value)
    return make_annotated(tmp_path / "cells.graft", image, labels, structure="nuclei")


def test_a_source_is_prepared_told_of_and_trained_from(project: Path, graft: Graft, image: Path) -> None:
    asked = ("pretrain", project, "--source", "tiny-nuclei", "--steps", 4, "--device", "cpu")
    for number in range(2):
        shutil.copy(image, project.parent / f"more_{number}.tif")
    found = graft(*asked, "--images", project.parent / "more_*.tif", "--json").document
    assert found.keys() >= {"run", "source", "steps", "seconds", "device", "stopped_by", "history", "terms"}
    assert (found["run"], found["source"], found["steps"]) == ("p0001", "tiny-nuclei", 4)
    assert found["replay"] == ["generated", "distillation"]
    assert [Path(one).name for one in found["images"]][1:] == ["more_0.tif", "more_1.tif"]

    told = graft(*asked, "--objective", "moco", "--replay", "distillation", "labelled")
    assert told.code == 0, told.err
    assert "p0002" in told.out
    assert "terms        CC0-1.0" in told.out
    assert "loss without labels" in told.out
    assert "loss replay" in told.out

    trained = graft("train", project, "--source", f"{project}:p0001", "--steps", 1, "--json").document
    assert trained["source"] in ("run p0001", "tiny-nuclei")
    known = graft("info", project, "--json").document
    assert [run["id"] for run in known["prepared"]] == ["p0001", "p0002"]
    assert [run["id"] for run in known["runs"]] == ["0001"]


@pytest.mark.parametrize(
    ("options", "word"),
    [
        (("--source", "nobody"), "nobody"),
        (("--source", "scratch"), "fresh weights"),
        (("--source", "tiny-nuclei", "--objective", "guess"), "guess"),
        (("--source", "tiny-nuclei", "--replay", "dreams"), "dreams"),
        (("--source", "tiny-nuclei", "--images", "none_*.tif"), "none_*.tif"),
        (("--source", "tiny-nuclei", "--time-budget", "soon"), "soon"),
        (("--source", "tiny-nuclei", "--steps", "0"), "0 steps"),
    ],
)
def test_it_refuses_in_words(options: tuple[str, ...], word: str, project: Path, graft: Graft) -> None:
    assert graft("pretrain", project, *options).refuses(word)
    assert list((project / "runs").glob("*")) == []
