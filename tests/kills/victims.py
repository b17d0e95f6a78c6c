"""The jobs that are killed, and what must be there afterwards."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from ground import Victim, is_whole, opened, said
from painting import N_STROKES, SIDE, STARTS, labels_after

from napari_graft.core.tile import Tile
from napari_graft.io import open_labels
from napari_graft.project.opening import open_project
from napari_graft.project.run import Run
from napari_graft.sources.catalogue import Catalogue
from napari_graft.sources.source import open_source

CPU = ("--device", "cpu")
BOTH = ("tiny-neurites", "tiny-nuclei")


def _last_run(root: Path) -> Run | None:
    """Return the run beside the one that was there before."""
    with opened(root) as project:
        runs = project.runs.all()
    assert len(runs) <= 2
    return runs[1] if len(runs) == 2 else None


def _look_at_training(root: Path) -> Run | None:
    run, result = _last_run(root), said(root)
    if result is not None and "run" in result:  # what was reported is there
        assert run is not None
        assert is_whole(run)
        assert result["run"] == run.id
    return run


def _check_training(root: Path, undisturbed: Path, left: Run | None) -> None:
    result = said(root)
    goes_on = left is not None and not left.is_finished
    expected = "0003" if left is not None and left.is_finished else "0002"
    assert (result["run"], result["resumed"]) == (expected, goes_on)
    with opened(root) as project, opened(undisturbed) as whole:
        run, reference = project.runs.get(expected), whole.runs.get("0002")
        assert (run.record.steps, run.record.stopped_by) == (reference.record.steps, "steps")
        assert run.record.validation.keys() - {"loss_previous"} >= {"loss", "vi", "loss_source"}
        if run.record.source == reference.record.source:
            _assert_same_weights(run, reference)


def _look_at_preparing(root: Path) -> Run | None:
    with opened(root) as project:
        prepared = project.runs.prepared()
    result = said(root)
    assert len(prepared) <= 1
    if result is not None and "run" in result:
        assert is_whole(prepared[0])
    return prepared[0] if prepared else None


def _check_preparing(root: Path, undisturbed: Path, left: Run | None) -> None:
    result = said(root)
    goes_on = left is not None and not left.is_finished
    expected = "p0002" if left is not None and left.is_finished else "p0001"
    assert (result["run"], result["resumed"]) == (expected, goes_on)
    with opened(root) as project, opened(undisturbed) as whole:
        run, reference = project.runs.get(expected), whole.runs.get("p0001")
        assert (run.record.steps, run.record.stopped_by) == (4, "steps")
        assert run.record.pretraining is not None
        assert reference.record.pretraining is not None
        steps = [moment.step for moment in run.record.pretraining.history]
        assert steps == [moment.step for moment in reference.record.pretraining.history]
        _assert_same_weights(run, reference)


def _check_bridge(root: Path, undisturbed: Path, left: Run | None) -> None:
    _check_training(root, undisturbed, left)
    result = said(root)
    with opened(root) as project:
        assert project.runs.get(result["run"]).record.spec.translator is not None
    if result["kept"]:
        assert open_source(root / "home" / "sources" / result["source"], "user").load_weights()


def _assert_same_weights(run: Run, reference: Run) -> None:
    weights = run.load_weights()
    for name, value in reference.load_weights().items():
        np.testing.assert_allclose(weights[name], value, atol=1e-5)


def _look_at_trial(root: Path) -> tuple[Run | None, bool]:
    run = _last_run(root)
    assert run is None or run.is_finished or not run.record.history
    with opened(root) as project:
        stored = project.trial.load()
    return run, stored is not None and stored.winner is not None


def _check_trial(root: Path, undisturbed: Path, left: tuple[Run | None, bool]) -> None:
    result, is_complete = said(root), left[1]
    # One that was complete is another trial, unless its trainings were there still.
    assert result["run"] in (("0002", "0003") if is_complete else ("0002",))
    with opened(root) as project, opened(undisturbed) as whole:
        assert [is_whole(one) for one in project.runs.all()] == [True] * int(result["run"])
        _assert_same_weights(project.runs.get(result["run"]), whole.runs.get("0002"))
        assert not (root / "p.graft" / "runs" / "trial").exists()


def _segments(root: Path, name: str) -> np.ndarray:
    volume = open_labels(str(root / name))
    return np.asarray(volume.read_raw(Tile((0,) * len(volume.shape), volume.shape)))


def _prediction(name: str) -> Victim:
    def check(root: Path, undisturbed: Path, left: Any) -> None:
        np.testing.assert_array_equal(_segments(root, name), _segments(undisturbed, name))
        assert sorted(path.name for path in root.glob("*.partial")) == []

    return Victim(
        lambda root: ("predict", root / "p.graft", "--out", root / name, *CPU),
        check,
        is_done=lambda root: (root / name).exists(),
    )


def _check_same_words(root: Path, undisturbed: Path, left: Any) -> None:
    assert said(root) == said(undisturbed)


def _look_at_suggestions(root: Path) -> None:
    with opened(root) as project:
        assert len(project.suggestions().suggestions) in (0, 2)
        assert said(root) is None or len(project.suggestions().suggestions) == 2


def _check_annotations(root: Path, undisturbed: Path, left: Any) -> None:
    with opened(root) as project, opened(undisturbed) as whole:
        wanted = {one.tile: one.labels for one in whole.annotations.labelled_tiles()}
        found = {one.tile: one.labels for one in project.annotations.labelled_tiles()}
        assert found.keys() == wanted.keys()
        for tile, labels in wanted.items():
            np.testing.assert_array_equal(found[tile], labels)


def _check_painting(root: Path) -> None:
    told = [json.loads(line) for line in (root / "out.txt").read_text().splitlines() if line.endswith("]")]
    with opened(root) as project:
        annotated = project.annotations.tiles()
        for start in STARTS:
            tile = Tile(start, (SIDE, SIDE))
            strokes = [entry[2] for entry in told if entry[:2] == ["stroke", list(start)]]
            if tile in annotated:
                np.testing.assert_array_equal(project.annotations.read(tile).labels, labels_after(N_STROKES))
                continue
            assert ["accepted", list(start)] not in told
            draft = project.draft(tile).restore()
            assert draft is not None or not strokes
            if draft is not None:  # it may be one stroke further than was told
                last = max(strokes, default=0)
                assert any(np.array_equal(draft, labels_after(one)) for one in (last, last + 1))


def _check_all_painted(root: Path, undisturbed: Path, left: None) -> None:
    _check_annotations(root, undisturbed, left)
    with opened(root) as project:
        assert project.drafts() == []


def _check_source(place: str) -> Any:
    def check(root: Path, undisturbed: Path, left: Any) -> None:
        found, wanted = open_source(root / place, "user"), open_source(undisturbed / place, "user")
        for name, value in wanted.load_weights().items():
            np.testing.assert_array_equal(found.load_weights()[name], value)
        assert found.load_fingerprint() is not None
        assert {path.name for path in (root / place).iterdir()} == {
            path.name for path in (undisturbed / place).iterdir()
        }

    return check


def _added(root: Path) -> str:
    """Return the folder of the one source that was added, empty where there is none."""
    folders = [path for path in (root / "home" / "sources").glob("[!.]*") if (path / "card.json").is_file()]
    return folders[0].name if folders else ""


def _check_added(root: Path, undisturbed: Path, left: Any) -> None:
    _check_source(f"home/sources/{_added(root)}")(root, undisturbed, left)


def _check_export(root: Path, undisturbed: Path, left: Any) -> None:
    name = "out.graftsource"
    found, wanted = (Catalogue().get(str(folder / name)) for folder in (root, undisturbed))
    for layer, value in wanted.load_weights().items():
        np.testing.assert_array_equal(found.load_weights()[layer], value)


def _check_new_project(root: Path, undisturbed: Path, left: Any) -> None:
    with open_project(root / "q.graft", write=True) as project:
        assert project.volume.shape == (64, 64)


def _check_demo(root: Path, undisturbed: Path, left: Any) -> None:
    assert json.loads((root / "demo" / "report.json").read_text())["rounds"]


STEPS = ("--steps", "4", *CPU, "--json")
VICTIMS = {
    "train": Victim(
        lambda root: ("train", root / "p.graft", "--source", "tiny-nuclei", *STEPS),
        _check_training,
        _look_at_training,
    ),
    "train best": Victim(
        lambda root: ("train", root / "p.graft", *STEPS), _check_training, _look_at_training
    ),
    "train latest": Victim(
        lambda root: ("train", root / "p.graft", "--source", "latest", *STEPS),
        _check_training,
        _look_at_training,
    ),
    "train PROJECT:RUN": Victim(
        lambda root: ("train", root / "p.graft", "--source", f"{root / 'p.graft'}:1", *STEPS),
        _check_training,
        _look_at_training,
    ),
    "merge": Victim(
        lambda root: ("merge", root / "p.graft", "--sources", *BOTH, "--steps", "6", *CPU, "--json"),
        _check_training,
        _look_at_training,
    ),
    "merge average": Victim(
        lambda root: (
            *("merge", root / "p.graft", "--sources", *BOTH, "--method", "average"),
            *STEPS,
        ),
        _check_training,
        _look_at_training,
    ),
    "pretrain": Victim(
        lambda root: (
            *("pretrain", root / "p.graft", "--source", "tiny-nuclei", "--replay", "distillation"),
            *STEPS,
        ),
        _check_preparing,
        _look_at_preparing,
    ),
    "bridge": Victim(
        lambda root: (
            *("bridge", root / "p.graft", "--source", "tiny-nuclei", "--pairs", root / "rims"),
            *(root / "filled", *STEPS),
        ),
        _check_bridge,
        _look_at_training,
    ),
    "trial": Victim(
        lambda root: ("trial", root / "p.graft", "--sources", *BOTH, "--steps", "2", *CPU, "--json"),
        _check_trial,
        _look_at_trial,
    ),
    "predict": _prediction("out.tif"),
    "predict zarr": _prediction("out.zarr"),
    "rank": Victim(lambda root: ("rank", root / "p.graft", *CPU, "--json"), _check_same_words),
    "suggest": Victim(
        lambda root: ("suggest", root / "p.graft", "--n", "2", "--tile", "32", "--json"),
        _check_same_words,
        _look_at_suggestions,
    ),
    "annotate": Victim(
        lambda root: (
            *("annotate", root / "p.graft", "--labels", root / "labels.tif"),
            *("--tiles", root / "tiles.json"),
        ),
        _check_annotations,
    ),
    "paint": Victim(lambda root: ("paint", root / "p.graft"), _check_all_painted, _check_painting),
    "sources train": Victim(
        lambda root: ("sources", "train", root / "tiny.yaml", "--out", root / "tiny", *CPU),
        _check_source("tiny"),
    ),
    "sources add": Victim(
        lambda root: ("sources", "add", root / "made.graftsource"),
        _check_added,
        is_done=lambda root: bool(_added(root)),
    ),
    "sources export": Victim(
        lambda root: ("sources", "export", f"{root / 'p.graft'}:1", "--out", root / "out.graftsource"),
        _check_export,
        is_done=lambda root: (root / "out.graftsource").exists(),
    ),
    "new": Victim(
        lambda root: ("new", root / "q.graft", "--image", root / "image.tif"),
        _check_new_project,
        is_done=lambda root: (root / "q.graft").exists(),
    ),
    "demo": Victim(
        lambda root: (
            *("demo", "--out", root / "demo", "--image", root / "images" / "image.tif"),
            *("--labels", root / "images" / "labels.tif", "--structure", "neurites"),
            *("--steps", "1", "--rounds", "1", "--tiles", "1", "--tile", "32"),
        ),
        _check_demo,
    ),
}
