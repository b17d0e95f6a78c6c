from __future__ import annotations

import logging
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile

from edited import edit_document
from napari_graft.annotation.labelled_tile import LabelledTile
from napari_graft.core.errors import InputError, StorageError
from napari_graft.core.tile import Tile
from napari_graft.project.image_file import ImageChoice
from napari_graft.project.opening import create_project, open_project
from napari_graft.project.tile_queue import StoredSuggestion, SuggestionList
from napari_graft.sources.network_spec import ModelSpec

Paint = Callable[..., LabelledTile]


def test_a_new_project_knows_its_image(tmp_path: Path) -> None:
    path = tmp_path / "stack.tif"
    tifffile.imwrite(path, np.zeros((5, 60, 80), np.uint8))
    choice = ImageChoice(str(path), axes="zyx", pixel_size=(0.05, 0.004, 0.004), unit="um")

    with create_project(tmp_path / "deep" / "p.graft", choice, structure="mitochondria") as made:
        assert made.is_writable
        assert made.latest_run() is None
    manifest = open_project(tmp_path / "deep" / "p.graft").manifest

    assert manifest == made.manifest
    assert (manifest.name, manifest.shape, manifest.axes) == ("p", (5, 60, 80), "zyx")
    assert manifest.spatial_axes.pixel_size_in("nm") == pytest.approx((50.0, 4.0, 4.0))
    assert manifest.structure == "mitochondria"
    assert "napari-graft" in manifest.versions


def test_the_image_is_read_as_it_was_when_the_project_was_made(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).random((3, 60, 80)).astype(np.float32)
    tifffile.imwrite(tmp_path / "channels.tif", pixels)
    choice = ImageChoice(str(tmp_path / "channels.tif"), "cyx", (2.0, 2.0), "nm", channel=1)

    with create_project(tmp_path / "p.graft", choice) as project:
        np.testing.assert_array_equal(project.volume.read(Tile((0, 0), (60, 80))), pixels[1])
    volume = open_project(tmp_path / "p.graft").volume

    np.testing.assert_array_equal(volume.read(Tile((5, 6), (7, 8))), pixels[1, 5:12, 6:14])
    assert volume.axes.pixel_size == (2.0, 2.0)


def test_what_is_there_already_is_not_overwritten(tmp_path: Path, folder: Path, image: Path) -> None:
    (tmp_path / "file.graft").touch()

    for path in (folder, tmp_path / "file.graft"):
        with pytest.raises(InputError, match="exists already"):
            create_project(path, ImageChoice(str(image)))
    (tmp_path / "empty.graft").mkdir()
    create_project(tmp_path / "empty.graft", ImageChoice(str(image))).close()


def test_no_project_is_made_for_an_image_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "text.tif").write_text("hello")

    for name in ("none.tif", "text.tif"):
        with pytest.raises(InputError):
            create_project(tmp_path / "p.graft", ImageChoice(str(tmp_path / name)))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["text.tif"]


def test_a_folder_without_a_project_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="napari-graft new"):
        open_project(tmp_path / "none.graft")
    with pytest.raises(InputError, match="is no napari-graft project"):
        open_project(tmp_path, write=True)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "damaged"),
        ("{", "damaged"),
        ('{"format_version": 2, "future": true}', r"made by a newer napari-graft \(format 2\): update"),
        ('{"name": "x"}', "image"),
    ],
)
def test_a_broken_or_newer_manifest_is_told_and_frees_the_lock(folder: Path, text: str, message: str) -> None:
    (folder / "project.backup.json").unlink()  # as before there were copies
    good = (folder / "project.json").read_text()
    (folder / "project.json").write_text(text)

    for write in (False, True):
        with pytest.raises(InputError, match=message):
            open_project(folder, write=write)
    (folder / "project.json").write_text(good)
    open_project(folder, write=True).close()


@pytest.mark.parametrize(
    "change",
    [
        {"shape": [60]},
        {"shape": [0, 80]},
        {"axes": "qq"},
        {"pixel_size": [1.0, -1.0]},
        {"intensity_range": [5.0, 5.0]},
        {"structure": "ghosts"},
        {"image": 3},
    ],
)
def test_impossible_values_in_a_manifest_are_told(folder: Path, change: dict[str, object]) -> None:
    (folder / "project.backup.json").unlink()
    edit_document(folder / "project.json", **change)

    with pytest.raises(InputError, match="cannot be used"):
        open_project(folder)


def test_a_manifest_is_changed_on_disk_or_not_at_all(folder: Path) -> None:
    with open_project(folder, write=True) as project:
        project.update_manifest(inverted=True, intensity_range=(1.0, 9.0))
        with pytest.raises(InputError, match="intensity_range"):
            project.update_manifest(intensity_range="wide")
        assert open_project(folder).manifest == project.manifest

    assert open_project(folder).manifest.inverted


def test_a_project_moved_with_its_image_still_finds_it(tmp_path: Path) -> None:
    (tmp_path / "a" / "data").mkdir(parents=True)
    tifffile.imwrite(tmp_path / "a" / "data" / "image.tif", np.zeros((60, 80), np.uint8))
    create_project(
        tmp_path / "a" / "p.graft", ImageChoice(str(tmp_path / "a" / "data" / "image.tif"))
    ).close()

    shutil.move(tmp_path / "a", tmp_path / "b")
    project = open_project(tmp_path / "b" / "p.graft")

    assert project.manifest.image == "../data/image.tif"
    assert project.image.path == str(tmp_path / "b" / "data" / "image.tif")
    assert project.volume.shape == (60, 80)
    assert not project.is_image_changed


def test_an_image_far_from_the_project_is_found_after_the_project_moved(tmp_path: Path, image: Path) -> None:
    (tmp_path / "a").mkdir()
    create_project(tmp_path / "a" / "p.graft", ImageChoice(str(image))).close()

    shutil.move(tmp_path / "a" / "p.graft", tmp_path / "q.graft")

    assert open_project(tmp_path / "q.graft").volume.shape == (60, 80)


def test_a_missing_image_is_told_and_the_rest_of_the_project_opens(folder: Path, image: Path) -> None:
    image.unlink()
    project = open_project(folder)

    with pytest.raises(InputError, match=r"image\.tif.*is missing"):
        project.volume.read(Tile((0, 0), (1, 1)))
    assert project.is_image_changed
    assert project.manifest.shape == (60, 80)
    assert project.cost().n_tiles == 0


def test_an_image_of_another_shape_is_refused(folder: Path, image: Path) -> None:
    tifffile.imwrite(image, np.zeros((60, 81), np.uint16))

    with pytest.raises(InputError, match=r"has shape \(60, 81\), it had \(60, 80\)"):
        open_project(folder).volume.read(Tile((0, 0), (1, 1)))


def test_a_changed_image_is_noticed_and_a_copied_one_is_not_a_change(
    folder: Path, image: Path, caplog: pytest.LogCaptureFixture
) -> None:
    data = image.read_bytes()
    image.unlink()
    image.write_bytes(data)
    assert open_project(folder).volume.shape == (60, 80)
    assert not caplog.records

    tifffile.imwrite(image, np.ones((60, 80), np.uint16))
    with caplog.at_level(logging.WARNING):
        assert open_project(folder).volume.shape == (60, 80)
    assert "has changed" in caplog.text


def test_accepted_tiles_are_stored_and_noted(folder: Path, paint: Paint) -> None:
    with open_project(folder, write=True) as project:
        project.accept(paint((0, 0), 3), who="ada", model="0001")
        project.accept(paint((0, 0), 4), who="bob")
        project.accept(paint((20, 0), 5), who="ada")

    reader = open_project(folder)
    assert [int(t.labels[0, 0]) for t in reader.annotations.labelled_tiles()] == [4, 5]
    notes = [(e.who, e.what, e.model, e.details["start"]) for e in reader.journal.entries()]
    assert notes == [
        ("ada", "accept tile", "0001", "(0, 0)"),
        ("bob", "accept tile", None, "(0, 0)"),
        ("ada", "accept tile", None, "(20, 0)"),
    ]


@pytest.mark.parametrize(
    ("start", "shape"), [((50, 0), (20, 20)), ((0, -1), (20, 20)), ((0, 0, 0), (1, 9, 9))]
)
def test_a_tile_outside_the_image_is_refused(
    folder: Path, paint: Paint, start: tuple[int, ...], shape: tuple[int, ...]
) -> None:
    with open_project(folder, write=True) as project:
        with pytest.raises(InputError, match="not wholly inside the image"):
            project.accept(paint(start, shape=shape), who="ada")
        assert project.annotations.tiles() == []


def test_suggestions_replace_the_earlier_ones(folder: Path) -> None:
    first = StoredSuggestion(start=(0, 0), shape=(20, 20), score=0.5, reason="median uncertainty")
    second = StoredSuggestion(start=(20, 0), shape=(20, 20), score=float("inf"), reason="far from all others")
    with open_project(folder, write=True) as project:
        assert project.suggestions().suggestions == ()
        project.store_suggestions(SuggestionList(suggestions=(first, second), strategy="freesel"))
        project.store_suggestions(SuggestionList(suggestions=(second,), strategy="entropy", model="fly"))

    stored = open_project(folder).suggestions()
    assert stored.suggestions == (second,)
    assert (stored.strategy, stored.model) == ("entropy", "fly")
    assert stored.suggestions[0].tile == Tile((20, 0), (20, 20))


def test_a_reader_takes_nothing(folder: Path, paint: Paint) -> None:
    before = sorted(p.relative_to(folder) for p in folder.rglob("*"))
    project = open_project(folder)
    actions: list[Callable[[], object]] = [
        lambda: project.accept(paint((0, 0)), who="ada"),
        lambda: project.update_manifest(inverted=True),
        lambda: project.store_suggestions(SuggestionList()),
        lambda: project.runs.start("fly", ModelSpec(), 1),
    ]

    for action in actions:
        with pytest.raises(InputError, match="for reading"):
            action()
    assert sorted(p.relative_to(folder) for p in folder.rglob("*")) == before


def test_the_cost_adds_up(folder: Path, paint: Paint) -> None:
    with open_project(folder, write=True) as project:
        project.accept(paint((0, 0)), who="ada")
        project.accept(paint((20, 20)), who="ada")
        project.new_run("fly", ModelSpec()).finish(stopped_by="budget", seconds=2.5)
        project.new_run("fly", ModelSpec()).update(seconds=1.0)

        cost = project.cost()

    assert (cost.n_tiles, cost.n_pixels, cost.n_runs, cost.seconds) == (2, 800, 2, 3.5)
    assert cost.fraction == pytest.approx(800 / 4800)


def test_a_run_needs_an_annotated_tile(folder: Path) -> None:
    with open_project(folder, write=True) as project, pytest.raises(InputError, match="no annotated tile"):
        project.new_run("fly", ModelSpec())


def test_a_full_disk_leaves_a_project_that_opens(small_disk: Path, image: Path, paint: Paint) -> None:
    path = small_disk / "p.graft"
    noise = np.random.default_rng(0).integers(1, 2**32, (60, 80), np.uint32)
    with create_project(path, ImageChoice(str(image))) as project:
        project.accept(paint((0, 0), 7), who="ada")
        (small_disk / "filler").write_bytes(bytes(shutil.disk_usage(small_disk).free - 8192))
        tries: list[Callable[[], object]] = [
            lambda: project.accept(LabelledTile(Tile((20, 0), (40, 80)), noise[20:]), who="ada"),
            lambda: project.store_suggestions(SuggestionList(strategy="x" * 400_000)),
            lambda: project.update_manifest(name="x" * 400_000),
        ]
        for attempt in tries:
            with pytest.raises(StorageError, match="full"):
                attempt()
        assert project.manifest.name == "p"

    with open_project(path, write=True) as project:
        assert [t.labels.max() for t in project.annotations.labelled_tiles()] == [7]
        assert len(list(project.journal.entries())) == 1
        assert project.suggestions().suggestions == ()
        project.accept(paint((20, 0), 8), who="ada")


def test_no_project_is_made_on_a_full_disk(small_disk: Path, image: Path) -> None:
    (small_disk / "filler").write_bytes(bytes(256 * 1024))

    with pytest.raises(StorageError, match="full"):
        create_project(small_disk / "p.graft", ImageChoice(str(image)))

    assert [p.name for p in small_disk.iterdir()] == ["filler"]
