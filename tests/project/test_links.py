"""Links, pipes, devices and endless files in a project: refused before they are read or written to."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from edited import edit_document
from napari_graft.annotation.labelled_tile import LabelledTile
from napari_graft.core.errors import InputError, StorageError
from napari_graft.core.tile import Tile
from napari_graft.project.image_file import ImageChoice
from napari_graft.project.opening import create_project, open_delegate, open_project
from napari_graft.project.tile_queue import QueuedTile, SuggestionList, TileQueue
from napari_graft.sources.network_spec import ModelSpec

Paint = Callable[..., LabelledTile]
PLACES = (
    "project.json",
    "project.backup.json",
    "suggestions.json",
    "queue.json",
    "ranking.json",
    "desk.json",
    "journal.jsonl",
    "lock",
    "lock.holder",
    "annotations",
    "annotations/000000.json",
    "annotations/000000.tif",
    "annotations/000001.tif",
    "annotations/.000001.tif.0.partial",
    "drafts",
    "drafts/0-40_8x8.draft",
    "runs",
    "runs/0001",
    "runs/0002",
    "runs/trial",
    "runs/trial.json",
    "runs/0001/run.json",
    "runs/0001/weights.safetensors",
    "runs/0001/checkpoint.safetensors",
    "cache",
    "cache/measured",
    "cache/measured/a-image.json",
    "cache/guesses",
    "results",
    "results/round-0001.json",
    "results/round-0001.zarr",
    ".project.json.0.partial",
)


@pytest.fixture
def project(folder: Path, paint: Paint) -> Path:
    with open_project(folder, write=True) as made:
        made.accept(paint((0, 0), 2), who="ada")
        made.draft(Tile((0, 40), (8, 8))).append(paint((0, 40), 3, (8, 8)).labels)
        made.store_queue(TileQueue(tiles=(QueuedTile(start=(0, 0), shape=(20, 20)),)))
        made.store_suggestions(SuggestionList())
        made.new_run("fly", ModelSpec())
    return folder


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    folder = tmp_path / "of the user"
    folder.mkdir()
    for name in ("000000.tif", "000001.tif", "notes.jsonl"):
        (folder / name).write_text("dear diary")
    return folder


def _state(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def _replace(path: Path, make: Callable[[Path], object]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)
    make(path)


@pytest.mark.parametrize("name", PLACES)
@pytest.mark.parametrize("to", ["folder", "file", "nowhere"])
def test_a_link_inside_a_project_is_refused_and_nothing_is_written_through_it(
    project: Path, elsewhere: Path, name: str, to: str
) -> None:
    target = {"folder": elsewhere, "file": elsewhere / "notes.jsonl", "nowhere": elsewhere / "none"}[to]
    _replace(project / name, lambda path: path.symlink_to(target))
    before = _state(elsewhere)

    for open_it in (open_project, open_delegate, lambda path: open_project(path, write=True)):
        with pytest.raises(InputError, match="links inside a project are refused") as caught:
            open_it(project)
        assert name in str(caught.value)

    assert _state(elsewhere) == before


def test_links_to_a_project_to_its_image_and_beside_its_own_files_are_welcome(
    project: Path, tmp_path: Path, paint: Paint
) -> None:
    (tmp_path / "short").symlink_to(project)
    (project / "notes").symlink_to(tmp_path)
    image = next(tmp_path.glob("*.tif"))
    image.rename(tmp_path / "moved.tif")
    image.symlink_to(tmp_path / "moved.tif")

    with open_project(tmp_path / "short", write=True) as opened:
        assert opened.volume.shape == opened.manifest.shape
        opened.accept(paint((40, 40), 2), who="ada")
        assert opened.notes == ()


@pytest.mark.parametrize(
    "name",
    [name for name in PLACES if "." in name and "partial" not in name and "zarr" not in name] + ["lock"],
)
@pytest.mark.parametrize("kind", ["pipe", "folder", "endless", "socket name"])
def test_what_is_no_file_is_set_aside_and_costs_its_own_content_alone(
    project: Path, paint: Paint, name: str, kind: str
) -> None:
    def endless(path: Path) -> None:
        with path.open("wb") as file:
            file.truncate(1 << 40)

    make = {"pipe": os.mkfifo, "folder": Path.mkdir, "endless": endless, "socket name": _bind}[kind]
    _replace(project / name, make)

    with open_project(project, write=True) as opened:
        opened.suggestions(), opened.queue(), opened.ranking(), opened.window_state(), opened.trial.load()
        opened.drafts(), opened.votes(), opened.runs.all(), opened.cost()
        n_tiles = len(opened.annotations.labelled_tiles())
        opened.accept(paint((40, 40), 2), who="ada")
        opened.store_queue(TileQueue())
        opened.store_suggestions(SuggestionList())

        assert n_tiles == (0 if name.startswith("annotations/000000") else 1)
        assert len(opened.annotations.labelled_tiles()) == n_tiles + 1
        assert len(list(opened.journal.entries())) == (1 if name == "journal.jsonl" else 2)


def _bind(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        here = Path.cwd()
        os.chdir(path.parent)  # names of sockets are short
        try:
            server.bind(path.name)
        finally:
            os.chdir(here)


@pytest.mark.parametrize("name", ["annotations", "runs", "drafts", "cache", "results"])
def test_a_file_in_the_place_of_a_folder_is_set_aside(project: Path, paint: Paint, name: str) -> None:
    _replace(project / name, Path.touch)

    with open_project(project, write=True) as opened:
        opened.accept(paint((40, 40), 2), who="ada")
        opened.new_run("fly", ModelSpec())

        assert (project / f"{name}.damaged").is_file()
        assert name in opened.notes[0]


def test_a_lock_with_content_is_somebodys_file_and_is_not_emptied(project: Path) -> None:
    (project / "lock").unlink(missing_ok=True)
    (project / "lock").write_text("dear diary")

    with open_project(project, write=True) as opened:
        assert "lock" in opened.notes[0]

    assert (project / "lock.damaged").read_text() == "dear diary"


def test_files_that_a_backup_shares_by_hard_links_are_not_changed_in_it(
    project: Path, tmp_path: Path, paint: Paint
) -> None:
    backup = tmp_path / "backup"
    shutil.copytree(project, backup, copy_function=os.link)
    before = _state(backup)

    with open_project(project, write=True) as opened:
        draft = opened.draft(Tile((0, 40), (8, 8)))
        draft.append(paint((0, 40), 9, (8, 8)).labels)
        opened.accept(paint((40, 40), 2), who="ada")

    assert _state(backup) == before
    assert len(list(open_project(project).journal.entries())) == 2


@pytest.mark.parametrize("content", ["link", "file", "notes"])
def test_what_lies_in_the_place_of_an_unfinished_project_is_left_alone(
    tmp_path: Path, elsewhere: Path, folder: Path, content: str
) -> None:
    image, place = open_project(folder).image.path, tmp_path / ".new.graft.partial"
    if content == "link":
        place.symlink_to(elsewhere)
    elif content == "file":
        place.write_text("dear diary")
    else:
        place.mkdir()
        (place / "notes.txt").write_text("dear diary")
    before = _state(tmp_path)

    with pytest.raises((InputError, StorageError), match="in the way"):
        create_project(tmp_path / "new.graft", ImageChoice(image))

    assert _state(tmp_path) == before


@pytest.mark.parametrize("name", ["/dev/zero", "pipe"])
def test_an_image_that_is_a_device_or_a_pipe_is_refused_before_it_is_read(
    project: Path, tmp_path: Path, name: str
) -> None:
    os.mkfifo(tmp_path / "pipe")
    edit_document(project / "project.json", image=str(tmp_path / name))

    opened = open_project(project)
    assert opened.is_image_changed
    with pytest.raises(InputError, match="neither a file nor a folder"):
        opened.volume.read(Tile((0, 0), (8, 8)))
