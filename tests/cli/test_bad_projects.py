"""Projects and models that cannot be used: exit 2, words that name the value and the remedy, nothing lost."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import shutil
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tiny_loop import make_annotated

from napari_graft.io.documents import write_document
from napari_graft.project.opening import open_project
from napari_graft.sources.source import open_source

pytestmark = pytest.mark.usefixtures("engine_here")

Graft = Callable[..., Any]


@pytest.fixture(scope="module")
def annotated(tmp_path_factory: pytest.TempPathFactory, image: Path, labels: Path) -> Path:
    return make_annotated(tmp_path_factory.mktemp("bad") / "p.graft", image, labels)


@pytest.fixture
def project(annotated: Path, tmp_path: Path) -> Path:
    shutil.copytree(annotated, tmp_path / "p.graft")
    return tmp_path / "p.graft"


def _state(folder: Path) -> dict[Path, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("lock"))
    return {path: path.read_bytes() for path in files}


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("rank {p} --exclude nobody", ["'nobody'", "sources list"]),
        ("compare {p} --sources tiny-nuclei --out {out}", ["tiny-nuclei", "two or more"]),
        ("compare {p} --sources tiny-nuclei nobody --out {out}", ["'nobody'"]),
        ("suggest {p} --strategy by-eye", ["'by-eye'", "freesel"]),
        ("suggest {p} --n 0", ["0 tiles", "at least 1"]),
        ("suggest {p} --tile 4", ["4 pixels", "at least 32"]),
        ("suggest {p} --source nobody", ["'nobody'"]),
        ("annotate {p} --labels {labels}", ["no tiles", "suggest"]),
        ("annotate {p} --labels {labels} --tiles nowhere.json", ["nowhere.json", "cannot be read"]),
        ("train {p} --source nobody --steps 1", ["'nobody'"]),
        ("predict {p} --out {out}.tif", ["no finished run", "name a source"]),
        ("predict {p} --source nobody --out {out}.tif", ["'nobody'"]),
        ("predict {p} --run 0004 --out {out}.tif", ["'0004'"]),
        ("predict {p} --source tiny-nuclei --out {out}.jpg", [".jpg", ".zarr"]),
        ("predict {p} --source tiny-nuclei --out {out}", ["out", ".zarr"]),
        ("predict {p} --source tiny-nuclei --out {out}.tif --region 0:4", ["'0:4'", "2 axes"]),
        ("predict {p} --source tiny-nuclei --out {out}.tif --region 0:900,:", ["'0:900,:'", "(128, 128)"]),
        ("predict {p} --source tiny-nuclei --out {out}.tif --uncertainty {out}.tif", ["name two files"]),
        ("sources show nobody", ["'nobody'"]),
        ("sources add nowhere.graftsource", ["nowhere.graftsource"]),
        ("sources export nobody --out {out}", ["'nobody'"]),
        ("sources export {p}:0001 --out {out}", ["'0001'"]),
        ("sources train nowhere.yaml --out {out}", ["nowhere.yaml"]),
        ("info nowhere.graft", ["nowhere.graft", "napari-graft new"]),
        ("train nowhere.graft --steps 1", ["nowhere.graft", "napari-graft new"]),
    ],
)
def test_what_is_not_there_is_named_and_changes_nothing(
    graft: Graft, project: Path, labels: Path, command: str, words: list[str]
) -> None:
    before = _state(project.parent)
    names = {"p": project, "labels": labels, "out": project.parent / "out"}

    answer = graft(*(part.format(**names) for part in command.split()))

    assert answer.refuses(*words)
    assert _state(project.parent) == before
    assert not (project.parent / "out").exists()


def test_training_without_tiles_is_refused(graft: Graft, project: Path) -> None:
    shutil.rmtree(project / "annotations")

    answer = graft("train", project, "--source", "tiny-nuclei", "--steps", 1, "--json")

    assert answer.refuses("no tile is annotated", "suggest")
    assert list((project / "runs").iterdir()) == []


@pytest.mark.parametrize("command", ["info", "suggest", "rank", "predict --source tiny-nuclei --out x.tif"])
def test_a_project_of_a_newer_format_is_left_as_it_is(
    graft: Graft, project: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    manifest = project / "project.json"
    newer = json.loads(manifest.read_text()) | {"format_version": 2, "colour": "blue"}
    manifest.write_text(json.dumps(newer))
    before = _state(project)
    name, *options = command.split()

    assert graft(name, project, *options).refuses("newer napari-graft", "format 2", "update")
    assert _state(project) == before


@pytest.mark.parametrize("text", ["", "{", '{"format_version": 1}', "[]"])
def test_a_damaged_project_is_explained(graft: Graft, project: Path, text: str) -> None:
    (project / "project.json").write_text(text)
    (project / "project.backup.json").write_text(text)

    assert graft("info", project).refuses("project.json")


def test_a_folder_that_is_no_project_is_left_alone(graft: Graft, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")

    assert graft("suggest", tmp_path).refuses("no napari-graft project")
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_a_second_writer_is_told_who_writes_and_readers_are_welcome(
    graft: Graft, project: Path, labels: Path, tmp_path: Path
) -> None:
    with open_project(project, write=True):
        writer = str(os.getpid())
        assert graft("suggest", project).refuses("p.graft", writer, "close it there")
        assert graft("annotate", project, "--labels", labels).refuses(writer)
        assert graft("train", project, "--steps", 1).refuses(writer)
        assert graft("info", project).code == 0
        predict = graft("predict", project, "--source", "tiny-nuclei", "--out", tmp_path / "x.tif")
        assert predict.code == 0, predict.err
    assert graft("suggest", project, "--tile", 32).code == 0


def test_a_demo_does_not_remove_the_project_of_another_one(
    graft: Graft, tmp_path: Path, image: Path, labels: Path
) -> None:
    make_annotated(tmp_path / "report" / "demo.graft", image, labels)
    before = _state(tmp_path)

    command = ("demo", "--out", tmp_path / "report", "--image", image, "--labels", labels)
    with open_project(tmp_path / "report" / "demo.graft", write=True):
        answer = graft(*command)

        assert answer.refuses("demo.graft", "choose another folder")
        assert _state(tmp_path) == before
    assert graft(*command, "--overwrite").refuses("demo.graft", "choose another folder")
    assert (tmp_path / "report" / "demo.graft" / "annotations").is_dir()


def test_an_image_that_is_gone_or_replaced_is_named(graft: Graft, tmp_path: Path, image: Path) -> None:
    shutil.copy(image, tmp_path / "image.tif")
    assert graft("new", tmp_path / "p.graft", "--image", tmp_path / "image.tif").code == 0
    (tmp_path / "image.tif").rename(tmp_path / "elsewhere.tif")

    answer = graft("suggest", tmp_path / "p.graft", "--tile", 32)

    assert answer.refuses("image.tif", "is missing", "put it back")


class _Bomb:
    """Makes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return (Path.touch, (self.path,))


def _pickled(path: Path, bomb: _Bomb) -> None:
    path.write_bytes(pickle.dumps({"head.weight": bomb}))


def _torch_zip(path: Path, bomb: _Bomb) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps(bomb, protocol=2))
        archive.writestr("archive/version", "3\n")


def _old_pickle(path: Path, bomb: _Bomb) -> None:
    path.write_bytes(pickle.dumps(bomb, protocol=0))


def _source_with(folder: Path, sources: Path, write: Callable[[Path], None]) -> Path:
    """Make a source whose weights `write` wrote, with a card that vouches for them."""
    shutil.copytree(sources / "tiny-nuclei", folder)
    write(folder / "weights.safetensors")
    digest = hashlib.sha256((folder / "weights.safetensors").read_bytes()).hexdigest()
    card = open_source(folder, "user").card
    write_document(folder / "card.json", card.model_copy(update={"weights_sha256": digest, "id": "bomb"}))
    return folder


@pytest.mark.parametrize("write", [_pickled, _torch_zip, _old_pickle])
def test_weights_that_are_a_pickle_are_never_loaded(
    graft: Graft, project: Path, sources: Path, tmp_path: Path, write: Callable[[Path, _Bomb], None]
) -> None:
    marker = tmp_path / "exploded"
    pickle.loads(pickle.dumps(_Bomb(marker)))
    assert marker.exists()  # it works
    marker.unlink()
    bad = _source_with(tmp_path / "bad", sources, lambda path: write(path, _Bomb(marker)))
    before = _state(project)

    for command in (
        ("predict", project, "--source", bad, "--out", tmp_path / "x.tif"),
        ("suggest", project, "--source", bad),
        ("compare", project, "--sources", bad, "tiny-nuclei", "--out", tmp_path / "out"),
        ("sources", "add", bad),
        ("sources", "add", bad / "weights.safetensors"),
    ):
        assert graft(*command).code == 2
        assert not marker.exists()
    assert graft("predict", project, "--source", bad, "--out", tmp_path / "x.tif").refuses("safetensors")
    assert _state(project) == before
    assert not (tmp_path / "x.tif").exists()


def test_truncated_weights_are_refused_by_training_too(
    graft: Graft, project: Path, sources: Path, tmp_path: Path
) -> None:
    whole = (sources / "tiny-nuclei" / "weights.safetensors").read_bytes()
    bad = _source_with(tmp_path / "bad", sources, lambda path: path.write_bytes(whole[:-64]))
    before = _state(project)

    predict = graft("predict", project, "--source", bad, "--out", tmp_path / "x.tif")
    assert predict.refuses("weights.safetensors", "truncated", "make a new copy")
    train = graft("train", project, "--source", bad, "--steps", 1)
    assert train.refuses("weights.safetensors", "truncated", "make a new copy")
    assert _state(project) == before


def test_weights_that_changed_since_their_card_was_written_are_refused(
    graft: Graft, project: Path, sources: Path, tmp_path: Path
) -> None:
    shutil.copytree(sources / "tiny-nuclei", tmp_path / "bad")
    with (tmp_path / "bad" / "weights.safetensors").open("ab") as file:
        file.write(b" ")

    answer = graft("predict", project, "--source", tmp_path / "bad", "--out", tmp_path / "x.tif")

    assert answer.refuses("checksum", "get them again")


def test_the_weights_of_a_run_that_are_damaged_are_named(graft: Graft, project: Path, tmp_path: Path) -> None:
    run = project / "runs" / "0001"
    with open_project(project, write=True) as opened:
        started = opened.new_run("tiny-nuclei", open_source(_tiny(), "user").card.spec)
        started.weights_path.write_bytes(b"garbage")
        started.finish(stopped_by="steps", kept=True)

    answer = graft("predict", project, "--out", tmp_path / "x.tif")

    assert answer.refuses(str(run / "weights.safetensors"), "make a new copy")


def _tiny() -> Path:
    return Path(os.environ["NAPARI_GRAFT_SOURCES"]) / "tiny-nuclei"


def _fill(disk: Path, left: int) -> Path:
    filler = disk / "filler"
    free = shutil.disk_usage(disk).free
    filler.write_bytes(b"x" * max(0, free - left))
    return filler


@pytest.mark.skipif(sys.platform == "win32", reason="needs a tmpfs")
def test_a_full_disk_is_told_and_loses_nothing(
    graft: Graft, annotated: Path, small_disk: Path, image: Path, labels: Path
) -> None:
    project = small_disk / "p.graft"
    shutil.copytree(annotated, project)
    filler = _fill(small_disk, 0)
    before = _state(project)

    new = graft("new", small_disk / "new.graft", "--image", image)
    assert new.refuses("the disk is full", "free some space")
    suggest = graft("suggest", project, "--tile", 32)
    assert suggest.code == 2
    assert "the disk is full" in suggest.err
    predict = graft("predict", project, "--source", "tiny-nuclei", "--out", small_disk / "x.tif")
    assert predict.code == 2
    assert "the disk is full" in predict.err
    train = graft("train", project, "--source", "tiny-nuclei", "--steps", 1)
    assert train.code == 2
    assert "the disk is full" in train.err
    assert all(path.read_bytes() == content for path, content in before.items())
    assert not (small_disk / "new.graft").exists()
    assert not (small_disk / "x.tif").exists()

    filler.unlink()
    assert graft("info", project, "--json").document["n_annotated_tiles"] == 2
    assert graft("new", small_disk / "new.graft", "--image", image).code == 0
    assert graft("suggest", project, "--tile", 32).code == 0
    assert graft("predict", project, "--source", "tiny-nuclei", "--out", small_disk / "x.tif").code == 0
