from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import tifffile
from tiny_loop import SEEN_SET, make_sample, make_stack

from napari_graft.cli.app import run
from napari_graft.core.errors import InputError
from napari_graft.io import open_volume
from napari_graft.metrics import evaluate
from napari_graft.session.demo import mean_scores
from napari_graft.session.projects.creation import is_series, write_stack

SCORES = {"vi", "vi_split", "vi_merge", "arand", "ap50", "ap", "f1_50", "dice", "n_true", "n_predicted"}


@pytest.mark.usefixtures("quick_training")
def test_the_demo_goes_round_the_loop_and_reports(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, out = tmp_path / SEEN_SET, tmp_path / "report"
    folder.mkdir()
    for seed in range(5):
        sample = make_sample((96, 96), seed)
        tifffile.imwrite(folder / f"image_{seed}.tif", sample.image)
        tifffile.imwrite(folder / f"labels_{seed}.tif", sample.segments)
    images = ("--image", str(folder / "image_*.tif"), "--labels", str(folder / "labels_*.tif"))
    loop = ("--rounds", "2", "--tiles", "2", "--tile", "48", "--steps", "2", "--structure", "nuclei")

    code = run(["demo", "--out", str(out), *images, *loop])

    captured = capsys.readouterr()
    assert (code, captured.out) == (0, ""), captured.err
    assert str(out / "report.html") in captured.err
    assert captured.err.count("note: the pixel size is unknown") == 1
    report = json.loads((out / "report.json").read_text())
    _check_report(report)
    page = (out / "report.html").read_text()
    assert "tiny-nuclei" in page
    assert 'src="http' not in page and 'href="http' not in page.replace('href="https://doi.org', "")
    assert "2 steps a round, 4 steps in all" in page
    assert list(out.glob("*.png"))


@pytest.mark.usefixtures("quick_training")
def test_a_round_too_short_for_a_step_is_reported_as_it_was(
    tmp_path: Path, image: Path, labels: Path
) -> None:
    out = tmp_path / "report"
    loop = ("--rounds", "1", "--tiles", "1", "--tile", "40", "--time-budget", "0.001s")
    files = ("--image", str(image), "--labels", str(labels))

    code = run(["demo", "--out", str(out), *files, *loop, "--exclude", "tiny-neurites"])

    assert code == 0
    report = json.loads((out / "report.json").read_text())
    assert [(row["steps"], row["kept"]) for row in report["rounds"]] == [(0, False)]
    assert report["rounds"][0]["vi"] == report["zero_shot"]["vi"]
    assert report["scratch"]["steps"] == 1
    assert report["excluded"] == ["tiny-neurites"]


def _check_report(report: dict[str, object]) -> None:
    assert {"ranking", "rounds", "zero_shot", "scratch", "seconds"} <= report.keys()
    ranking, rounds = report["ranking"], report["rounds"]
    assert isinstance(ranking, list)
    assert isinstance(rounds, list)
    assert [row["source"] for row in ranking] == ["tiny-nuclei"]  # the other one has seen this set
    assert report["excluded"] == ["tiny-neurites"]
    assert [(row["n_tiles"], row["steps"]) for row in rounds] == [(2, 2), (4, 2)]
    for row in rounds:
        assert {"n_tiles", "source", "seconds"} | SCORES <= row.keys()
    scratch, zero_shot = report["scratch"], report["zero_shot"]
    assert isinstance(scratch, dict)
    assert isinstance(zero_shot, dict)
    assert scratch.keys() >= {"n_tiles"} | SCORES
    assert zero_shot.keys() >= SCORES
    scratch_rounds = report["scratch_rounds"]
    assert isinstance(scratch_rounds, list)
    assert [row["steps"] for row in scratch_rounds] == [row["total_steps"] for row in rounds]
    longer = report["scratch_longer"]
    assert isinstance(longer, dict)
    assert (longer["n_tiles"], longer["steps"]) == (4, 4 * rounds[-1]["total_steps"])
    assert longer.keys() >= SCORES


def test_scores_of_slices_are_the_mean_and_of_one_tile_its_own() -> None:
    truth = make_stack(3, 64).segments
    found = np.roll(truth, 5, axis=2)
    slices = [(found[z : z + 1], truth[z : z + 1]) for z in range(3)]

    mean = mean_scores([f for f, _ in slices], [t for _, t in slices])

    assert mean["vi"] == pytest.approx(np.mean([evaluate(f, t).vi for f, t in slices]))
    assert mean_scores([found[0]], [truth[0]]) == evaluate(found[0], truth[0]).as_dict()


@pytest.mark.parametrize("shape", [(20, 30), (20, 30, 3)])
def test_a_series_becomes_a_stack_in_order_of_name(tmp_path: Path, shape: tuple[int, ...]) -> None:
    images = np.random.default_rng(0).integers(0, 255, (3, *shape)).astype(np.uint8)
    for i, pixels in enumerate(images):
        tifffile.imwrite(tmp_path / f"image_{i}.tif", pixels)

    stack = open_volume(write_stack(str(tmp_path / "image_*.tif"), tmp_path / "made" / "stack.tif"))

    assert stack.shape == (3, 20, 30)
    np.testing.assert_array_equal(np.asarray(stack.data[(slice(None),) * stack.data.ndim]), images)


def test_images_that_differ_are_no_series(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "image_0.tif", np.zeros((20, 30), np.uint8))
    tifffile.imwrite(tmp_path / "image_1.tif", np.zeros((20, 31), np.uint8))

    with pytest.raises(InputError, match=r"differ: \(20, 30\) uint8, \(20, 31\) uint8"):
        write_stack(str(tmp_path / "image_*.tif"), tmp_path / "stack.tif")

    with pytest.raises(InputError, match="no file matches"):
        write_stack(str(tmp_path / "other_*.tif"), tmp_path / "stack.tif")
    assert not (tmp_path / "stack.tif").exists()


def test_a_file_whose_name_looks_like_a_pattern_is_a_file(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "image[1].tif", np.zeros((20, 30), np.uint8))

    assert is_series(str(tmp_path / "image*.tif"))
    assert not is_series(str(tmp_path / "image[1].tif"))
    assert not is_series("image.tif")
