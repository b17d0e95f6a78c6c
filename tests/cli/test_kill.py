"""Commands that are interrupted or killed: what was finished is kept, and calling again goes on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from tiny_loop import make_annotated, make_stack, wait_until

from napari_graft.core.errors import ProjectBusyError
from napari_graft.core.progress import CancelToken, ignore_progress
from napari_graft.project.opening import open_project
from napari_graft.project.run import checkpoint_age
from napari_graft.session.projects.creation import ImageOptions, make_project
from napari_graft.session.training.fitting import Budget
from napari_graft.session.training.train import TrainingTask
from napari_graft.sources.catalogue import Catalogue

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="finds processes in /proc")

Graft = Callable[..., Any]
PROGRAM = [sys.executable, "-c", "from napari_graft.cli import main; main()"]


@pytest.fixture
def project(tmp_path: Path, image: Path, labels: Path) -> Path:
    return make_annotated(tmp_path / "p.graft", image, labels)


def _command(project: Path, *options: str, source: str = "tiny-nuclei") -> list[str]:
    return [*PROGRAM, "train", str(project), "--source", source, "--device", "cpu", "--json", *options]


def _train(project: Path, *options: str, source: str = "tiny-nuclei") -> subprocess.Popen[str]:
    return subprocess.Popen(
        _command(project, *options, source=source),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        start_new_session=True,
    )


def _is_busy(project: Path) -> bool:
    try:
        open_project(project, write=True).close()
    except ProjectBusyError:
        return True
    return False


def _parent_of(process: int) -> int | None:
    try:
        return int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1])
    except (OSError, ValueError, IndexError):
        return None


def _is_alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _worker_of(process: int) -> int:
    """Return the id of the one child of a process."""
    children = [int(p.name) for p in Path("/proc").iterdir() if p.name.isdecimal()]
    (child,) = [child for child in children if _parent_of(child) == process]
    return child


def _checkpoint(project: Path, run: str = "0001") -> Path:
    return project / "runs" / run / "checkpoint.safetensors"


def _steps(project: Path, run: str = "0001") -> int:
    """Return how far the checkpoint of a run is, 0 where there is none yet."""
    path = _checkpoint(project, run)
    return checkpoint_age(path)[0] if path.exists() else 0


@pytest.mark.usefixtures("eager_worker")
def test_a_training_that_was_killed_resumes_and_ctrl_c_ends_it_with_its_best_weights(project: Path) -> None:
    first = _train(project, "--time-budget", "1h")
    wait_until(_checkpoint(project).exists, first)
    worker = _worker_of(first.pid)
    os.kill(first.pid, signal.SIGKILL)
    os.kill(worker, signal.SIGKILL)
    first.communicate()
    wait_until(lambda: not _is_alive(worker))
    with open_project(project) as opened:
        assert not opened.runs.get("0001").is_finished
    before = _checkpoint(project).stat().st_mtime_ns

    second = _train(project, "--time-budget", "1h")
    wait_until(lambda: _checkpoint(project).stat().st_mtime_ns > before, second)
    worker = _worker_of(second.pid)
    second.send_signal(signal.SIGINT)
    out, err = second.communicate(timeout=120)

    assert second.returncode == 130, err
    result = json.loads(out)
    assert (result["run"], result["resumed"], result["stopped_by"]) == ("0001", True, "cancel")
    assert {"loss", "vi", "ap50", "loss_source", "vi_source"} <= result["validation"].keys()
    assert result["note"] == ""
    assert "stopped; what was finished is kept" in err
    assert "Traceback" not in err
    assert not _is_alive(worker)
    with open_project(project, write=True) as opened:
        run = opened.runs.get("0001")
        assert run.is_finished
        assert run.load_weights()


@pytest.mark.usefixtures("eager_worker")
@pytest.mark.parametrize("is_whole_group", [False, True])
def test_the_worker_ends_with_its_parent_and_leaves_the_run_to_be_gone_on_with(
    project: Path, is_whole_group: bool
) -> None:
    parent = _train(project, "--time-budget", "1h")
    wait_until(lambda: _steps(project) >= 2, parent)
    worker = _worker_of(parent.pid)

    if is_whole_group:
        os.killpg(parent.pid, signal.SIGKILL)
    else:
        parent.kill()
    parent.communicate()

    wait_until(lambda: not _is_alive(worker), seconds=10)
    with open_project(project) as opened:
        assert opened.runs.get("0001").record.stopped_by is None
    n_before = _steps(project)
    again = subprocess.run(_command(project, "--steps", str(n_before + 2)), capture_output=True, check=False)
    result = json.loads(again.stdout)
    assert (result["run"], result["resumed"], result["steps"]) == ("0001", True, n_before + 2)


@pytest.mark.usefixtures("eager_worker", "quick_training")
def test_a_training_from_the_latest_run_that_was_killed_goes_on_from_the_same_run(project: Path) -> None:
    with open_project(project, write=True) as opened:
        task = TrainingTask(opened, Catalogue(), ignore_progress, CancelToken())
        assert task.run("tiny-nuclei", Budget(None, 2, "cpu")).kept
    parent = _train(project, "--time-budget", "1h", source="latest")
    wait_until(lambda: _steps(project, "0002") >= 2, parent)
    parent.kill()
    parent.communicate()
    wait_until(lambda: not _is_busy(project), seconds=10)

    n_before = _steps(project, "0002")
    command = _command(project, "--steps", str(n_before + 2), source="latest")
    result = json.loads(subprocess.run(command, capture_output=True, check=False).stdout)

    assert (result["run"], result["resumed"], result["source"]) == ("0002", True, "run 0001")
    assert result["steps"] == n_before + 2


@pytest.mark.usefixtures("eager_worker")
def test_a_trial_that_was_killed_goes_on_with_the_source_that_was_under_way(project: Path) -> None:
    options = ("--sources", "tiny-neurites", "tiny-nuclei", "--steps", "20", "--device", "cpu", "--json")
    command = [*PROGRAM, "trial", str(project), *options]
    first = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    trainings = project / "runs" / "trial"
    wait_until((trainings / "0002" / "checkpoint.safetensors").exists, first)
    worker = _worker_of(first.pid)
    os.kill(first.pid, signal.SIGKILL)
    os.kill(worker, signal.SIGKILL)
    first.communicate()
    wait_until(lambda: not _is_alive(worker))
    with open_project(project, write=True) as opened:
        stored = opened.trial.load()
        assert stored is not None
        assert [one.source for one in stored.outcomes] == ["tiny-neurites"]
        assert opened.runs.all() == []

    second = subprocess.run(command, capture_output=True, text=True, check=False)

    assert second.returncode == 0, second.stderr
    assert "(1 of 2)" not in second.stderr
    result = json.loads(second.stdout)
    assert [one["steps"] for one in result["outcomes"]] == [20, 20]
    assert result["outcomes"][0]["loss"] == stored.outcomes[0].loss
    assert not trainings.exists()
    with open_project(project) as opened:
        assert opened.runs.get(result["run"]).is_finished


# The work is done in the process of the command: there is one to kill.
KILLED_PREDICTION = """
import os, signal
from itertools import count
from napari_graft.blockwise.block import FinishedBlocks
from napari_graft.cli import main
from napari_graft.engine import client
from napari_graft.jobs.running import run_job
class EngineHere:
    def __enter__(self): return self
    def __exit__(self, *details): pass
    def run(self, request, *, report, cancel): return run_job(request, report, cancel)
client.Engine = EngineHere
add, numbers = FinishedBlocks.add, count()
def add_or_die(self, number, result):
    if next(numbers) == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    add(self, number, result)
FinishedBlocks.add = add_or_die
main()
"""


def test_a_prediction_that_was_killed_goes_on_to_the_same_result(graft: Graft, tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "stack.tif", make_stack(6, 64).image, metadata={"axes": "ZYX"})
    make_project(tmp_path / "p.graft", ImageOptions(str(tmp_path / "stack.tif"))).close()
    out, whole = tmp_path / "segments.tif", tmp_path / "whole.tif"
    command = ("predict", tmp_path / "p.graft", "--source", "tiny-nuclei", "--device", "cpu", "--out")

    killed = subprocess.run(
        [sys.executable, "-c", KILLED_PREDICTION, *map(str, command), str(out)],
        check=False,
        capture_output=True,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    blocks = tmp_path / "segments.tif.partial" / "blocks"
    done = {path.name: path.stat().st_mtime_ns for path in blocks.glob("[0-9]*")}
    assert len(done) == 3
    assert not out.exists()

    resumed = graft(*command, out)
    assert graft(*command, whole).code == 0

    assert resumed.code == 0, resumed.err
    assert "segmenting 3 of 6" in resumed.err
    np.testing.assert_array_equal(tifffile.imread(out), tifffile.imread(whole))
    assert not list(tmp_path.glob("*.partial"))


def test_the_exit_code_and_the_document_reach_the_shell() -> None:
    good = subprocess.run([*PROGRAM, "sources", "list", "--json"], capture_output=True, check=False)
    bad = subprocess.run([*PROGRAM, "info", "nowhere.graft", "--json"], capture_output=True, check=False)

    assert good.returncode == 0
    assert "tiny-nuclei" in [row["id"] for row in json.loads(good.stdout)]
    assert (bad.returncode, bad.stdout) == (2, b"")
    assert bad.stderr.startswith(b"error: ")
