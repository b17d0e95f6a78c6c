"""Play all scenes, each in a process of its own, and print how late the window answered."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from napari_graft._qt.measuring.scene import SCENES, Scene
from napari_graft.core.axes import Axes
from napari_graft.core.progress import CancelToken, ignore_progress
from napari_graft.core.tile import Tile
from napari_graft.io import Volume, atomic
from napari_graft.io.writers.file_kinds import JSON, marked
from napari_graft.io.writers.outputs import NO_INPUTS, Outputs
from napari_graft.project.project import Project
from napari_graft.project.tile_queue import StoredSuggestion, SuggestionList
from napari_graft.samples.presets import neuropil_sample
from napari_graft.session.annotation import annotate_from_labels
from napari_graft.session.projects.creation import CopyOptions, make_project_with_copy

SECONDS = {False: 30.0, True: 8.0}
_SIDE = 192
_PATIENCE = 600


def run_responsiveness(out: Path, *, quick: bool = False, outputs: Outputs = NO_INPUTS) -> dict[str, Any]:
    """Measure how late the event loop of a window answers while somebody paints and something is under way.

    Parameters
    ----------
    out
        Folder for ``responsiveness.json``.
    quick
        Measure for a shorter time.
    outputs
        What may be written where.

    Returns
    -------
    dict
        By scene the number of ticks and by how many milliseconds they came late (median, 95th and 99th
        percentile, largest), the processor time for a frame, or how the process of the scene ended where it
        crashed or found no screen.
    """
    with tempfile.TemporaryDirectory() as folder:
        figures: dict[str, dict[str, Any]] = {}
        for scene in SCENES:
            figures[scene] = _play(scene, Path(folder), SECONDS[quick])
    _print_table(figures)
    with atomic.storage_errors(out):
        out.mkdir(parents=True, exist_ok=True)
    outputs.write(out / "responsiveness.json", json.dumps(marked(figures), indent=2) + "\n", JSON)
    return figures


def _play(scene: Scene, folder: Path, seconds: float) -> dict[str, Any]:
    project = folder / f"{scene.replace(' ', '-')}.graft"
    _make_project(project)
    done = subprocess.run(
        [sys.executable, "-P", "-m", "napari_graft._qt.measuring.scene", scene, str(project), str(seconds)],
        env=os.environ | {"NAPARI_CONFIG": str(folder / "napari.yaml"), "NAPARI_GRAFT_HOME": str(folder)},
        capture_output=True,
        text=True,
        timeout=_PATIENCE,
        check=False,
    )
    if done.returncode != 0:
        code = done.returncode
        how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        return {"crashed": how, "said": done.stderr.strip().splitlines()[-1:]}
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return figures


def _make_project(folder: Path) -> None:
    """Make a project of the sample with four annotated tiles, and one more to paint."""
    sample = neuropil_sample()
    axes = Axes(("z", "y", "x"))
    project = make_project_with_copy(
        folder,
        sample.image,
        axes,
        CopyOptions(structure="neurites"),
        report=ignore_progress,
        cancel=CancelToken(),
    )
    with project:
        tiles = [Tile((z, 0, 0), (1, _SIDE, _SIDE)) for z in (0, 2, 4, 6)]
        annotate_from_labels(project, Volume(sample.segments, axes), tiles)
        _suggest(project, Tile((8, 100, 100), (1, _SIDE, _SIDE)))


def _suggest(project: Project, tile: Tile) -> None:
    stored = StoredSuggestion(start=tile.start, shape=tile.shape, score=1.0, reason="to be painted")
    project.store_suggestions(SuggestionList(suggestions=(stored,), strategy="random"))


def _print_table(figures: dict[str, dict[str, Any]]) -> None:
    print("milliseconds that the event loop was late while somebody painted, and that it worked for a frame")
    print(f"{'meanwhile':24}{'median':>9}{'p95':>9}{'p99':>9}{'largest':>9}{'a frame':>9}{'ticks':>8}")
    for scene, row in figures.items():
        if "crashed" in row:
            print(f"{scene:24}not measured: {row['crashed']} {' '.join(row['said'])}")
            continue
        late = "".join(f"{row[name]:9.1f}" for name in ("median", "p95", "p99", "largest", "work"))
        print(f"{scene:24}{late}{row['n_ticks']:8d}")
