"""The scripts in ``examples`` run as a reader would run them, on small images and for a few steps."""

from __future__ import annotations

import runpy
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import tifffile

from napari_graft.session.ranking.rank import candidate_sources
from napari_graft.sources.catalogue import Catalogue

EXAMPLES = Path(__file__).parents[1] / "examples"
SOURCE = "fly-medulla-fibsem"

Run = Callable[..., list[str]]


@pytest.fixture
def run_example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a script in an empty folder with the shipped sources alone, and return the lines that it prints."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NAPARI_GRAFT_HOME", str(tmp_path))
    monkeypatch.delenv("NAPARI_GRAFT_SOURCES", raising=False)

    def run(name: str, *arguments: str) -> list[str]:
        monkeypatch.setattr(sys, "argv", [name, *arguments])
        runpy.run_path(str(EXAMPLES / name), run_name="__main__")
        return capsys.readouterr().out.splitlines()

    return run


def test_rank_sources_prints_the_source_that_is_not_left_out(run_example: Run) -> None:
    others = [source.id for source in candidate_sources(Catalogue()) if source.id != SOURCE]
    lines = run_example("rank_sources.py", "--size", "192", "--exclude", *others)
    assert lines[0].startswith(SOURCE)
    assert len(lines) <= 2  # a remedy may follow


def test_annotate_and_train_writes_a_segmentation_and_its_scores(run_example: Run) -> None:
    sizes = ("--size", "160", "--tile", "64", "--steps", "2")
    lines = run_example("annotate_and_train.py", *sizes, "--source", SOURCE)
    assert [line.split()[0] for line in lines] == ["tile", "tile", "run", "VI"]
    segments = tifffile.imread(Path("adapted", "segments.tif"))
    assert segments.shape == (160, 160)
    assert segments.max() > 0


def test_evaluate_segmentation_tells_the_mistakes_apart(run_example: Run) -> None:
    lines = run_example("evaluate_segmentation.py", "--size", "128")[1:]
    rows = {line[:22].strip(): [float(value) for value in line[22:].split()] for line in lines}
    split, merge = ({name: row[column] for name, row in rows.items()} for column in (0, 1))
    assert rows["perfect"] == [0, 0, 0, 1, 1, 1]
    assert split["each cut in two"] > 0.9
    assert merge["each cut in two"] == 0
    assert merge["joined in pairs"] > 0.5
    assert split["joined in pairs"] == 0


@pytest.mark.parametrize("script", sorted(EXAMPLES.glob("*.py")), ids=lambda script: script.stem)
def test_examples_are_short(script: Path) -> None:
    assert len(script.read_text(encoding="utf-8").splitlines()) < 60
