from __future__ import annotations

import json
from pathlib import Path

import pytest
import tifffile
from tiny_loop import SEEN_SET, make_stack

from napari_graft.cli.app import run
from napari_graft.core.errors import Cancelled, InputError
from napari_graft.core.progress import CancelToken, Progress, Report, ignore_progress
from napari_graft.studies.label_efficiency import LabelEfficiencyRequest, run_label_efficiency
from napari_graft.studies.targets import EFFICIENCY_TARGETS, LabelledSet

STACK = LabelledSet("tiny_stack", "image.tif", "labels.tif", "nuclei", (250, 250, 250))
SERIES = LabelledSet(SEEN_SET, "image_*.tif", "labels_*.tif", "nuclei")

pytestmark = pytest.mark.usefixtures("quick_training")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    sample = make_stack()
    for name in (STACK.name, SERIES.name):
        (folder / name).mkdir()
    tifffile.imwrite(folder / STACK.name / "image.tif", sample.image)
    tifffile.imwrite(folder / STACK.name / "labels.tif", sample.segments)
    for i, (image, segments) in enumerate(zip(sample.image, sample.segments, strict=True)):
        tifffile.imwrite(folder / SERIES.name / f"image_{i}.tif", image)
        tifffile.imwrite(folder / SERIES.name / f"labels_{i}.tif", segments)
    return folder


def _request(out: Path, data: Path, n_seeds: int = 1) -> LabelEfficiencyRequest:
    return LabelEfficiencyRequest(
        out, data, n_seeds, (STACK, SERIES), n_rounds=2, n_tiles=1, tile=48, steps=2
    )


def _run(request: LabelEfficiencyRequest, report: Report = ignore_progress) -> list[dict[str, object]]:
    return run_label_efficiency(request, report=report, cancel=CancelToken())


def test_the_table_says_what_the_reports_of_the_runs_say(tmp_path: Path, data: Path) -> None:
    rows = _run(_request(tmp_path, data))

    assert [(row["target"], row["n_tiles"], row["steps"]) for row in rows] == [
        (STACK.name, 1, 2),
        (STACK.name, 2, 4),
        (SEEN_SET, 1, 2),
        (SEEN_SET, 2, 4),
    ]
    for row in rows:
        folder = tmp_path / "label-efficiency" / f"{row['target']}-seed0"
        report = json.loads((folder / "report.json").read_text())
        i = report["rounds"].index(next(r for r in report["rounds"] if r["n_tiles"] == row["n_tiles"]))
        scratch, adapted = report["scratch_rounds"][i], report["rounds"][i]
        assert row["vi_zero_shot"] == pytest.approx(report["zero_shot"]["vi"])
        assert (row["vi_scratch"], row["vi_adapted"]) == pytest.approx((scratch["vi"], adapted["vi"]))
        assert (row["ap50_scratch"], row["ap50_adapted"]) == pytest.approx((scratch["ap50"], adapted["ap50"]))
        assert row["below_scratch"] == pytest.approx(1 - adapted["vi"] / scratch["vi"])
        assert scratch["steps"] == adapted["total_steps"] == row["steps"]
    written = json.loads((tmp_path / "label-efficiency.json").read_text())
    assert written["rows"] == rows
    stack, series = written["runs"]
    assert (stack["excluded"], series["excluded"]) == ([], ["tiny-neurites"])
    assert stack["pixel_size"] == [250, 250, 250]


def test_a_run_that_is_finished_is_not_done_again_unless_something_else_is_asked(
    tmp_path: Path, data: Path
) -> None:
    told: list[str] = []
    request = LabelEfficiencyRequest(tmp_path, data, 1, (STACK,), n_rounds=1, n_tiles=1, tile=48, steps=1)

    first = _run(request)
    again = _run(request, lambda state: told.append(state.message))
    more = LabelEfficiencyRequest(tmp_path, data, 2, (STACK,), n_rounds=1, n_tiles=1, tile=48, steps=1)
    (both,) = _run(more)
    other = LabelEfficiencyRequest(tmp_path, data, 1, (STACK,), n_rounds=1, n_tiles=1, tile=48, steps=2)
    (changed,) = _run(other)

    assert again == first
    assert told == ["target tiny_stack, seed 0"]
    kept = (tmp_path / "label-efficiency-runs.jsonl").read_text().splitlines()
    seeds = [json.loads(line) for line in kept]
    assert [(outcome["seed"], outcome["steps"]) for outcome in seeds] == [(0, 1), (1, 1), (0, 2)]
    assert both["n_seeds"] == 2
    mean = (float(str(first[0]["vi_adapted"])) + seeds[1]["adapted"][0]["vi"]) / 2
    assert both["vi_adapted"] == pytest.approx(mean)
    assert changed["steps"] == 2


def test_a_stopped_benchmark_keeps_the_targets_that_are_finished(tmp_path: Path, data: Path) -> None:
    token = CancelToken()

    def stop_at_the_second(state: Progress) -> None:
        if SEEN_SET in state.message:
            token.cancel()

    with pytest.raises(Cancelled):
        run_label_efficiency(_request(tmp_path, data), report=stop_at_the_second, cancel=token)

    finished = (tmp_path / "label-efficiency-runs.jsonl").read_text().splitlines()
    assert [json.loads(line)["target"] for line in finished] == [STACK.name]


def test_missing_images_are_named_before_anything_runs(tmp_path: Path, data: Path) -> None:
    with pytest.raises(InputError, match=r"isbi2012_vnc_sstem.*--data"):
        _run(LabelEfficiencyRequest(tmp_path / "out", data))

    assert not (tmp_path / "out").exists()
    with pytest.raises(InputError, match="0 seeds"):
        LabelEfficiencyRequest(tmp_path, data, 0)


def test_the_command_prints_a_table_and_quick_takes_the_first_target_only(
    tmp_path: Path, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = EFFICIENCY_TARGETS[0]
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / first.name).symlink_to(data / STACK.name)
    (data / STACK.name / first.labels).symlink_to(data / STACK.name / "labels.tif")

    code = run(
        [
            "benchmark",
            "label-efficiency",
            "--quick",
            "--data",
            str(tmp_path / "data"),
            "--out",
            str(tmp_path / "out"),
        ]
    )

    out, err = capsys.readouterr()
    assert code == 0, err
    header, rule, row = out.splitlines()
    assert header.startswith("| target | source | n tiles | steps ")
    assert header.count("|") == rule.count("|") == row.count("|")
    assert row.startswith(f"| {first.name} | ")
