from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from tiny_loop import make_annotated

from napari_graft import export, merge_sources, open_project, pretrain, rank_sources, suggest_tiles, train
from napari_graft.bridging.recipe import BridgeRecord
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


def _methods(project: Path, tmp_path: Path, run: str) -> str:
    out = tmp_path / f"{project.stem}-methods-{run}.txt"
    return export(project, "methods", out, run=run).read_text(encoding="utf-8")


def test_the_methods_cite_a_merge_and_a_preparation_only_where_the_run_used_them(
    image: Path, labels: Path, tmp_path: Path
) -> None:
    folder = make_annotated(tmp_path / "cells.graft", image, labels, structure="nuclei")
    with open_project(folder, write=True) as opened:
        train(opened, "tiny-nuclei", steps=1, device="cpu")
        merge_sources(opened, ["tiny-neurites", "tiny-nuclei"], method="average", steps=1, device="cpu")
        merge_sources(opened, ["tiny-neurites", "tiny-nuclei"], steps=6, device="cpu")
        pretrain(opened, "tiny-nuclei", replay=["distillation"], steps=1, device="cpu")
        train(opened, "run p0001", steps=1, device="cpu")

    plain, average, kernel, prepared = (_methods(folder, tmp_path, run) for run in ("1", "2", "3", "4"))

    for cited in ("MedMerge", "2310.03981", "2401.05014", "NeuroADDA", "2309.17342"):
        assert cited not in plain, plain
    assert "plain average" in average
    assert "2403.11646" not in average
    assert "merged of 2 networks" in kernel
    assert "2403.11646" in kernel
    assert "prepared on images without labels" in prepared
    assert "2310.03981" in prepared
    assert "2403.11646" not in prepared


@pytest.mark.parametrize("is_trained", [False, True])
def test_the_methods_cite_a_bridge_where_the_run_began_with_it(
    project: Path, tmp_path: Path, is_trained: bool
) -> None:
    folder = shutil.copytree(project, tmp_path / "p.graft")
    with open_project(folder, write=True) as opened:
        first = opened.runs.get("1")
        record = BridgeRecord(
            method="tgmb-tgkt", source="tiny-nuclei", pairs=("a", "b"), n_pairs=3, source_id="x"
        )
        first.update(bridge=record, n_tiles=0)
    bridged = _methods(folder, tmp_path, "2" if is_trained else "1")

    assert "bridged from its own modality" in bridged
    assert "3 pairs of images" in bridged
    assert "2401.05014" in bridged
    assert "2209.04027" not in bridged
    assert ("No tile was annotated" in bridged) is not is_trained
    assert "2401.05014" not in _methods(project, tmp_path, "1")
