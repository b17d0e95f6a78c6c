"""How much people worked, from what a project keeps of its tiles and results."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import tifffile

from napari_graft.annotation.journal import JournalEntry
from napari_graft.annotation.labelled_tile import LabelledTile
from napari_graft.core.tile import Tile
from napari_graft.io.opening import open_volume
from napari_graft.project.project import Project
from napari_graft.project.proofreading import ProofreadingState, ProofreadingStore
from napari_graft.proofreading.object_map import ObjectMap
from napari_graft.proofreading.tools import delete, merge
from napari_graft.session.projects.creation import ImageOptions, describe_project, make_project
from napari_graft.session.projects.work_spent import work_spent


def make(folder: Path) -> Project:
    tifffile.imwrite(folder / "a.tif", np.arange(64 * 64, dtype=np.uint16).reshape(64, 64))
    return make_project(folder / "p.graft", ImageOptions(str(folder / "a.tif"), pixel_size=(4, 4)))


def correct(project: Project, file: Path) -> None:
    store = ProofreadingStore(project.folder, file)
    objects = ObjectMap(tifffile.imread(file))
    journal = store.open_journal(open_volume(file))
    for edit in (delete(objects, [1]), merge(objects, [2, 3])):
        journal.append(edit)
        objects.apply(edit)
    journal.append(edit := delete(objects, [4]))
    objects.apply(edit)
    journal.undo()  # what was undone does not count as changed
    store.write_state(ProofreadingState(n_actions=6, seconds=30.0))


def test_actions_and_seconds_are_told_for_each_result_and_object(tmp_path: Path) -> None:
    with make(tmp_path) as project:
        file = tmp_path / "objects.tif"
        tifffile.imwrite(file, np.repeat(np.arange(1, 17, dtype=np.uint16), 256).reshape(64, 64))
        correct(project, file)
        (tmp_path / "p.graft" / "results" / "damaged.proofreading.json").write_text("{")
        (found,) = work_spent(project).proofread
    assert found.result.startswith("objects-")
    assert (found.n_actions, found.seconds, found.n_edits, found.n_objects) == (6, 30.0, 2, 3)
    assert (found.actions_per_object, found.seconds_per_object) == (2.0, 10.0)
    assert describe_project(tmp_path / "p.graft")["work"]["proofread"][0]["n_edits"] == 2


def test_the_time_of_painting_is_told_for_each_tile(tmp_path: Path) -> None:
    with make(tmp_path) as project:
        assert work_spent(project).seconds_per_tile is None
        for number, seconds in enumerate((20.0, 40.0)):
            tile = Tile((32 * number, 0), (32, 32))
            project.annotations.write(LabelledTile(tile, np.ones(tile.shape, np.uint32)))
            project.journal.append(JournalEntry(who="me", what="accept tile", details={"seconds": seconds}))
        found = work_spent(project)
    assert (found.n_tiles, found.painted_seconds, found.seconds_per_tile) == (2, 60.0, 30.0)
    assert found.proofread == ()
