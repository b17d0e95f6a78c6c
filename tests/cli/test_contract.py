"""What scripts rely on: the names of options and keys, one JSON document on stdout, progress on stderr."""

from __future__ import annotations

import contextlib
import io
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import imageio.v3 as iio
import numpy as np
import pytest
import tifffile
from in_process import EngineHere
from tiny_loop import SEEN_SET, make_sample, make_stack, train_quickly

from napari_graft.cli.app import run
from napari_graft.engine import client
from napari_graft.io import open_labels
from napari_graft.project.opening import open_project
from napari_graft.sources.catalogue import user_home

Graft = Callable[..., Any]


@dataclass(frozen=True)
class Loop:
    """A project that went once round the loop, with what the commands printed."""

    project: Path
    suggested: list[dict[str, Any]]
    trained: dict[str, Any]


def _quiet(*arguments: object) -> str:
    stdout = io.StringIO()
    with contextlib.redirect_stdout(stdout), contextlib.redirect_stderr(io.StringIO()) as stderr:
        code = run([str(argument) for argument in arguments])
    assert code == 0, stderr.getvalue()
    return stdout.getvalue()


@pytest.fixture(scope="module")
def loop(tmp_path_factory: pytest.TempPathFactory, image: Path, labels: Path) -> Loop:
    """Go through new, suggest, annotate and train, as a script would."""
    project = tmp_path_factory.mktemp("contract") / "cells.graft"
    size = ("--pixel-size", 250, 250, "--unit", "nm")
    assert _quiet("new", project, "--image", image, *size, "--structure", "nuclei") == ""
    suggested = json.loads(_quiet("suggest", project, "--n", 3, "--tile", 40, "--seed", 1, "--json"))
    assert _quiet("annotate", project, "--labels", labels) == ""
    options = ("--source", "tiny-nuclei", "--steps", 3, "--device", "cpu", "--seed", 0, "--json")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(client, "Engine", EngineHere)
        train_quickly(patch)
        return Loop(project, suggested, json.loads(_quiet("train", project, *options)))


def test_suggest_tells_where_and_why(loop: Loop) -> None:
    assert len(loop.suggested) == 3
    for row in loop.suggested:
        assert row.keys() == {"start", "shape", "score", "reason"}
        assert len(row["start"]) == 2
        assert row["shape"] == [40, 40]
        assert isinstance(row["score"], float)
        assert len(row["reason"].split()) > 2


def test_train_tells_what_it_did(loop: Loop) -> None:
    trained = loop.trained

    wanted = {"run", "source", "n_tiles", "steps", "seconds", "device", "stopped_by", "validation"}
    assert wanted <= trained.keys()
    assert (trained["run"], trained["source"], trained["n_tiles"]) == ("0001", "tiny-nuclei", 3)
    assert (trained["steps"], trained["device"], trained["stopped_by"]) == (3, "cpu", "steps")
    assert trained["seconds"] > 0
    assert all(isinstance(value, float) for value in trained["validation"].values())


def test_info_tells_what_a_project_holds(loop: Loop, graft: Graft, image: Path) -> None:
    known = graft("info", loop.project, "--json").document

    wanted = {
        "image",
        "shape",
        "axes",
        "pixel_size",
        "unit",
        "structure",
        "n_annotated_tiles",
        "runs",
        "budget",
        "work",
    }
    assert wanted <= known.keys()
    assert Path(known["image"]).samefile(image)
    assert (known["shape"], known["axes"]) == ([128, 128], "yx")
    assert (known["pixel_size"], known["unit"], known["structure"]) == ([250.0, 250.0], "nm", "nuclei")
    assert known["n_annotated_tiles"] == 3
    assert [run["id"] for run in known["runs"]] == ["0001"]
    assert known["budget"]["n_tiles"] == 3
    assert known["budget"]["fraction"] == pytest.approx(3 * 40 * 40 / 128**2)


def test_info_tells_of_an_image_that_is_missing_or_was_changed(graft: Graft, tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (64, 64), np.uint8)
    image, project = tmp_path / "a.tif", tmp_path / "p.graft"
    tifffile.imwrite(image, pixels)
    graft("new", project, "--image", image)
    states = [graft("info", project, "--json")]
    tifffile.imwrite(image, 255 - pixels)
    states.append(graft("info", project, "--json"))
    image.unlink()
    states.append(graft("info", project, "--json"))

    known = [one.document["image_state"] for one in states]
    assert known == ["found", "changed", "missing or not readable"]
    assert ["images relink" in one.err for one in states] == [False, True, True]


def test_info_reads_well_without_json(loop: Loop, graft: Graft) -> None:
    answer = graft("info", loop.project)

    assert answer.code == 0
    assert "n_annotated_tiles  3" in answer.out


def test_sources_are_listed_and_shown(graft: Graft) -> None:
    rows = graft("sources", "list", "--json").document

    wanted = {"id", "title", "structure", "species", "instrument", "pixel_size", "license", "origin"}
    assert [row["id"] for row in rows] == ["ancestor-generated", "tiny-neurites", "tiny-nuclei"]
    assert all(wanted <= row.keys() for row in rows)
    assert rows[2]["pixel_size"] == [250.0, 250.0]
    card = graft("sources", "show", "tiny-nuclei", "--json").document
    assert card["id"] == "tiny-nuclei"
    assert card["spec"]["widths"] == [8, 16]
    listed = graft("sources", "list")
    assert "tiny-nuclei" in listed.out
    weak = [row["title"] for row in rows if row["is_weak"]]
    assert all(
        row["is_weak"] == (row["validation"].get("ap50", 1) < 0.5)
        for row in rows
        if row["structure"] == "nuclei"
    )
    assert all(f"{title} *" in listed.out for title in weak) and ("* weak" in listed.err) == bool(weak)
    assert "CC0-1.0" not in graft("sources", "list", "--scores").out
    assert "CC0-1.0" in graft("sources", "show", "tiny-nuclei").out


def test_sources_are_ranked_best_first(loop: Loop, graft: Graft) -> None:
    answer = graft("rank", loop.project, "--json")

    wanted = {"source", "mmd2", "z", "p_value", "consistency", "few_shot", "verdict"}
    assert [row["source"] for row in answer.document] == ["tiny-nuclei", "tiny-neurites"]
    assert all(wanted <= row.keys() for row in answer.document)
    assert {row["verdict"] for row in answer.document} <= {"like its own data", "near", "far"}
    assert "comparing the image with the sources" in answer.err
    without = graft("rank", loop.project, "--exclude", "tiny-nuclei", "--json").document
    assert [row["source"] for row in without] == ["tiny-neurites"]


def test_sources_that_have_seen_the_image_are_left_out_and_named(
    graft: Graft, tmp_path: Path, image: Path
) -> None:
    (tmp_path / SEEN_SET).mkdir()
    copy = shutil.copy(image, tmp_path / SEEN_SET)
    assert graft("new", tmp_path / "p.graft", "--image", copy, "--structure", "neurites").code == 0

    answer = graft("rank", tmp_path / "p.graft", "--json")
    all_of_them = graft("rank", tmp_path / "p.graft", "--include-seen", "--json")

    assert [row["source"] for row in answer.document] == ["tiny-nuclei"]
    (note,) = (line for line in answer.err.splitlines() if line.startswith("note: "))
    assert "tiny-neurites" in note
    assert "--include-seen" in note
    assert [row["source"] for row in all_of_them.document] == ["tiny-neurites", "tiny-nuclei"]
    assert "left out" not in all_of_them.err


def test_ranking_reads_well_without_json(loop: Loop, graft: Graft) -> None:
    answer = graft("rank", loop.project)

    assert answer.code == 0
    assert answer.out.index("tiny-nuclei") < answer.out.index("tiny-neurites")


def test_plan_proposes_and_names_the_next_command(loop: Loop, graft: Graft) -> None:
    spending = ("--tiles", 8, "--time-budget", "9m")
    plan = graft("plan", loop.project, *spending, "--json").document

    wanted = {
        "shortlist",
        "n_tiles",
        "seconds_each",
        "n_tiles_left",
        "seconds_left",
        "reasons",
        "n_annotated",
    }
    assert plan.keys() == wanted | {"next"}
    assert plan["shortlist"] == ["tiny-nuclei"]  # the other one segments neurites
    assert (plan["n_tiles"], plan["n_annotated"], plan["seconds_each"]) == (3, 3, pytest.approx(180))
    assert plan["next"].split()[:2] == ["napari-graft", "trial"]
    words = graft("plan", loop.project, "--tiles", 30)
    assert "tiny-nuclei" in words.out
    assert f"next: napari-graft suggest {loop.project} --n 3" in words.out


@pytest.mark.usefixtures("engine_here")
def test_trial_tells_who_won_and_how_to_go_on(loop: Loop, graft: Graft, tmp_path: Path) -> None:
    project = tmp_path / "p.graft"
    shutil.copytree(loop.project, project)
    sources = ("--sources", "tiny-neurites", "tiny-nuclei", "--steps", 1, "--device", "cpu")

    trial = graft("trial", project, *sources, "--json").document

    assert trial.keys() == {"sources", "n_tiles", "measure", "outcomes", "winner", "run", "kept", "next"}
    assert [one["source"] for one in trial["outcomes"]] == ["tiny-neurites", "tiny-nuclei"]
    wanted = {"title", "score", "loss", "score_untouched", "loss_untouched", "steps", "seconds", "source"}
    assert all(one.keys() == wanted and one["steps"] == 1 for one in trial["outcomes"])
    assert (trial["winner"], trial["run"]) == ("tiny-nuclei", "0002")
    assert [run["id"] for run in graft("info", project, "--json").document["runs"]] == ["0001", "0002"]
    words = graft("trial", project, "--steps", 1, "--device", "cpu")
    assert words.code == 0, words.err
    assert "winner" in words.out
    assert f"next: napari-graft train {project} --source" in words.out


@pytest.mark.usefixtures("engine_here")
@pytest.mark.parametrize("method", ["kernel", "average"])
def test_merge_makes_a_run_and_tells_what_is_left_of_each(
    loop: Loop, graft: Graft, tmp_path: Path, method: str
) -> None:
    project = tmp_path / "p.graft"
    shutil.copytree(loop.project, project)
    asked = ("merge", project, "--sources", "tiny-nuclei", "tiny-neurites", "--steps", 2, "--device", "cpu")

    merged = graft(*asked, "--method", method, "--json").document

    assert merged.keys() >= {
        "run",
        "source",
        "n_tiles",
        "steps",
        "seconds",
        "device",
        "stopped_by",
        "validation",
    }
    assert (merged["run"], merged["method"]) == ("0002", method)
    assert merged["sources"] == list(merged["shares"]) == ["tiny-nuclei", "tiny-neurites"]
    assert sum(merged["shares"].values()) == pytest.approx(1)
    assert {"encoder.0.first", "decoder.0.second"} <= {layer["name"] for layer in merged["layers"]}
    runs = graft("info", project, "--json").document["runs"]
    assert [run["id"] for run in runs] == ["0001", "0002"]
    words = graft(*asked, "--method", method, "--seed", 1)
    assert words.code == 0, words.err
    assert "per cent of the filters" in words.out
    assert (
        graft("predict", project, "--run", "0002", "--out", tmp_path / "s.tif", "--device", "cpu").code == 0
    )


def test_merge_refuses_in_words(loop: Loop, graft: Graft) -> None:
    alone = graft("merge", loop.project, "--sources", "tiny-nuclei", "--steps", 1)
    assert alone.refuses("two sources or more")
    unknown = graft("merge", loop.project, "--sources", "tiny-nuclei", "tiny-nucleus", "--steps", 1)
    assert unknown.refuses("no source is called 'tiny-nucleus'")
    blend = graft("merge", loop.project, "--sources", "tiny-nuclei", "tiny-neurites", "--method", "blend")
    assert blend.refuses("'blend'", "kernel")


def test_trial_says_what_to_annotate_first(graft: Graft, tmp_path: Path, image: Path) -> None:
    project = tmp_path / "p.graft"
    assert graft("new", project, "--image", image, "--structure", "nuclei").code == 0
    assert graft("trial", project).refuses("no tile is annotated", f"suggest {project} --n 2")

    assert graft("suggest", project, "--n", 2, "--tile", 40, "--strategy", "random").code == 0
    assert graft("trial", project).refuses("no tile is annotated", "annotate those suggested", "annotate")


def test_comparing_writes_pictures_and_names_them(loop: Loop, graft: Graft, tmp_path: Path) -> None:
    answer = graft(
        "compare", loop.project, "--sources", "tiny-nuclei", f"{loop.project}:0001", "--out", tmp_path / "out"
    )

    assert answer.code == 0
    files = answer.out.split()
    assert files
    assert all(iio.imread(file).ndim == 3 for file in files)


def test_predict_writes_the_file_and_nothing_to_stdout(loop: Loop, graft: Graft, tmp_path: Path) -> None:
    whole, part = tmp_path / "whole.zarr", tmp_path / "part.tif"

    answer = graft(
        "predict", loop.project, "--run", "0001", "--out", whole, "--uncertainty", tmp_path / "u.tif"
    )
    region = graft(
        "predict", loop.project, "--source", "tiny-neurites", "--out", part, "--region", "8:72,0:128"
    )

    assert (answer.code, answer.out) == (0, ""), answer.err
    assert (region.code, region.out) == (0, ""), region.err
    assert open_labels(whole).shape == (128, 128)
    assert open_labels(part).shape == (64, 128)
    assert tifffile.imread(tmp_path / "u.tif").shape == (128, 128)


def test_export_writes_what_predict_found_and_tells_how_much_that_is(
    loop: Loop, graft: Graft, tmp_path: Path
) -> None:
    whole = tmp_path / "whole.zarr"
    assert graft("predict", loop.project, "--run", "0001", "--out", whole).code == 0
    n_objects = int(np.count_nonzero(np.unique(np.asarray(open_labels(whole).data[:, :]))))

    told = graft("export", loop.project, "--to", "csv", "--out", tmp_path / "a.csv", "--json").document
    plain = graft("export", whole, "--to", "tiff", "--out", tmp_path / "a.tif")
    text = graft(
        "export", loop.project, "--to", "methods", "--run", "1", "--out", tmp_path / "a.txt", "--json"
    )

    assert told == {"path": str(tmp_path / "a.csv"), "to": "csv", "n_objects": n_objects}
    assert len((tmp_path / "a.csv").read_text().splitlines()) == n_objects + 1
    assert (plain.code, plain.out) == (0, ""), plain.err
    assert f"a.tif: {n_objects} objects" in plain.err.replace("\n", "")
    assert text.document["n_objects"] is None
    assert graft("export", whole, "--to", "mesh", "--out", tmp_path / "a.obj").refuses("2-D", "--to coco")


def test_predict_gives_the_blocks_to_the_workers_of_a_scheduler(
    loop: Loop, graft: Graft, tmp_path: Path
) -> None:
    distributed = pytest.importorskip("distributed")
    here, there = tmp_path / "here.tif", tmp_path / "there.tif"
    assert graft("predict", loop.project, "--out", here).code == 0

    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, host="127.0.0.1", dashboard_address="127.0.0.1:0"
    ) as cluster:
        answer = graft("predict", loop.project, "--out", there, "--scheduler", cluster.scheduler_address)

    assert (answer.code, answer.out) == (0, ""), answer.err
    np.testing.assert_array_equal(tifffile.imread(there), tifffile.imread(here))
    wrong = graft("predict", loop.project, "--out", tmp_path / "no.tif", "--scheduler", "cluster-42")
    assert wrong.refuses("cluster-42", "dask scheduler")


def test_evaluate_gives_the_scores(graft: Graft, labels: Path) -> None:
    scores = graft("evaluate", labels, labels, "--json").document

    wanted = {"vi", "vi_split", "vi_merge", "arand", "ap50", "ap", "f1_50", "dice", "n_true", "n_predicted"}
    assert scores.keys() == wanted
    assert (scores["vi"], scores["ap"], scores["dice"]) == (0.0, 1.0, 1.0)
    assert scores["n_true"] == scores["n_predicted"] > 3
    assert "ap50" in graft("evaluate", labels, labels).out


def test_evaluate_takes_stacks_slice_by_slice(graft: Graft, tmp_path: Path) -> None:
    truth = np.stack([make_sample((64, 64), seed).segments for seed in range(3)])
    renamed = np.stack([np.where(plane > 0, plane + 10 * i, 0) for i, plane in enumerate(truth)])
    for name, stack in (("truth", truth), ("found", renamed.astype(np.uint32))):
        tifffile.imwrite(tmp_path / f"{name}.tif", stack, metadata={"axes": "ZYX"})
    files = (tmp_path / "found.tif", tmp_path / "truth.tif")

    assert graft("evaluate", *files, "--per-slice", "--json").document["vi"] == 0
    assert graft("evaluate", *files, "--json").document["vi_split"] > 0


def test_a_run_is_exported_and_added_as_a_source(loop: Loop, graft: Graft, tmp_path: Path) -> None:
    file = tmp_path / "cells.graftsource"

    assert graft("sources", "export", f"{loop.project}:0001", "--out", file).code == 0
    shown = graft("sources", "show", file, "--json").document
    assert shown["provenance"]["parent"] == "tiny-nuclei"
    added = graft("sources", "add", file)
    assert (added.code, added.out) == (0, "")
    listed = {row["id"]: row for row in graft("sources", "list", "--json").document}
    assert listed[shown["id"]]["origin"] == "user"
    shutil.rmtree(user_home() / "sources" / shown["id"])


def test_a_source_is_trained_from_a_recipe(graft: Graft, tmp_path: Path) -> None:
    sample = make_stack(10, 96)
    tifffile.imwrite(tmp_path / "image.tif", sample.image)
    tifffile.imwrite(tmp_path / "labels.tif", sample.segments)
    (tmp_path / "tiny.yaml").write_text(
        """
id: tiny-recipe
title: A tiny source
structure: nuclei
license: CC0-1.0
spec: {widths: [8, 16]}
images: [{image: image.tif, labels: labels.tif}]
schedule: {steps: 2, patch: 64, batch_size: 1}
"""
    )

    answer = graft("sources", "train", tmp_path / "tiny.yaml", "--out", tmp_path / "made", "--device", "cpu")

    assert (answer.code, answer.out) == (0, ""), answer.err
    made = graft("sources", "show", tmp_path / "made", "--json").document
    assert made["training"]["steps"] == 2
    again = graft("sources", "train", tmp_path / "tiny.yaml", "--out", tmp_path / "made", "--rescore")
    assert (again.code, again.out) == (0, ""), again.err
    assert "measured tiny-recipe" in again.err
    assert graft("sources", "show", tmp_path / "made", "--json").document == made


def test_tiles_can_be_named_by_a_file_and_be_sparse(
    graft: Graft, tmp_path: Path, image: Path, labels: Path
) -> None:
    project = tmp_path / "p.graft"
    assert graft("new", project, "--image", image).code == 0
    rows = [{"start": [0, 0], "shape": [64, 64], "score": 1.0, "reason": "as suggest prints it"}]
    (tmp_path / "tiles.json").write_text(json.dumps(rows))

    answer = graft("annotate", project, "--labels", labels, "--tiles", tmp_path / "tiles.json", "--sparse")

    assert (answer.code, answer.out) == (0, ""), answer.err
    with open_project(project) as opened:
        (tile,) = opened.annotations.labelled_tiles()
    assert not tile.complete
    np.testing.assert_array_equal(tile.labels, tifffile.imread(labels)[:64, :64])


def test_an_unknown_pixel_size_is_told_once(graft: Graft, tmp_path: Path, image: Path) -> None:
    answer = graft("new", tmp_path / "p.graft", "--image", image)

    assert answer.code == 0
    assert answer.err.count("pixel size is unknown") == 1
