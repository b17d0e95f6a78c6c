from __future__ import annotations

import json
import logging
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from edited import edit_document
from napari_graft.core.errors import InputError
from napari_graft.core.strings import checksum_of
from napari_graft.io.documents import CHECKSUM
from napari_graft.io.weights import save_tensors
from napari_graft.project.run import Run
from napari_graft.project.run_store import RunStore
from napari_graft.sources.network_spec import ModelSpec

WEIGHTS = {"w": np.arange(3, dtype=np.float32)}


def _finish(run: Run, **fields: object) -> Run:
    save_tensors(run.weights_path, WEIGHTS, {})
    return run.finish(stopped_by="budget", **fields)


def test_a_finished_run_comes_back_with_its_weights(tmp_path: Path) -> None:
    store = RunStore(tmp_path / "runs")
    spec = ModelSpec(widths=(8, 16))
    run = store.start("fly", spec, 4, parent=None, settings={"seed": 0, "time_budget": "2m"})
    save_tensors(run.checkpoint_path, WEIGHTS, {})

    _finish(
        run, steps=9, seconds=2.5, device="cpu", kept=True, validation={"vi": 0.5}, decode={"threshold": 0.4}
    )
    back = store.get("0001")

    assert (back.record.source, back.record.spec, back.record.n_tiles) == ("fly", spec, 4)
    assert (back.record.steps, back.record.stopped_by, back.record.kept) == (9, "budget", True)
    assert back.record.settings == {"seed": 0, "time_budget": "2m"}
    assert back.record.created == run.record.created
    assert back.is_finished
    assert not back.checkpoint_path.exists()
    np.testing.assert_array_equal(back.load_weights()["w"], WEIGHTS["w"])


def test_a_run_of_before_its_training_could_be_kept_in_part_is_opened(tmp_path: Path) -> None:
    store = RunStore(tmp_path / "runs")
    run = _finish(store.start("fly", ModelSpec(widths=(8, 16)), 4), kept=True, share=0.5, choice="half of it")
    assert (store.get("0001").record.share, store.get("0001").record.choice) == (0.5, "half of it")
    values = json.loads((run.folder / "run.json").read_text(encoding="utf-8"))
    for later in ("share", "choice", "has_objects", CHECKSUM):
        values.pop(later)
    # As it was written then, with a checksum of all that there was.
    values[CHECKSUM] = checksum_of(values)
    (run.folder / "run.json").write_text(json.dumps(values), encoding="utf-8")

    record = store.get("0001").record

    assert (record.kept, record.share, record.choice, record.has_objects) == (True, None, "", True)


def test_the_model_in_use_is_that_of_the_last_run_that_was_kept(tmp_path: Path) -> None:
    store = RunStore(tmp_path / "runs")
    assert store.latest() is None
    with pytest.raises(InputError, match="no finished run"):
        store.get("latest")

    for kept in (True, True, False):
        _finish(store.start("fly", ModelSpec(), 4), kept=kept)
    store.start("fly", ModelSpec(), 4).finish(stopped_by="cancel", kept=True)  # left no weights
    store.start("fly", ModelSpec(), 4)

    assert store.get("latest").id == "0002"
    assert [run.id for run in store.all()] == ["0001", "0002", "0003", "0004", "0005"]


def test_a_run_is_found_by_its_number_and_an_unknown_one_is_told(tmp_path: Path) -> None:
    store = RunStore(tmp_path / "runs")
    store.start("fly", ModelSpec(), 4)

    assert store.get("1").id == store.get("0001").id == "0001"
    for name in ("2", "../0001", "", "one", "00001/", "²"):
        with pytest.raises(InputError, match="choose one of 0001"):
            store.get(name)


def test_an_unfinished_run_can_be_gone_on_from(tmp_path: Path) -> None:
    store = RunStore(tmp_path / "runs")
    assert store.unfinished() is None

    run = store.start("fly", ModelSpec(), 4, settings={"seed": 3})
    assert store.unfinished() is None
    save_tensors(run.checkpoint_path, WEIGHTS, {})
    unfinished = store.unfinished()
    assert unfinished is not None
    assert unfinished.record.settings == {"seed": 3}
    store.start("bee", ModelSpec(), 4)  # killed before there was anything of it
    assert store.unfinished() == unfinished

    _finish(run)
    assert store.unfinished() is None


def test_runs_that_were_killed_before_they_had_anything_make_way_and_no_other_does(tmp_path: Path) -> None:
    store = RunStore(tmp_path / "runs")
    done = _finish(store.start("fly", ModelSpec(), 4))
    save_tensors(done.checkpoint_path, WEIGHTS, {})  # killed between its record and the removal of this
    cut_off = store.start("fly", ModelSpec(), 4)
    save_tensors(cut_off.merged_path, WEIGHTS, {})
    damaged = store.start("fly", ModelSpec(), 4)
    (damaged.folder / "run.json").write_text("{}")
    half_made = store.start("fly", ModelSpec(), 4)
    save_tensors(half_made.weights_path, WEIGHTS, {})
    empty = store.start("fly", ModelSpec(), 4)
    (empty.folder / ".checkpoint.safetensors.0.partial").touch()
    (tmp_path / "runs" / "0006").mkdir()
    (tmp_path / "runs" / "0006" / "notes").mkdir()
    (tmp_path / "runs" / "0007").mkdir()
    assert empty.is_empty
    assert not cut_off.is_empty

    store.clear_leftovers()

    folders = sorted(path.name for path in (tmp_path / "runs").iterdir())
    assert folders == ["0001", "0002", "0003", "0004", "0006"]
    assert {path.name for path in done.folder.iterdir()} == {"run.json", "weights.safetensors"}
    assert cut_off.newest_state == cut_off.merged_path
    with pytest.raises(InputError, match="open for reading"):
        RunStore(tmp_path / "runs", writable=False).clear_leftovers()


def test_the_number_of_a_run_that_never_began_is_used_again(tmp_path: Path) -> None:
    store = RunStore(tmp_path / "runs")
    _finish(store.start("fly", ModelSpec(), 4))
    store.start("fly", ModelSpec(), 4)
    store.clear_leftovers()

    assert store.start("fly", ModelSpec(), 4).id == "0002"


def test_a_folder_left_by_a_killed_start_does_not_count_and_its_number_is_not_used_again(
    tmp_path: Path,
) -> None:
    store = RunStore(tmp_path / "runs")
    (tmp_path / "runs" / "0001").mkdir(parents=True)
    (tmp_path / "runs" / "notes").mkdir()

    assert store.all() == []
    assert store.start("fly", ModelSpec(), 4).id == "0002"
    with pytest.raises(InputError, match="is missing"):
        store.get("1")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format_version": 2}, "newer napari-graft"),
        ({"steps": -1}, "steps"),
        ({"id": "0007"}, "record of run 0007"),
    ],
)
def test_a_broken_run_is_left_out_logged_and_explained_when_asked_for(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, change: dict[str, object], message: str
) -> None:
    store = RunStore(tmp_path / "runs")
    _finish(store.start("fly", ModelSpec(), 4), kept=True)
    broken = _finish(store.start("fly", ModelSpec(), 4), kept=True)
    edit_document(broken.folder / "run.json", **change)

    with caplog.at_level(logging.WARNING):
        assert store.get("latest").id == "0001"

    assert "left out" in caplog.text
    with pytest.raises(InputError, match=message):
        store.get("2")


def test_truncated_and_missing_weights_are_told(tmp_path: Path) -> None:
    store = RunStore(tmp_path / "runs")
    run = store.start("fly", ModelSpec(), 4)
    with pytest.raises(InputError, match="no weights"):
        run.load_weights()

    save_tensors(run.weights_path, WEIGHTS, {})
    run.weights_path.write_bytes(run.weights_path.read_bytes()[:-2])
    with pytest.raises(InputError, match="truncated"):
        run.load_weights()


def test_a_record_with_an_impossible_value_is_not_written(tmp_path: Path) -> None:
    store = RunStore(tmp_path / "runs")
    run = store.start("fly", ModelSpec(), 4)

    with pytest.raises(ValidationError):
        run.update(steps="many")

    assert store.get("1") == run


def test_the_user_can_keep_a_run_or_roll_it_back(tmp_path: Path) -> None:
    store = RunStore(tmp_path / "runs")
    for kept in (True, True, False):
        _finish(store.start("fly", ModelSpec(), 4), kept=kept, validation={"loss": 0.5})

    assert not store.keep("2", False).record.kept
    assert store.get("latest").id == "0001"
    assert store.keep("0003", True).record.validation == {"loss": 0.5}
    assert RunStore(tmp_path / "runs").get("latest").id == "0003"


def test_a_run_without_a_model_cannot_be_kept_and_a_reader_changes_none(tmp_path: Path) -> None:
    store = RunStore(tmp_path / "runs")
    store.start("fly", ModelSpec(), 4)
    with pytest.raises(InputError, match="run 0001 is not finished"):
        store.keep("1", True)

    _finish(store.get("1"), kept=True)
    with pytest.raises(InputError, match="open for reading"):
        RunStore(tmp_path / "runs", writable=False).keep("1", False)
    assert store.get("latest").id == "0001"
