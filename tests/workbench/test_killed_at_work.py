"""A window is killed at random moments of painting, accepting, training and predicting: nothing is lost."""

from __future__ import annotations

import os
import random
import shutil
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import tifffile

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "session"))

from busy_process import SOURCE
from desk import SIDE
from killing import Victim, check_nothing_is_lost
from tiny_loop import make_annotated, make_stack, wait_until

from in_workers import QUICK_TRAINING, SAVE_EVERY_STEP, only_in_workers
from napari_graft.core.progress import CancelToken, ignore_progress
from napari_graft.core.tile import Tile
from napari_graft.io import open_labels
from napari_graft.project.opening import open_project
from napari_graft.project.project import Project
from napari_graft.project.run import Run
from napari_graft.project.tile_queue import QueuedTile, TileQueue
from napari_graft.session.prediction import PredictOptions, predict_project
from napari_graft.session.training.fitting import Budget
from napari_graft.session.training.train import TrainingTask
from napari_graft.sources.catalogue import Catalogue

pytestmark = pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="finds processes in /proc")

PROCESS = Path(__file__).with_name("busy_process.py")
PHASES = ("painting", "accepting", "training", "predicting")
KILLS = [(PHASES[number % 4], 1000 + number) for number in range(50)]
N_SLICES, RUN = 40, "0001"
MARK = "GRAFT_KILLED_AT_WORK"
OUT = "whole.zarr"


@pytest.fixture(scope="module")
def surroundings(sources: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Let processes see small sources, and save a training after each step."""
    site, home = tmp_path_factory.mktemp("site"), tmp_path_factory.mktemp("home")
    (site / "sitecustomize.py").write_text(only_in_workers(QUICK_TRAINING + SAVE_EVERY_STEP))
    known = [str(Path(name).resolve()) for name in os.environ.get("PYTHONPATH", "").split(os.pathsep) if name]
    return {
        "PYTHONPATH": os.pathsep.join([str(site), *known]),
        "NAPARI_GRAFT_SOURCES": str(sources),
        "NAPARI_GRAFT_HOME": str(home),
    }


@pytest.fixture(autouse=True)
def _surroundings(
    surroundings: dict[str, str], monkeypatch: pytest.MonkeyPatch, quick_training: None
) -> None:
    for name, value in surroundings.items():
        monkeypatch.setenv(name, value)


@pytest.fixture(scope="module")
def base(surroundings: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a stack and its project: two accepted tiles, a round, and tiles to do."""
    folder = tmp_path_factory.mktemp("base")
    sample = make_stack(N_SLICES, 128)
    tifffile.imwrite(folder / "stack.tif", sample.image, photometric="minisblack")
    tifffile.imwrite(folder / "labels.tif", sample.segments, photometric="minisblack")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in surroundings.items():
            patch.setenv(name, value)
        make_annotated(folder / "p.graft", folder / "stack.tif", folder / "labels.tif", axes="zyx")
        with open_project(folder / "p.graft", write=True) as project:
            train(project, n_steps=4, seed=0)
            starts = [(z, 0, 64) for z in range(3, 9)]
            tiles = tuple(QueuedTile(start=start, shape=(1, SIDE, SIDE), reason="test") for start in starts)
            project.store_queue(TileQueue(tiles=tiles))
    return folder


@pytest.fixture(scope="module")
def whole(base: Path, surroundings: dict[str, str]) -> np.ndarray:
    """Return the stack as the round segments it where nobody is killed."""
    with open_project(base / "p.graft") as project:
        predict(project, base / OUT)
    return segments(base / OUT)


def train(project: Project, n_steps: int, seed: int) -> tuple[str, bool]:
    """Train some steps more; return the id of the run, and whether it went on with one that was cut off."""
    task = TrainingTask(project, Catalogue(), ignore_progress, CancelToken())
    report = task.run(SOURCE, Budget(None, n_steps, "cpu", seed=seed))
    return report.run, report.resumed


def predict(project: Project, out: Path) -> int:
    """Segment the stack, or go on with that; return how many blocks were there already."""
    request = PredictOptions(out, run=RUN, device="cpu")
    arguments = {"catalogue": Catalogue(), "report": ignore_progress, "cancel": CancelToken()}
    return predict_project(project, request, **arguments).n_resumed


def segments(out: Path) -> np.ndarray:
    volume = open_labels(out)
    return np.asarray(volume.read_raw(Tile((0,) * len(volume.shape), volume.shape)))


def processes_with(mark: str) -> list[int]:
    """Return the processes that were started with a mark in their environment, and have not ended."""
    found = []
    for folder in Path("/proc").iterdir():
        try:
            environment = (folder / "environ").read_bytes() if folder.name.isdecimal() else b""
        except OSError:  # it has ended, or is that of another user
            continue
        if f"{MARK}={mark}".encode() in environment:
            found.append(int(folder.name))
    return found


def kill_at_work(folder: Path, phase: str, seed: int) -> tuple[list[list], float, float]:
    """Let a window work and kill it; return what it said, when that was, and how long workers outlived it.

    In one half of the cases its workers are killed with it; in the other they have to find out.
    """
    chance, mark = random.Random(seed), f"{phase}-{seed}-{time.monotonic_ns()}"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(MARK, mark)
        victim = Victim(PROCESS, folder / "p.graft", seed, phase, folder / OUT)
    try:
        # One in five while the worker still starts.
        victim.wait_for("stroke" if chance.random() < 0.2 else "busy")
        victim.live(chance.uniform(0.1, 5.0))
    finally:
        workers = [process for process in processes_with(mark) if process != victim.id]
        said, killed_at = victim.kill(workers if chance.random() < 0.5 else ())
    open_project(folder / "p.graft", write=True).close()  # though a worker may still be about to end
    wait_until(lambda: not processes_with(mark), seconds=30)
    return said, killed_at, time.time() - killed_at


def check_work_goes_on(project: Project, folder: Path, phase: str, whole: np.ndarray) -> None:
    """Check that a training goes on, or begins anew, and that a prediction comes to the same end."""
    if phase == "training":
        unfinished = project.runs.unfinished()
        n_before = len(project.runs.all())
        run, is_resumed = train(project, n_steps=2, seed=1)
        assert is_resumed == (unfinished is not None)
        assert run == (f"{n_before + 1:04d}" if unfinished is None else unfinished.id)
        assert is_whole(project.runs.get(run))
    if phase == "predicting":
        n_done = len(list((folder / f"{OUT}.partial" / "blocks").glob("*.labels.safetensors")))
        if not (folder / OUT).exists():
            assert predict(project, folder / OUT) == n_done
        np.testing.assert_array_equal(segments(folder / OUT), whole)


def is_whole(run: Run) -> bool:
    return run.is_finished and bool(run.load_weights())


def outcome_words(project: Project, folder: Path, said: list[list]) -> str:
    n_strokes = sum(entry[0] == "stroke" for entry in said)
    n_accepted = len({tuple(entry[2]) for entry in said if entry[0] == "saved"})
    runs = [f"{run.id} {run.record.stopped_by}" for run in project.runs.all()]
    n_blocks = len(list((folder / f"{OUT}.partial").glob("blocks/*.labels.*")))
    told = sorted({" ".join(entry) for entry in said if entry[0] in ("round", "written")})
    return f"{n_strokes} strokes, {n_accepted} accepted, runs {runs}, {n_blocks} blocks, told {told},"


def check_one_kill(folder: Path, phase: str, seed: int, whole: np.ndarray) -> None:
    with open_project(folder / "p.graft") as project:
        accepted_before = {one.tile: one.labels for one in project.annotations.labelled_tiles()}
    said, killed_at, seconds = kill_at_work(folder, phase, seed)
    with open_project(folder / "p.graft", write=True) as project:
        check_nothing_is_lost(project, said, killed_at)
        for tile, labels in accepted_before.items():
            np.testing.assert_array_equal(project.annotations.read(tile).labels, labels)
        for entry in said:
            if entry[0] == "round":
                assert is_whole(project.runs.get(entry[1]))
        for run in project.runs.all():
            assert is_whole(run) or not run.is_finished
        assert (folder / OUT).exists() or ["written"] not in said
        print(
            f"{phase} {seed}:", outcome_words(project, folder, said), f"workers ended after {seconds:.1f} s"
        )
        check_work_goes_on(project, folder, phase, whole)


@pytest.mark.slow
@pytest.mark.parametrize(("phase", "seed"), KILLS)
def test_kill_at_a_random_moment_loses_nothing_and_leaves_no_worker(
    base: Path, whole: np.ndarray, tmp_path: Path, phase: str, seed: int
) -> None:
    folder = tmp_path / "work"
    shutil.copytree(base, folder, ignore=shutil.ignore_patterns(OUT))

    check_one_kill(folder, phase, seed, whole)
