from __future__ import annotations

from pathlib import Path

import pytest
from tiny_loop import make_annotated

from napari_graft import export, open_project, rank_sources, suggest_tiles, train
from napari_graft.core.errors import InputError
from napari_graft.exchange.add import add_source
from napari_graft.sources.source import open_source


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, image: Path, labels: Path) -> Path:
    """A project that was ranked and has two runs, one on top of the other."""
    folder = make_annotated(
        tmp_path_factory.mktemp("exported") / "cells.graft",
        image,
        labels,
        pixel_size=(250, 250),
        structure="nuclei",
    )
    with open_project(folder, write=True) as opened:
        rank_sources(opened)
        suggest_tiles(opened, 1, tile=40, strategy="random")
        for source in ("tiny-nuclei", "latest"):
            train(opened, source, steps=2, device="cpu")
    return folder


def test_the_model_in_use_passes_the_test_of_bioimageio_core(project: Path, tmp_path: Path) -> None:
    core = pytest.importorskip("bioimageio.core")

    out = export(project, "bioimageio", tmp_path / "model.zip", run="1")

    summary = core.test_model(out, weight_format="torchscript", devices=["cpu"])
    assert summary.status == "passed", summary.format()
    export(project, "bioimageio", tmp_path / "model.zip", run="1")
    with pytest.raises(InputError, match="no earlier result"):
        export(project, "bioimageio", tmp_path / "model.zip", run="2")


def test_our_own_source_file_comes_back(project: Path, tmp_path: Path) -> None:
    out = export(project, "graftsource", tmp_path / "model.graftsource", run="2")

    back = add_source(out, tmp_path / "home")

    assert back.card.id == "cells-run-0002"
    assert open_source(back.path, "user").card.structure == "nuclei"


def test_the_methods_say_what_was_done_and_what_came_out(project: Path, tmp_path: Path) -> None:
    out = export(project, "methods", tmp_path / "methods.txt", run="2")

    text = out.read_text(encoding="utf-8")
    assert text.startswith("Nuclei were segmented with napari-graft")
    for words in (
        "128 × 128 pixels (y, x)",
        "250 × 250 nm",
        "In 1 round 2 tiles",
        "for 4 steps",
        "kept apart",
        "References",
    ):
        assert words in text, text
    assert "test part, which" not in text
    assert "None" not in text
    with pytest.raises(InputError, match="no earlier result"):
        export(project, "methods", tmp_path / "methods.txt", run="2")


def test_a_project_without_a_model_is_told_how_to_get_one(tmp_path: Path, image: Path, labels: Path) -> None:
    folder = make_annotated(tmp_path / "p.graft", image, labels)

    for to, name in (("bioimageio", "a.zip"), ("methods", "a.md")):
        with pytest.raises(InputError, match="train"):
            export(folder, to, tmp_path / name)
