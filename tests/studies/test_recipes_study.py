from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from tiny_loop import write_stack_set

from napari_graft.cli.app import run as run_command
from napari_graft.core.errors import Cancelled, InputError
from napari_graft.core.progress import CancelToken, Progress, ignore_progress
from napari_graft.studies.label_efficiency.arms import ArmPlan
from napari_graft.studies.recipes import study
from napari_graft.studies.recipes.parts import PARTS, QUICK_PARTS, USUAL
from napari_graft.studies.recipes.study import RecipesRequest, run_recipes
from napari_graft.studies.recipes.table import RecipeCell, gains_of, table
from napari_graft.studies.targets import LabelledSet, collection_of
from napari_graft.training.fine_tuning import FineTuning

STACK = LabelledSet("tiny_stack", "image.tif", "labels.tif", "nuclei", (250, 250, 250))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_stack_set(tmp_path_factory.mktemp("data"), STACK.name)


def request(out: Path, data: Path) -> RecipesRequest:
    plan = ArmPlan(steps=1, tile=48)
    parts = (USUAL, "mean teacher", "copy-paste")
    return RecipesRequest(out, data, 1, (STACK,), 1, parts, plan, least_objects=1)


@pytest.mark.usefixtures("quick_training")
def test_each_part_is_compared_with_the_usual_training_and_goes_on_where_it_was_stopped(
    tmp_path: Path, data: Path
) -> None:
    asked, token = request(tmp_path, data), CancelToken()

    def stop(state: Progress) -> None:
        if state.message.endswith("copy-paste"):
            token.cancel()

    with pytest.raises(Cancelled):
        run_recipes(asked, report=stop, cancel=token)
    kept = (tmp_path / "recipes-cells.jsonl").read_text().splitlines()
    assert [json.loads(line)["part"] for line in kept] == [USUAL, "mean teacher"]

    rows = run_recipes(asked, report=ignore_progress, cancel=CancelToken())
    lines = (tmp_path / "recipes-cells.jsonl").read_text().splitlines()
    assert lines[:2] == kept
    assert len(lines) == 3
    assert sorted(str(row["part"]) for row in rows) == ["copy-paste", "mean teacher"]
    assert {row["finding"] for row in rows} == {"no finding"}, "one target proves nothing"
    written = json.loads((tmp_path / "recipes.json").read_text())
    assert written["rows"] == rows
    assert written["settings"]["parts"]["copy-paste"]["copy_paste"] == 0.5
    assert len({json.loads(line)["source"] for line in lines}) == 1


@pytest.mark.usefixtures("quick_training")
def test_a_part_with_other_settings_is_tried_anew(
    tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = replace(request(tmp_path, data), parts=(USUAL,))
    run_recipes(asked, report=ignore_progress, cancel=CancelToken())
    monkeypatch.setattr(study, "PARTS", {USUAL: FineTuning(learning_rate=0.5)})
    run_recipes(asked, report=ignore_progress, cancel=CancelToken())
    tunings = [
        json.loads(json.loads(line)["tuning"])["learning_rate"]
        for line in (tmp_path / "recipes-cells.jsonl").read_text().splitlines()
    ]
    assert tunings == [None, 0.5]


def cell(part: str, quality: float, target: str = "a-nuclei", seed: int = 0) -> RecipeCell:
    scores = {"vi": -quality if target.endswith("neurites") else 0.0, "ap": quality}
    return RecipeCell(
        target=target,
        seed=seed,
        part=part,
        tuning="{}",
        n_tiles=4,
        steps=1,
        tile=None,
        source="a",
        scores=scores,
        share=0.5,
        trained_steps=1,
        seconds=1.0,
        version="0",
    )


def test_gains_are_shares_of_the_usual_score_with_the_same_tiles() -> None:
    found = [
        cell(USUAL, 0.5),
        cell("x", 0.6),
        cell(USUAL, 0.8, seed=1),
        cell("x", 0.8, seed=1),
        cell(USUAL, -0.4, "b-neurites"),
        cell("x", -0.5, "b-neurites"),
        cell("x", 0.9, "c-nuclei"),  # of which the usual training is not there yet
    ]
    gains = gains_of(found, "x")
    assert {one: [round(gain, 3) for gain in of] for one, of in gains.items()} == {
        "a-nuclei": [0.2, 0.0],
        "b-neurites": [-0.25],
    }
    (row,) = table(found)
    assert (row["n targets"], row["n"], row["better"], row["worse"]) == (2, 3, 1, 1)
    assert row["gain"] == pytest.approx((0.1 - 0.25) / 2)
    assert row["finding"] == "no finding"


def test_what_gains_on_every_target_is_found_and_the_best_comes_first() -> None:
    found = [
        cell(part, 0.5 + gain, f"t{n}-nuclei")
        for n in range(8)
        for part, gain in ((USUAL, 0.0), ("harm", -0.1 - 0.01 * n), ("gain", 0.1 + 0.01 * n))
    ]
    rows = table(found)
    assert [(row["part"], row["finding"]) for row in rows] == [("gain", "better"), ("harm", "worse")]
    assert float(str(rows[0]["low"])) > 0


def test_the_request_names_what_it_can_be_asked_for(tmp_path: Path) -> None:
    made = RecipesRequest(tmp_path, tmp_path)
    assert made.parts[0] == USUAL
    assert set(QUICK_PARTS) <= set(PARTS)
    assert PARTS[USUAL] == FineTuning()
    assert len({collection_of(one.name)[0] for one in made.targets}) == len(made.targets) == 6
    assert {one.structure for one in made.only(["nuclei"]).targets} == {"nuclei"}
    with pytest.raises(InputError, match="no set is called moon"):
        made.only(["moon"])
    with pytest.raises(InputError, match="0 seeds"):
        replace(made, n_seeds=0)
    assert made.quick().parts == QUICK_PARTS


@pytest.mark.usefixtures("quick_training")
def test_the_command_prints_the_table(
    tmp_path: Path, data: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = replace(request(tmp_path / "out", data), parts=(USUAL, "rate 0.0003"))

    def small(out: Path, data: Path, n_seeds: int, **more: object) -> RecipesRequest:
        return replace(made, out=out, data=data, n_seeds=n_seeds, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(study, "RecipesRequest", small)
    options = ["--seeds", "1", "--data", str(data), "--out", str(tmp_path / "out")]
    code = run_command(["benchmark", "recipes", *options])
    out, err = capsys.readouterr()
    assert code == 0, err
    assert out.splitlines()[0].startswith("| part | n targets | n | gain ")
    assert out.splitlines()[2].startswith("| rate 0.0003 | 1 | 1 | ")
