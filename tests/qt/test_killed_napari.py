from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "workbench"))

from desk import make_small_project
from killing import check_nothing_is_lost, paint_and_kill

from napari_graft.project.opening import open_project


def test_killed_napari_loses_no_stroke_older_than_two_seconds(tmp_path: Path) -> None:
    folder = make_small_project(tmp_path)
    said, killed_at = paint_and_kill(folder, 0, Path(__file__).with_name("painter_in_napari.py"))
    assert len(said) > 1

    with open_project(folder, write=True) as project:
        check_nothing_is_lost(project, said, killed_at)
