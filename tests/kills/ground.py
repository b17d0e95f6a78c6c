"""Where jobs are killed: a small project, copied for each kill, and the process that forks the victims."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from looks import write_pairs
from tiny_loop import make_sample

from napari_graft.core.tile import Tile
from napari_graft.io import open_labels
from napari_graft.project.opening import open_project
from napari_graft.project.project import Project
from napari_graft.project.run import Run
from napari_graft.samples.em import generate_neuropil
from napari_graft.session.annotation import annotate_from_labels
from napari_graft.session.projects.creation import ImageOptions, make_project

NURSERY = Path(__file__).with_name("nursery.py")
PATIENCE = 240.0
SIDE = 64
RECIPE = """
id: tiny
title: A tiny source
structure: neurites
license: CC0-1.0
spec: {widths: [8, 16], pixel_size: [4, 4]}
folder: images
images: [{image: image.tif, labels: labels.tif}]
datasets: [made_up]
schedule: {steps: 3, patch: 64, batch_size: 1}
"""


@dataclass(frozen=True)
class Victim:
    """Say what is done, and what is to be there when it was killed and done again.

    Parameters
    ----------
    arguments
        Of the command, in a folder.
    look
        Look at a folder right after the kill; what it returns goes to `check`.
    check
        Look at the folder once the same command has ended, at a folder where nobody was killed, and at what
        `look` returned.
    is_done
        Whether there is nothing left to do, so that the command may refuse.
    """

    arguments: Callable[[Path], Sequence[object]]
    check: Callable[[Path, Path, Any], None]
    look: Callable[[Path], Any] = lambda root: None
    is_done: Callable[[Path], bool] = lambda root: False


@dataclass(frozen=True)
class Undisturbed:
    """What a job comes to where nobody kills it, and how often it changes the disk."""

    root: Path
    n_changes: int


@dataclass
class Ground:
    """Kill victims in copies of one folder."""

    base: Path
    work: Path
    sources: Path
    nursery: subprocess.Popen[str]
    known: dict[str, Undisturbed] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    n_killed: int = 0

    def kill_and_check(self, name: str, victim: Victim, chance: random.Random, *, at_a_change: bool) -> None:
        """Kill one victim, look at what it left, let the same command go on, and look again.

        It is killed right before one of its changes of the disk, or at any moment.
        """
        undisturbed = self._undisturbed(name, victim)
        root = self._copy(f"{name}-{chance.randrange(10**9)}")
        at = chance.randrange(undisturbed.n_changes) if at_a_change else None
        after = None if at_a_change else chance.uniform(0.002, self._seconds(name, victim))
        answer = self.order(victim, root, at=at, after=after)
        self.n_killed += answer["is_killed"]
        assert answer["is_killed"] or answer["code"] == 0, self.words(root)
        check_kept(root, self.base)
        left = victim.look(root)
        again = self.order(victim, root)
        assert again["code"] == 0 or (again["code"] == 2 and victim.is_done(root)), self.words(root)
        check_kept(root, self.base)
        victim.check(root, undisturbed.root, left)
        shutil.rmtree(root)

    def _undisturbed(self, name: str, victim: Victim) -> Undisturbed:
        if name not in self.known:
            root = self._copy(f"{name}-undisturbed")
            answer = self.order(victim, root)
            assert answer["code"] == 0, self.words(root)
            self.known[name] = Undisturbed(root, answer["n_changes"])
        return self.known[name]

    def _seconds(self, name: str, victim: Victim) -> float:
        """Return how long it takes once all is loaded that it needs."""
        if name not in self.seconds:
            root = self._copy(f"{name}-timed")
            began = time.monotonic()
            self.order(victim, root)
            self.seconds[name] = time.monotonic() - began
        return self.seconds[name]

    def order(
        self, victim: Victim, root: Path, *, at: int | None = None, after: float | None = None
    ) -> dict[str, Any]:
        """Let a victim work in a folder, to be killed before a change of the disk or after some seconds."""
        order = {
            "arguments": [str(one) for one in victim.arguments(root)],
            "root": str(root),
            "sources": str(self.sources),
            "at": at,
            "after": after,
            "patience": PATIENCE,
        }
        assert self.nursery.stdin is not None
        assert self.nursery.stdout is not None
        self.nursery.stdin.write(json.dumps(order) + "\n")
        self.nursery.stdin.flush()
        answer: dict[str, Any] = json.loads(self.nursery.stdout.readline())
        return answer

    def words(self, root: Path) -> str:
        return (root / "err.txt").read_text()[-2000:]

    def _copy(self, name: str) -> Path:
        return shutil.copytree(self.base, self.work / name)


@contextmanager
def make_ground(folder: Path, sources: Path) -> Iterator[Ground]:
    """Make a folder to kill in, and start the process that forks the victims."""
    base, work = folder / "base", folder / "work"
    _make_base(base)
    work.mkdir()
    command = [sys.executable, str(NURSERY)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as nursery:
        ground = Ground(base, work, sources, nursery)
        steps = ("--source", "tiny-nuclei", "--steps", "2", "--seed", "7", "--device", "cpu", "--json")
        for arguments in (
            ("train", base / "p.graft", *steps),
            ("sources", "export", f"{base / 'p.graft'}:1", "--out", base / "made.graftsource"),
        ):
            answer = ground.order(Victim(lambda root, a=arguments: a, lambda *_: None), base)  # type: ignore[misc]
            assert answer["code"] == 0, ground.words(base)
        yield ground
        assert nursery.stdin is not None
        nursery.stdin.close()


def _make_base(base: Path) -> None:
    (base / "images").mkdir(parents=True)
    sample = make_sample((SIDE, SIDE))
    tifffile.imwrite(base / "image.tif", sample.image)
    tifffile.imwrite(base / "labels.tif", sample.segments)
    sample = generate_neuropil((6, SIDE, SIDE), np.random.default_rng(0))
    tifffile.imwrite(base / "images" / "image.tif", sample.image)
    tifffile.imwrite(base / "images" / "labels.tif", sample.segments)
    (base / "tiny.yaml").write_text(RECIPE)
    write_pairs(base, n=2)
    boxes = [{"start": [32, 32], "shape": [16, 16]}, {"start": [48, 32], "shape": [16, 16]}]
    (base / "tiles.json").write_text(json.dumps(boxes))
    options = ImageOptions(str(base / "image.tif"), structure="nuclei")
    with make_project(base / "p.graft", options) as project:
        tiles = [Tile((0, 0), (32, 32)), Tile((32, 0), (32, 32))]
        annotate_from_labels(project, open_labels(str(base / "labels.tif")), tiles)


def check_kept(root: Path, base: Path) -> None:
    """Check that a project opens, holds all that was there before, and nothing that is half done."""
    with open_project(base / "p.graft") as before, open_project(root / "p.graft", write=True) as project:
        unfinished = list((root / "p.graft").rglob(".*.partial"))
        assert not [path for path in unfinished if "cache" not in path.parts]  # where readers write as well
        for one in before.annotations.labelled_tiles():
            np.testing.assert_array_equal(project.annotations.read(one.tile).labels, one.labels)
        known = {run.id: run for run in project.runs.all()}
        assert list(known) == [f"{number:04d}" for number in range(1, len(known) + 1)]
        assert {path.name for path in (root / "p.graft" / "runs").glob("[0-9]*")} == set(known)
        for run in before.runs.all():
            assert known[run.id].record == run.record
            assert known[run.id].weights_path.read_bytes() == run.weights_path.read_bytes()
        prepared = {run.id: run for run in project.runs.prepared()}
        assert list(prepared) == [f"p{number:04d}" for number in range(1, len(prepared) + 1)]
        for run in (known | prepared).values():
            assert is_whole(run) or (run.record.stopped_by is None and run.newest_state is not None)
        project.journal.entries()
        project.suggestions()


def is_whole(run: Run) -> bool:
    return run.is_finished and bool(run.load_weights())


def opened(root: Path) -> Project:
    return open_project(root / "p.graft")


def said(root: Path) -> Any:
    """Return the JSON document that a command has printed, None where it was killed before."""
    try:
        return json.loads((root / "out.txt").read_text())
    except json.JSONDecodeError:
        return None
