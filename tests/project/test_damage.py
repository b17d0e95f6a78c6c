"""One flipped bit in any file of a project: it is told, it costs that file alone, and nothing is deleted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from edited import edit_document
from napari_graft.annotation.labelled_tile import LabelledTile
from napari_graft.core.errors import DamagedFileError
from napari_graft.core.tile import Tile
from napari_graft.io.weights import load_tensors, save_tensors
from napari_graft.project.opening import open_project
from napari_graft.project.project import Project
from napari_graft.project.run import Run
from napari_graft.project.tile_queue import QueuedTile, StoredSuggestion, SuggestionList, TileQueue
from napari_graft.sources.network_spec import ModelSpec

Paint = Callable[..., LabelledTile]
DRAWN = Tile((0, 40), (8, 8))


@pytest.fixture
def project(folder: Path, paint: Paint) -> Path:
    with open_project(folder, write=True) as made:
        for start in ((0, 0), (20, 0)):
            made.accept(paint(start, 2), who="ada")
        for value in (3, 4):
            made.draft(DRAWN).append(paint((0, 40), value, (8, 8)).labels)
        made.store_queue(TileQueue(tiles=(QueuedTile(start=(0, 0), shape=(20, 20)),)))
        suggestion = StoredSuggestion(start=(40, 40), shape=(8, 8), score=0.5, reason="edges")
        made.store_suggestions(SuggestionList(suggestions=(suggestion,)))
        made.vote("fly", ["mouse"], DRAWN, "ada")
    return folder


def _tiles(project: Project) -> set[tuple[object, ...]]:
    return {(t.tile, t.round, t.complete, t.role) for t in project.annotations.labelled_tiles()}


def _flipped(path: Path) -> list[bytes]:
    data = path.read_bytes()
    return [
        data[:i] + bytes([data[i] ^ 1 << bit]) + data[i + 1 :] for i in range(len(data)) for bit in range(8)
    ]


def test_no_flipped_bit_moves_a_tile_or_changes_what_it_is(project: Path, tmp_path: Path) -> None:
    """One moved a tile to another slice."""
    path = project / "annotations" / "000000.json"
    good, known = path.read_bytes(), _tiles(open_project(project))

    for data in _flipped(path)[::3]:
        path.write_bytes(data)
        reader = open_project(project)
        found = _tiles(reader)
        assert found < known, data
        assert "000000.json" in reader.notes[0]
    path.write_bytes(good)
    assert _tiles(open_project(project)) == known


@pytest.mark.parametrize("name", ["suggestions.json", "queue.json"])
def test_no_flipped_bit_changes_what_is_suggested(project: Path, name: str) -> None:
    path = project / name
    for data in _flipped(path)[::5]:
        path.write_bytes(data)
        reader = open_project(project)
        found = reader.suggestions().suggestions if name == "suggestions.json" else reader.queue().tiles
        assert found == ()
        assert name in reader.notes[0]


def test_no_flipped_bit_changes_a_draft_unless_it_is_told(project: Path) -> None:
    (path,) = (project / "drafts").iterdir()
    good = path.read_bytes()
    for data in _flipped(path)[::7]:
        path.write_bytes(data)
        with open_project(project, write=True) as opened:
            found = opened.draft(DRAWN).restore()
            assert found is None or (np.unique(found).size == 1 and found[0, 0] in (3, 4))
            if found is None or found[0, 0] == 3:
                assert path.name in opened.notes[0]
        kept = [file.read_bytes() for file in path.parent.iterdir()]
        assert data in kept
        for file in path.parent.iterdir():
            file.unlink()
    path.write_bytes(good)


def test_no_flipped_bit_in_the_journal_goes_unseen(project: Path) -> None:
    path = project / "journal.jsonl"
    n_whole = len(list(open_project(project).journal.entries()))

    for data in _flipped(path)[::5]:
        path.write_bytes(data)
        reader = open_project(project)
        assert n_whole - 2 <= len(list(reader.journal.entries())) < n_whole
        assert "journal.jsonl" in reader.notes[0]


def test_an_entry_whose_line_feed_was_damaged_is_told_and_stays_in_the_file(
    project: Path, paint: Paint
) -> None:
    path = project / "journal.jsonl"
    path.write_bytes(path.read_bytes()[:-1] + b"\x0b")
    before = path.read_bytes()

    with open_project(project, write=True) as opened:
        opened.accept(paint((40, 40), 2), who="bob")
        assert [entry.who for entry in opened.journal.entries()] == ["ada", "ada", "bob"]
        assert "line 3" in opened.notes[0]
    assert path.read_bytes().startswith(before)


def test_a_manifest_is_read_from_its_copy_wherever_it_is_damaged(project: Path) -> None:
    path = project / "project.json"
    good, manifest = path.read_bytes(), open_project(project).manifest

    for data in _flipped(path)[::11]:
        path.write_bytes(data)
        reader = open_project(project)
        assert reader.manifest == manifest
        assert "project.backup.json" in reader.notes[0]
    with open_project(project, write=True) as opened:
        assert opened.manifest == manifest
    assert path.read_bytes() == good
    assert (project / "project.json.damaged").read_bytes() == data


def test_a_damaged_tile_is_set_aside_and_painted_anew_in_its_place_and_role(
    project: Path, paint: Paint
) -> None:
    path = project / "annotations" / "000001.tif"
    damaged = path.read_bytes()[:-1] + b"?"
    path.write_bytes(damaged)

    with open_project(project, write=True) as opened:
        assert [tile.start for tile in opened.annotations.tiles()] == [(0, 0)]
        assert "000001.tif" in opened.notes[0]
        opened.accept(paint((40, 40), 2), who="bob")
        opened.accept(paint((20, 0), 5), who="bob")
        starts = [tile.start for tile in opened.annotations.tiles()]
        assert starts == [(0, 0), (20, 0), (40, 40)]

    assert path.with_name("000001.tif.damaged").read_bytes() == damaged
    assert open_project(project).notes == ()


def test_a_project_without_checksums_opens_as_before(project: Path) -> None:
    for path in project.rglob("*.json"):
        edit_document(path)
    lines = (project / "journal.jsonl").read_bytes().splitlines()
    (project / "journal.jsonl").write_bytes(
        b"".join(line[: line.index(b',"checksum"')] + b"}\n" for line in lines)
    )
    (project / "project.backup.json").unlink()

    with open_project(project, write=True) as opened:
        assert len(opened.annotations.labelled_tiles()) == 2
        assert len(opened.queue().tiles) == len(opened.suggestions().suggestions) == 1
        assert len(opened.votes()) == 1
        assert opened.notes == ()
    assert (project / "project.backup.json").is_file()


def _trained(project: Project, value: float) -> Run:
    run = project.new_run("fly", ModelSpec())
    save_tensors(run.weights_path, {"w": np.full(64, value, np.float32)}, {"run": run.id})
    return run.finish(stopped_by="steps", kept=True)


def test_no_flipped_bit_of_the_weights_of_a_run_goes_unseen(project: Path) -> None:
    """One in an exponent gave 0 objects instead of 146."""
    with open_project(project, write=True) as opened:
        run = _trained(opened, 0.5)
    path = run.weights_path

    for data in _flipped(path)[::3]:
        path.write_bytes(data)
        try:
            found = run.load_weights()
        except DamagedFileError as error:
            assert "weights.safetensors" in str(error)
            assert "choose another run" in str(error)
        else:  # in the padding, or in the name of the checksum
            np.testing.assert_array_equal(found["w"], np.full(64, 0.5, np.float32))


def test_the_weights_of_another_run_are_refused(project: Path) -> None:
    with open_project(project, write=True) as opened:
        first, second = _trained(opened, 0.5), _trained(opened, 0.25)
    second.weights_path.write_bytes(first.weights_path.read_bytes())

    with pytest.raises(DamagedFileError, match="are those of run 0001"):
        open_project(project).runs.get("latest").load_weights()


def test_weights_without_a_checksum_are_read_as_before(tmp_path: Path) -> None:
    from safetensors.numpy import save_file

    save_file({"w": np.ones(4, np.float32)}, tmp_path / "old.safetensors", {"run": "0001"})

    tensors, words = load_tensors(tmp_path / "old.safetensors")
    assert words == {"run": "0001"}
    np.testing.assert_array_equal(tensors["w"], np.ones(4, np.float32))
