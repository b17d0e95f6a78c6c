"""Each kind of job, done in this process."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tiny_loop import SEEN_SET, make_annotated

from napari_graft.core.errors import Cancelled, InputError
from napari_graft.core.progress import CancelToken, Progress, ignore_progress
from napari_graft.core.tile import Tile
from napari_graft.io import open_labels
from napari_graft.io.documents import write_document
from napari_graft.io.weights import load_tensors
from napari_graft.jobs.base import Request, TileBox
from napari_graft.jobs.builtin.predict import PredictRequest
from napari_graft.jobs.builtin.preview import PreviewRequest
from napari_graft.jobs.builtin.rank import RankRequest
from napari_graft.jobs.builtin.suggest import SuggestRequest
from napari_graft.jobs.builtin.train import TrainRequest
from napari_graft.jobs.running import run_job
from napari_graft.project.opening import open_project
from napari_graft.sources.network_spec import ModelSpec
from napari_graft.sources.source import open_source

BOX = TileBox(start=(40, 0), shape=(40, 40))


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, image: Path, labels: Path) -> str:
    return str(make_annotated(tmp_path_factory.mktemp("tasks") / "p.graft", image, labels))


def _run(job: Request[Any], cancel: CancelToken | None = None) -> dict[str, object]:
    result = run_job(job, ignore_progress, cancel or CancelToken()).model_dump(mode="json")
    assert json.loads(json.dumps(result)) == result  # it crosses the pipe as it is
    return result


@pytest.fixture
def deep_source(sources: Path) -> Iterator[str]:
    """Add a 3-D source to those of the user."""
    folder = Path(os.environ["NAPARI_GRAFT_HOME"]) / "sources" / "tiny-3d"
    shutil.copytree(sources / "tiny-nuclei", folder)
    card = open_source(folder, "user").card
    deep = {"id": "tiny-3d", "spec": ModelSpec(ndim=3, widths=(8, 16))}
    write_document(folder / "card.json", card.model_copy(update=deep))
    yield "tiny-3d"
    shutil.rmtree(folder)


def test_ranking_says_why_a_3d_source_does_not_suit_the_image(project: str, deep_source: str) -> None:
    result = _run(RankRequest(project=project, device="cpu"))
    assert result["unsuited"] == {deep_source: "the image is 2-D"}


def test_ranking_describes_the_sources_and_leaves_out_those_that_know_the_image(
    tmp_path: Path, image: Path, labels: Path, project: str
) -> None:
    (tmp_path / SEEN_SET).mkdir()
    known = shutil.copy(image, tmp_path / SEEN_SET)
    seen = _run(
        RankRequest(project=str(make_annotated(tmp_path / "p.graft", Path(known), labels)), device="cpu")
    )
    unseen = _run(RankRequest(project=project, device="cpu"))
    excluded = _run(RankRequest(project=project, exclude=("tiny-nuclei",), device="cpu"))

    def ids(result: dict[str, object]) -> list[str]:
        ranking = result["ranking"]
        assert isinstance(ranking, list)
        return [entry["source"] for entry in ranking]

    assert unseen["map"] is None  # the tiny sources remember nothing in a common encoder
    assert (ids(seen), seen["left_out"]) == (["tiny-nuclei"], ["tiny-neurites"])
    assert (set(ids(unseen)), unseen["left_out"]) == ({"tiny-nuclei", "tiny-neurites"}, [])
    assert ids(excluded) == ["tiny-neurites"]
    assert seen["ranking"][0].items() >= {  # type: ignore[index]
        "title": "Source tiny-nuclei",
        "structure": "nuclei",
        "species": "",
        "instrument": "",
        "pixel_size": [250.0, 250.0],
        "license": "CC0-1.0",
        "research_only": False,
        "is_trainable": True,
    }.items()  # fmt: skip


def test_suggesting_returns_tiles_with_candidates_and_stores_nothing(project: str) -> None:
    result = _run(SuggestRequest(project=project, n=2, tile=32, avoid=(BOX,), device="cpu"))

    suggestions, candidates = result["suggestions"], result["candidates"]
    assert isinstance(suggestions, list)
    assert isinstance(candidates, list)
    assert [set(one) for one in suggestions] == [{"start", "shape", "score", "reason"}] * 2
    assert {tuple(one["start"]) for one in suggestions} <= {tuple(one["start"]) for one in candidates}
    avoided = Tile(BOX.start, BOX.shape)
    assert not any(avoided.overlaps(Tile(tuple(c["start"]), tuple(c["shape"]))) for c in candidates)
    assert {one["uncertainty"] for one in candidates} == {None}
    assert (result["strategy"], result["model"]) == ("auto", "ancestor-generated")
    with open_project(project) as opened:
        assert opened.suggestions().suggestions == ()


def test_suggesting_says_how_unsure_a_source_is_before_the_first_label(project: str) -> None:
    job = SuggestRequest(
        project=project, n=2, tile=32, source="tiny-nuclei", device="cpu", with_uncertainty=True
    )
    result = _run(job)

    candidates = result["candidates"]
    assert isinstance(candidates, list)
    assert all(0 < one["uncertainty"] < 1 for one in candidates)
    plain = _run(job.model_copy(update={"with_uncertainty": False}))
    assert result["suggestions"] == plain["suggestions"]


def test_predicting_writes_the_objects_and_the_uncertainty(project: str, tmp_path: Path) -> None:
    out, unsure = str(tmp_path / "o.tif"), str(tmp_path / "u.tif")
    job = PredictRequest(
        project=project, out=out, source="tiny-nuclei", region="0:64,0:64", uncertainty=unsure, device="cpu"
    )
    result = _run(job)

    assert (result["path"], result["uncertainty"]) == (out, unsure)
    found = open_labels(out).read_raw(Tile((0, 0), (64, 64)))
    assert found.max() == result["n_objects"]
    assert Path(unsure).is_file()
    assert _run(job.model_copy(update={"uncertainty": None}))["uncertainty"] is None


def test_previewing_names_what_lies_in_its_file(project: str, tmp_path: Path) -> None:
    job = PreviewRequest(
        project=project,
        references=("tiny-nuclei", "tiny-neurites"),
        tiles=(BOX, TileBox(start=(0, 0), shape=(64, 64))),
        out=str(tmp_path / "p.safetensors"),
        with_uncertainty=True,
        device="cpu",
    )
    result = _run(job)

    tensors = load_tensors(tmp_path / "p.safetensors")[0]
    assert {name.partition("/")[0] for name in tensors} == {"segments", "uncertainty", "disagreement"}
    assert result["path"] == job.out
    assert result["references"] == result["names"] == ["tiny-nuclei", "tiny-neurites"]
    assert [len(of_model) for of_model in result["n_objects"]] == [2, 2]  # type: ignore[union-attr]
    differences = result["differences"]
    assert isinstance(differences, list)
    for t, of_tile in enumerate(differences):
        assert len(of_tile) == result["n_objects"][0][t]  # type: ignore[index]
        assert all(set(one) == {"id", "iou"} for one in of_tile)


@pytest.mark.usefixtures("quick_training")
def test_training_tells_losses_and_memory(project: str, tmp_path: Path) -> None:
    shutil.copytree(project, tmp_path / "p.graft")
    seen: list[Progress] = []
    job = TrainRequest(project=str(tmp_path / "p.graft"), source="tiny-nuclei", steps=2, device="cpu")
    result = run_job(job, seen.append, CancelToken())

    messages = list(dict.fromkeys(state.message for state in seen))
    measured = [f"measuring the new model, {place} of 3" for place in (1, 2, 3)]  # as `quick_training` has it
    assert messages == ["measuring what the new model has to beat", "training", *measured]
    assert set(seen[-1].metrics) >= {"memory_mb"}
    training = [state for state in seen if state.message == "training"]
    assert [state.done for state in training] == [1, 2]
    assert all(set(state.metrics) == {"loss", "held_out_loss", "memory_mb"} for state in training)
    assert all(50 < state.metrics["memory_mb"] < 50_000 for state in training)
    assert (result.run, result.stopped_by) == ("0001", "steps")


def _every_job(project: str, folder: Path) -> list[Request[Any]]:
    return [
        RankRequest(project=project),
        SuggestRequest(project=project, tile=32),
        PredictRequest(project=project, out=str(folder / "o.tif"), source="tiny-nuclei"),
        PreviewRequest(
            project=project, references=("tiny-nuclei",), tiles=(BOX,), out=str(folder / "p.safetensors")
        ),
        TrainRequest(project=project, source="tiny-nuclei", steps=3),
    ]


@pytest.mark.parametrize("number", range(5))
def test_a_job_that_nobody_wants_any_more_leaves_nothing(project: str, tmp_path: Path, number: int) -> None:
    token = CancelToken()
    token.cancel()

    with pytest.raises(Cancelled):
        _run(_every_job(project, tmp_path)[number], token)

    # What a prediction has begun stays, to be gone on with.
    assert [path.name for path in tmp_path.iterdir() if path.suffix != ".partial"] == []
    with open_project(project, write=True) as opened:
        assert opened.runs.all() == []


@pytest.mark.parametrize("number", range(5))
def test_a_device_that_there_is_not_is_named(project: str, tmp_path: Path, number: int) -> None:
    job = _every_job(project, tmp_path)[number].model_copy(update={"device": "tpu"})

    with pytest.raises(InputError, match="'tpu'"):
        _run(job)
