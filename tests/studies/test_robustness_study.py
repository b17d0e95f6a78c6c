from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tifffile
from tiny_loop import make_stack

from napari_graft.core.errors import Cancelled, InputError
from napari_graft.core.progress import CancelToken, Progress, ignore_progress
from napari_graft.imaging.faults.registry import FAULTS
from napari_graft.studies import degraded_images
from napari_graft.studies.robustness import Endurance, RobustnessRequest, run_robustness, table

RECIPE = """
id: {name}
title: Tiny
structure: {structure}
license: CC0-1.0
images: [{{image: tiny/image.tif, labels: tiny/labels.tif}}]
schedule: {{steps: 1}}
"""
FEW = ("vignetting", "polarity")


@pytest.fixture
def few_faults(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("napari_graft.studies.robustness.FAULTS", {name: FAULTS[name] for name in FEW})


@pytest.fixture
def request_(tmp_path: Path) -> RobustnessRequest:
    for name, structure in (("tiny-nuclei", "nuclei"), ("tiny-neurites", "neurites")):
        (tmp_path / f"{name}.yaml").write_text(RECIPE.format(name=name, structure=structure))
    (tmp_path / "tiny").mkdir()
    sample = make_stack(10)
    tifffile.imwrite(tmp_path / "tiny" / "image.tif", sample.image)
    tifffile.imwrite(tmp_path / "tiny" / "labels.tif", sample.segments)
    return RobustnessRequest(tmp_path / "out", tmp_path, tmp_path)


def run(request: RobustnessRequest) -> list[dict[str, object]]:
    return run_robustness(request, report=ignore_progress, cancel=CancelToken())


@pytest.mark.usefixtures("few_faults")
def test_each_source_is_scored_under_each_fault_and_what_is_finished_is_kept(
    request_: RobustnessRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = run(request_)

    assert [row["fault"] for row in rows] == [FAULTS[name].title for name in FEW]
    written = json.loads((request_.out / "robustness.json").read_text())
    assert written["rows"] == rows
    by_id = {one["source"]: one for one in written["sources"]}
    assert {name: one["measure"] for name, one in by_id.items()} == {
        "tiny-nuclei": "ap50",
        "tiny-neurites": "vi",
    }
    assert list(by_id["tiny-nuclei"]["kept"]["vignetting"]) == ["weak", "middle", "strong"]
    lines = (request_.out / "robustness-runs.jsonl").read_text().splitlines()
    assert len(lines) == 2 * (1 + 2 * 3)

    monkeypatch.setattr(degraded_images, "split_images", None)
    assert run(request_) == rows
    assert (request_.out / "robustness-runs.jsonl").read_text().splitlines() == lines


@pytest.mark.usefixtures("few_faults")
def test_a_benchmark_that_is_stopped_goes_on_where_it_was(request_: RobustnessRequest) -> None:
    cancel = CancelToken()

    def stop_at_third(progress: Progress) -> None:
        if progress.done == 2:
            cancel.cancel()

    with pytest.raises(Cancelled):
        run_robustness(request_, report=stop_at_third, cancel=cancel)
    lines = (request_.out / "robustness-runs.jsonl").read_text().splitlines()
    assert len(lines) == 2
    assert not (request_.out / "robustness.json").exists()
    run(request_)
    assert (request_.out / "robustness-runs.jsonl").read_text().splitlines()[:2] == lines


@pytest.mark.usefixtures("few_faults")
def test_single_sources_can_be_named_and_a_quick_run_is_of_one_strength(request_: RobustnessRequest) -> None:
    quick = replace(request_, sources=("tiny-nuclei",)).quick()
    rows = run(quick)
    assert [(row["sources"], "weak" in row, "middle" in row) for row in rows] == [(1, False, True)] * 2


def test_the_fault_comes_before_range_and_contrast_are_measured(
    request_: RobustnessRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a network is shown at last is the same, however dim the image was."""
    monkeypatch.setattr(
        degraded_images, "FAULTS", {"dim": lambda grey, strength, rng: grey * (1 - strength / 2)}
    )
    monkeypatch.setattr("napari_graft.studies.robustness.FAULTS", {"dim": FAULTS["vignetting"]})
    seen = []
    score = degraded_images.score_sample
    monkeypatch.setattr(
        degraded_images, "score_sample", lambda *args: (seen.append(args[1].image), score(*args))[1]
    )
    rows = run(replace(request_, sources=("tiny-nuclei",), n_images=1))
    clean, *dim = seen
    assert len(dim) == 3
    for image in dim:
        np.testing.assert_allclose(image, clean, atol=1e-3)
    assert rows[0]["strong"] == pytest.approx(1, abs=0.05)


def test_missing_recipes_and_images_are_told_before_anything_is_measured(
    request_: RobustnessRequest, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="no source was trained by a recipe"):
        run(replace(request_, recipes=tmp_path / "nowhere"))
    with pytest.raises(InputError, match="the recipe of 'ancestor-generated'"):
        run(replace(request_, sources=("ancestor-generated",)))
    with pytest.raises(InputError, match=r"no file matches 'tiny/image\.tif'"):
        run(replace(request_, data=tmp_path / "nowhere"))
    assert not request_.out.exists()


def endurance(structure: str, clean: float, spoilt: float, source: str = "a") -> Endurance:
    name = "vi" if structure == "neurites" else "ap50"
    found = {(fault, "middle"): {name: spoilt} for fault in FAULTS}
    return Endurance(source, structure, {name: clean}, found)


def test_shares_are_those_of_ap_and_of_vi_turned_round() -> None:
    assert endurance("nuclei", 0.8, 0.6).kept("blur", "middle") == pytest.approx(0.75)
    assert endurance("neurites", 0.3, 0.6).kept("blur", "middle") == pytest.approx(0.5)
    assert endurance("nuclei", 0.0, 0.0).kept("blur", "middle") is None
    assert endurance("neurites", 0.0, 0.0).kept("blur", "middle") == 1


def test_the_table_has_the_median_the_lowest_and_who_falls_under_half() -> None:
    found = [
        endurance("nuclei", 0.8, 0.8, "steady"),
        endurance("nuclei", 0.8, 0.64, "usual"),
        endurance("neurites", 0.2, 0.5, "weak"),
        endurance("nuclei", 0.0, 0.0, "blind"),
    ]
    rows = table(found, ("middle",))
    assert len(rows) == len(FAULTS)
    assert rows[0] == {
        "fault": "bright debris",
        "sources": 4,
        "middle": 0.8,
        "lowest_middle": 0.4,
        "under_half_middle": ["weak"],
    }
