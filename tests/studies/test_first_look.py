from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tifffile
from tiny_loop import SEEN_SET, make_sample, make_stack

from napari_graft.cli.app import run
from napari_graft.core.errors import Cancelled, InputError
from napari_graft.core.progress import NOTE, CancelToken, Progress, Report, ignore_progress
from napari_graft.session.ranking.rank import rank_sources
from napari_graft.studies.first_look import image as first_look_image
from napari_graft.studies.first_look.image import ImageResult
from napari_graft.studies.first_look.study import (
    FirstLook,
    FirstLookRequest,
    compare,
    medians,
    run_first_look,
    set_row,
)
from napari_graft.studies.targets import FIRST_LOOK_TARGETS, LabelledSet

NUCLEI = LabelledSet("tiny_nuclei", "image_*.tif", "labels_*.tif", "nuclei")
NEURITES = LabelledSet(SEEN_SET, "image.tif", "labels.tif", "neurites", (50, 250, 250))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    for name in (NUCLEI.name, NEURITES.name):
        (folder / name).mkdir()
    for i in range(2):
        sample = make_sample((96, 96), seed=i)
        tifffile.imwrite(folder / NUCLEI.name / f"image_{i}.tif", sample.image)
        tifffile.imwrite(folder / NUCLEI.name / f"labels_{i}.tif", sample.segments)
    stack = make_stack()
    tifffile.imwrite(folder / NEURITES.name / "image.tif", stack.image)
    tifffile.imwrite(folder / NEURITES.name / "labels.tif", stack.segments)
    return folder


def request(out: Path, data: Path, **fields: object) -> FirstLookRequest:
    return FirstLookRequest(out, data, (NUCLEI, NEURITES), **fields)  # type: ignore[arg-type]


def look(of: FirstLookRequest, report: Report = ignore_progress) -> FirstLook:
    return run_first_look(of, report=report, cancel=CancelToken())


def image_result(
    target: LabelledSet, scores: Mapping[str, float], first: str, **fields: object
) -> ImageResult:
    values: dict[str, object] = {
        "target": target.key,
        "image": 0,
        "shape": (8, 8),
        "program": "p",
        "sources": "s",
        "first": first,
        "scores": {name: {"ap50": value, "vi": value} for name, value in scores.items()},
        "otsu": None,
        "diameter": None,
        "true_diameter": 20.0,
        "n_objects": 30,
        "seconds": 1.0,
    }
    return ImageResult.model_validate(values | fields)


def test_each_image_goes_the_way_of_the_program_and_is_kept(
    tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Progress] = []
    found = look(request(tmp_path, data), told.append)

    nuclei, neurites = found.rows
    # No source has seen the first set, of which both images are looked at. The only one for neurites has
    # seen the second: the other comes first, and has no rival.
    assert (nuclei.images, nuclei.sources, nuclei.best_source) == ((0, 1), ("tiny-nuclei",), "tiny-nuclei")
    assert (neurites.sources, neurites.best, neurites.median) == (("tiny-nuclei",), *[neurites.first] * 2)
    assert (nuclei.score, neurites.score) == ("ap50", "vi")
    assert nuclei.otsu is not None and nuclei.otsu > 0.5
    assert neurites.otsu is None
    assert nuclei.n_objects == sum(len(np.unique(labels)) - 1 for labels in truths(data))
    assert [row.n_sets for row in found.medians] == [1, 1]
    shares = [one.done for one in told if one.total == 2]
    assert shares == sorted(shares) and shares[:2] == [0, 0.5] and shares[-1] < 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["first-look-images.jsonl", "first-look.json"]

    def never(*arguments: object, **options: object) -> None:
        raise AssertionError

    monkeypatch.setattr(first_look_image, "make_project", never)
    assert look(request(tmp_path, data)) == found
    monkeypatch.setattr(first_look_image, "program_checksum", lambda: "another")
    with pytest.raises(AssertionError):
        look(request(tmp_path, data))


def truths(data: Path) -> list[np.ndarray]:
    return [tifffile.imread(path) for path in sorted((data / NUCLEI.name).glob("labels_*.tif"))]


def test_the_first_source_is_that_of_the_ranking(
    tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ranked: list[str] = []
    rank_nearest_kind = first_look_image.rank_nearest_kind

    def both(project, sources, *, report, cancel):  # type: ignore[no-untyped-def]
        ranked.append(rank_sources(project, sources, report=report, cancel=cancel)[0].source.id)
        return rank_nearest_kind(project, sources, report=report, cancel=cancel)

    monkeypatch.setattr(first_look_image, "rank_nearest_kind", both)
    found = look(request(tmp_path, data).quick())
    assert [one.first for one in found.images] == ranked
    assert all(set(one.scores) <= set(one.readings) and one.outlook for one in found.images)


def test_a_stopped_benchmark_keeps_the_images_that_are_finished(tmp_path: Path, data: Path) -> None:
    token = CancelToken()

    def stop_at_the_second(state: Progress) -> None:
        if "image 2" in state.message:
            token.cancel()

    with pytest.raises(Cancelled):
        run_first_look(request(tmp_path, data), report=stop_at_the_second, cancel=token)
    kept = (tmp_path / "first-look-images.jsonl").read_text().splitlines()
    assert [json.loads(line)["image"] for line in kept] == [0]


def test_an_earlier_result_is_compared_where_it_is_of_the_same_images(tmp_path: Path, data: Path) -> None:
    asked = request(tmp_path / "now", data)
    earlier = look(replace(asked, targets=(NUCLEI,)))
    before = tmp_path / "before.json"
    before.write_bytes((tmp_path / "now" / "first-look.json").read_bytes())

    told: list[str] = []
    found = look(replace(asked, against=before), lambda state: told.append(state.message))

    nuclei, neurites = found.rows
    assert (nuclei.before, nuclei.gain) == (earlier.rows[0].first, 0)
    assert (neurites.before, neurites.gain) == (None, None)
    assert any(message.startswith(NOTE) and NEURITES.key in message for message in told)
    assert "gain" in found.table()[1]
    assert "gain" not in earlier.table()[1]


def test_an_earlier_result_is_neither_written_over_nor_taken_for_what_it_is_not(
    tmp_path: Path, data: Path
) -> None:
    asked = replace(request(tmp_path / "out", data), targets=(NUCLEI,))
    (tmp_path / "out").mkdir()
    own = tmp_path / "out" / "first-look.json"
    own.write_text('{"made_by": "napari-graft", "rows": []}')
    with pytest.raises(InputError, match="earlier result"):
        look(replace(asked, against=own))
    other = tmp_path / "ranking.json"
    other.write_bytes(own.read_bytes())
    with pytest.raises(InputError, match=r"ranking\.json"):
        look(replace(asked, against=other))
    with pytest.raises(InputError, match="missing"):
        look(replace(asked, against=tmp_path / "nothing.json"))
    assert not (tmp_path / "out" / "first-look-images.jsonl").exists()


def test_a_row_holds_means_over_images_and_the_best_is_one_source() -> None:
    names = ("a", "b", "nuclei-fluorescence-all")
    results = [
        image_result(NUCLEI, dict(zip(names, (0.9, 0.2, 0.4), strict=True)), "a", diameter=18.0),
        image_result(NUCLEI, dict(zip(names, (0.1, 0.6, 0.5), strict=True)), "b", diameter=24.0, image=1),
    ]
    row = set_row(NUCLEI, results)

    assert (row.first, row.sources) == (pytest.approx(0.75), ("a", "b"))
    assert (row.best, row.best_source) == (pytest.approx(0.5), "a")
    assert row.median == pytest.approx(0.45)
    assert row.generalist == pytest.approx(0.45)
    assert (row.diameter, row.true_diameter, row.n_objects) == (21, 20, 60)


def test_what_is_judged_by_vi_is_best_where_it_is_low_and_gains_the_share_that_is_saved() -> None:
    row = set_row(NEURITES, [image_result(NEURITES, {"a": 0.6, "b": 0.3, "c": 1.0}, "a")])
    assert (row.score, row.best, row.best_source, row.median) == ("vi", 0.3, "b", 0.6)

    before = row.model_copy(update={"first": 0.8})
    (compared,) = compare([row], [before])
    assert compared.gain == pytest.approx(0.25)
    assert compare([row], [before.model_copy(update={"images": (3,)})]) == [row]


def test_medians_are_over_the_sets_of_one_score_that_have_the_figure() -> None:
    rows = [
        set_row(NUCLEI, [image_result(NUCLEI, {"a": value}, "a", otsu=otsu)])
        for value, otsu in ((0.2, None), (0.4, {"ap50": 0.5, "vi": 1.0}), (0.9, {"ap50": 0.7, "vi": 1.0}))
    ]
    neurites = set_row(NEURITES, [image_result(NEURITES, {"a": 0.3}, "a")])
    by_ap, by_vi = medians([*rows, neurites])
    assert (by_ap.score, by_ap.n_sets, by_ap.first, by_ap.otsu) == ("ap50", 3, 0.4, pytest.approx(0.6))
    assert (by_ap.generalist, by_ap.gain) == (None, None)
    assert (by_vi.score, by_vi.n_sets, by_vi.first) == ("vi", 1, 0.3)


def test_sets_are_chosen_by_name_with_or_without_structure_or_by_structure(tmp_path: Path) -> None:
    asked = FirstLookRequest(tmp_path, tmp_path)
    names = [target.key for target in asked.only(["mouse_ca1_fibsem", "isbi2012_vnc_sstem-neurites"]).targets]
    assert names == [
        "isbi2012_vnc_sstem-neurites",
        "mouse_ca1_fibsem-neurites",
        "mouse_ca1_fibsem-mitochondria",
    ]
    assert {target.structure for target in asked.only(["nuclei"]).targets} == {"nuclei"}
    with pytest.raises(InputError, match=r"'nucleus'.*nuclei_nih3t3_uneven-nuclei"):
        asked.only(["nucleus"])


def test_large_images_are_told_to_be_cut(tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("napari_graft.studies.targets.LONGEST_SIDE", 64)
    told: list[str] = []
    found = look(
        replace(request(tmp_path, data).quick(), targets=(NEURITES,)),
        lambda state: told.append(state.message),
    )
    assert found.rows[0].shape == (64, 64)
    assert any(message.startswith(NOTE) and "64 × 64 of 96 × 96" in message for message in told)


def test_the_command_prints_a_table_or_json(
    tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    target = next(one for one in FIRST_LOOK_TARGETS if one.key == "nuclei_u2os_coelho-nuclei")
    folder = tmp_path / "data" / target.name
    folder.mkdir(parents=True)
    for i in range(2):
        (folder / f"image_{i}.tif").symlink_to(data / NUCLEI.name / f"image_{i}.tif")
        (folder / f"labels_instances_{i}.tif").symlink_to(data / NUCLEI.name / f"labels_{i}.tif")
    words = ["benchmark", "first-look", "--sets", target.name, "--data", str(tmp_path / "data")]
    words += ["--out", str(tmp_path / "out")]

    code = run(words)
    out, err = capsys.readouterr()
    assert code == 0, err
    header, rule, row, medians_row = out.splitlines()
    assert header.startswith(
        "| target | score | n images | n objects | shape | first | sources | said | best "
    )
    assert header.count("|") == rule.count("|") == row.count("|") == medians_row.count("|")
    assert row.startswith(f"| {target.key} | ap50 | 2 | ")
    assert medians_row.startswith("| median of 1 by ap50 | ")

    assert run([*words, "--json"]) == 0
    out, _ = capsys.readouterr()
    assert json.loads(out)["rows"][0]["target"] == target.key
