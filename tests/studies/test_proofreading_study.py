"""A scripted person corrects results; the table says what the curves hold, and goes on where it stopped."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import tifffile
from tiny_loop import SEEN_SET, make_sample

from napari_graft.core.errors import InputError
from napari_graft.core.progress import CancelToken, ignore_progress
from napari_graft.proofreading.affinity_map import AffinityMap
from napari_graft.studies.proofreading.cases import CASES, CaseResult, ProofreadingCase
from napari_graft.studies.proofreading.scripted_proofreader import (
    ORDERS,
    ScriptedProofreader,
    error_of,
    least_error,
)
from napari_graft.studies.proofreading.study import ProofreadingRequest, run_proofreading
from napari_graft.studies.targets import LabelledSet

SET = LabelledSet("tiny_set", "image.tif", "labels.tif", "nuclei", (250, 250))
SEEN = LabelledSet(SEEN_SET, "image.tif", "labels.tif", "nuclei", (250, 250))
OFFSETS = ((-1, 0), (0, -1))


def make_result() -> CaseResult:
    """Return four true objects: two found as one, one in two pieces, and one where there is none."""
    truth = np.zeros((60, 60), np.uint32)
    for number, (row, column) in enumerate(((4, 4), (4, 18), (30, 4), (30, 36)), 1):
        truth[row : row + 12, column : column + 12] = number
    labels = np.where(truth == 2, 1, truth)
    labels[4:16, 16:18] = 1  # a bridge
    labels[30:42, 10:16] = 7  # the other half of 3
    labels[48:56, 48:56] = 8  # nothing is there
    values = [
        np.where((truth == np.roll(truth, 1, axis)) & (truth > 0), 0.95, 0.05).astype(np.float32)
        for axis in range(2)
    ]
    return CaseResult(labels, truth, AffinityMap(np.stack(values), OFFSETS))


def a_person(n_wrong: float = 0.0) -> ScriptedProofreader:
    return ScriptedProofreader(make_result(), "nuclei", np.random.default_rng(0), n_wrong)


@pytest.mark.parametrize("order", ORDERS)
def test_who_never_errs_leaves_nothing_that_is_looked_at_wrong(order: str) -> None:
    person = a_person()
    start = person.error
    for _ in ORDERS[order](person):
        pass
    actions, minutes = zip(*(point[:2] for point in person.curve), strict=True)
    assert list(actions) == sorted(actions) and list(minutes) == sorted(minutes)
    assert person.error < start
    assert person.error == error_of(person.objects.labels, person.result.truth, "nuclei")
    if order == "objects":
        assert person.error == least_error(make_result(), "nuclei", np.random.default_rng(1)) == 0


def test_a_cut_costs_a_click_in_each_part_and_one_to_confirm() -> None:
    person = a_person()
    person.examine(1)
    assert person.n_actions == 3
    assert len(np.unique(person.objects.labels[person.result.truth == 1])) == 1
    person.examine(8)
    assert person.n_actions == 4 and 8 not in person.objects.ids()
    person.answer(3, 7)
    assert person.n_actions == 5 and person.objects.labels[35, 14] == 3
    person.examine(4)
    assert person.n_actions == 6 and person.error == 0


def test_who_always_errs_answers_the_other_way() -> None:
    person = a_person(1.0)
    person.answer(3, 7)
    assert person.objects.labels[35, 14] == 7
    person.answer(3, 4)
    assert person.objects.labels[35, 40] == 3


def test_a_true_object_is_painted_in_strokes() -> None:
    person = a_person()
    person.paint(2)
    assert person.n_actions == 1
    assert np.unique(person.objects.labels[person.result.truth == 2]).size == 1
    person.paint(4)  # it is right
    assert person.n_actions == 1


@pytest.fixture
def data(tmp_path: Path) -> Path:
    sample = make_sample()
    for one in (SET, SEEN):
        (tmp_path / "data" / one.name).mkdir(parents=True)
        tifffile.imwrite(tmp_path / "data" / one.name / "image.tif", sample.image)
        tifffile.imwrite(tmp_path / "data" / one.name / "labels.tif", sample.segments)
    return tmp_path / "data"


def test_all_orders_are_run_once_and_kept(tmp_path: Path, data: Path) -> None:
    case = ProofreadingCase(SET, "tiny-nuclei", (0, 0), (96, 96))
    request = ProofreadingRequest(tmp_path / "out", data, (case,), n_seeds=1)
    (row,) = run_proofreading(request, report=ignore_progress, cancel=CancelToken())
    kept = tmp_path / "out" / "proofreading-runs.jsonl"
    before = kept.read_bytes()

    assert run_proofreading(request, report=ignore_progress, cancel=CancelToken()) == [row]

    assert kept.read_bytes() == before
    document = json.loads((tmp_path / "out" / "proofreading.json").read_text())
    assert document["rows"] == [row]
    assert [run["order"] for run in document["runs"]] == list(ORDERS)
    by_order = {run["order"]: run for run in document["runs"]}
    assert row["queue_actions"] == by_order["queue"]["half_actions"]
    assert row["start"] == by_order["random"]["curve"][0][2]


def test_a_source_that_knows_the_set_is_refused(tmp_path: Path, data: Path) -> None:
    case = ProofreadingCase(SEEN, "tiny-neurites", (0, 0), (96, 96))
    request = ProofreadingRequest(tmp_path / "out", data, (case,), n_seeds=1)
    with pytest.raises(InputError, match="was trained on"):
        run_proofreading(request, report=ignore_progress, cancel=CancelToken())


def test_the_results_of_the_benchmark_are_2d_and_3d() -> None:
    n_axes = [sum(n > 1 for n in case.shape) for case in CASES]
    assert n_axes.count(2) >= 4 and n_axes.count(3) >= 2
    assert len({case.key for case in CASES}) == len(CASES)
