from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import tifffile

from napari_graft.core.errors import InputError
from napari_graft.io.documents import DamageLog
from napari_graft.io.opening import open_volume
from napari_graft.project.proofreading import CheckedSuspicion, ProofreadingState, ProofreadingStore
from napari_graft.proofreading.object_map import ObjectMap
from napari_graft.proofreading.tools import delete

STATE = ProofreadingState(
    locked=(3, 4),
    checked=(CheckedSuspicion(ids=(1, 2), reason="weak border", verdict="fixed"),),
    n_actions=7,
    seconds=12.5,
)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "home" / "a.graft"
    (folder / "results").mkdir(parents=True)
    labels = np.repeat(np.arange(16, dtype=np.uint16), 16).reshape(16, 16)
    tifffile.imwrite(folder / "results" / "round-0001.tif", labels, photometric="minisblack")
    return folder


def test_edits_and_state_come_back_after_the_project_has_moved(project: Path, tmp_path: Path) -> None:
    labels = project / "results" / "round-0001.tif"
    store = ProofreadingStore(project, labels)
    objects = ObjectMap(tifffile.imread(labels))
    journal = store.open_journal(open_volume(labels))
    edit = delete(objects, [5, 6])
    journal.append(edit)
    objects.apply(edit)
    store.write_state(STATE)

    moved = Path(shutil.move(project.parent, tmp_path / "elsewhere")) / project.name
    again = ProofreadingStore(moved, moved / "results" / "round-0001.tif")
    found = tifffile.imread(moved / "results" / "round-0001.tif")
    again.open_journal(open_volume(moved / "results" / "round-0001.tif")).replay(found)

    assert np.array_equal(found, objects.labels)
    assert again.read_state() == STATE


def test_two_results_of_one_name_have_files_of_their_own(project: Path, tmp_path: Path) -> None:
    first = ProofreadingStore(project, project / "results" / "round-0001.tif")
    second = ProofreadingStore(project, tmp_path / "round-0001.tif")
    first.write_state(STATE)
    assert second.read_state() == ProofreadingState()


def test_a_result_that_was_replaced_is_begun_anew_and_nothing_is_lost(project: Path) -> None:
    path = project / "results" / "round-0001.tif"
    store = ProofreadingStore(project, path)
    store.open_journal(open_volume(path)).append(delete(ObjectMap(tifffile.imread(path)), [5]))
    store.write_state(STATE)
    tifffile.imwrite(path, np.ones((16, 16), np.uint16), photometric="minisblack")
    with pytest.raises(InputError, match="another result"):
        store.open_journal(open_volume(path))
    kept = store.edits_path.read_bytes()

    store.begin_anew()
    store.open_journal(open_volume(path)).append(delete(ObjectMap(tifffile.imread(path)), [1]))
    store.begin_anew()

    assert store.read_state() == ProofreadingState()
    olds = sorted(path.name for path in (project / "results").glob("*.edits.old-*"))
    assert len(olds) == 2 and (project / "results" / olds[0]).read_bytes() == kept


def test_a_damaged_state_is_set_aside(project: Path) -> None:
    damage = DamageLog(writable=True)
    store = ProofreadingStore(project, project / "results" / "round-0001.tif", damage=damage)
    store.write_state(STATE)
    store.state_path.write_text(store.state_path.read_text().replace("7", "8"))

    assert store.read_state() == ProofreadingState()
    assert "damaged" in damage.notes[0] and not store.state_path.exists()
