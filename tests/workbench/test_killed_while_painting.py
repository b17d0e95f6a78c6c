"""A process that paints is killed at random moments: what is older than two seconds is there afterwards."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from desk import make_small_project
from killing import check_nothing_is_lost, paint_and_kill

from napari_graft.project.opening import open_project


@pytest.mark.parametrize("seed", range(3))
def test_killed_painter_loses_no_accepted_tile_and_no_stroke_older_than_two_seconds(
    tmp_path: Path, seed: int
) -> None:
    folder = make_small_project(tmp_path)
    said, killed_at = paint_and_kill(folder, seed)
    assert len(said) > 1

    with open_project(folder, write=True) as project:
        check_nothing_is_lost(project, said, killed_at)
