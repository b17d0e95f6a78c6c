"""Images and labels that cannot be used: exit 2, words with the value and the remedy, nothing left behind."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import tifffile
import zarr
from tiny_loop import make_sample

from napari_graft.project.opening import open_project

Graft = Callable[..., Any]
Draw = Callable[[Path], str]

PIXELS = make_sample((96, 96)).image


def _missing(folder: Path) -> str:
    return str(folder / "nowhere.tif")


def _empty(folder: Path) -> str:
    (folder / "empty.tif").touch()
    return str(folder / "empty.tif")


def _text(folder: Path) -> str:
    (folder / "notes.tif").write_text("These are my notes and no image.\n" * 20)
    return str(folder / "notes.tif")


def _text_png(folder: Path) -> str:
    (folder / "notes.png").write_text("These are my notes and no image.\n" * 20)
    return str(folder / "notes.png")


def _truncated(folder: Path) -> str:
    tifffile.imwrite(folder / "whole.tif", PIXELS)
    (folder / "cut.tif").write_bytes((folder / "whole.tif").read_bytes()[:2000])
    return str(folder / "cut.tif")


def _constant(folder: Path) -> str:
    tifffile.imwrite(folder / "flat.tif", np.full((96, 96), 7, np.uint8))
    return str(folder / "flat.tif")


def _with_pixel(value: float) -> Draw:
    def draw(folder: Path) -> str:
        pixels = PIXELS.astype(np.float32)
        pixels[41, 17] = value
        tifffile.imwrite(folder / "holes.tif", pixels)
        return str(folder / "holes.tif")

    return draw


def _complex(folder: Path) -> str:
    array = zarr.create_array(folder / "waves.zarr", shape=(96, 96), dtype="complex64", zarr_format=2)
    array[:] = PIXELS * 1j
    return str(folder / "waves.zarr")


def _objects(folder: Path) -> str:
    with h5py.File(folder / "words.h5", "w") as file:
        file.create_dataset("words", (96, 96), h5py.string_dtype())
    return f"{folder / 'words.h5'}::/words"


def _booleans(folder: Path) -> str:
    tifffile.imwrite(folder / "mask.tif", PIXELS > 100)
    return str(folder / "mask.tif")


def _five_axes(folder: Path) -> str:
    array = zarr.create_array(folder / "five.zarr", shape=(2, 3, 4, 16, 16), dtype="uint8")
    array[:] = 1
    return str(folder / "five.zarr")


def _one_axis(folder: Path) -> str:
    with h5py.File(folder / "line.h5", "w") as file:
        file["line"] = np.arange(100)
    return str(folder / "line.h5")


def _other_kind(folder: Path) -> str:
    (folder / "image.docx").write_bytes(b"PK")
    return str(folder / "image.docx")


def _good(folder: Path) -> str:
    tifffile.imwrite(folder / "good.tif", PIXELS)
    return str(folder / "good.tif")


@pytest.mark.parametrize(
    ("draw", "words"),
    [
        (_missing, ["nowhere.tif", "does not exist", "check the path"]),
        (_empty, ["empty.tif", "is empty", "make a new copy"]),
        (_text, ["notes.tif", "cannot be read as TIFF", "make a new copy"]),
        (_text_png, ["notes.png", "cannot be read as a picture", "make a new copy"]),
        (_truncated, ["cut.tif", "make a new copy"]),
        (_constant, ["flat.tif", "are 7", "give an image with some contrast"]),
        (_with_pixel(np.nan), ["holes.tif", "(41, 17)", "nan", "replace"]),
        (_with_pixel(np.inf), ["holes.tif", "(41, 17)", "inf", "replace"]),
        (_complex, ["waves.zarr", "complex64", "save the magnitude"]),
        (_objects, ["words.h5", "object", "save plain numbers"]),
        (_booleans, ["mask.tif", "bool", "give the image"]),
        (_five_axes, ["five.zarr", "5 axes", "(2, 3, 4, 16, 16)", "name them"]),
        (_one_axis, ["line.h5", "two or more axes"]),
        (_other_kind, ["image.docx", "no known image format", ".tif"]),
    ],
)
def test_an_image_that_cannot_be_used_is_refused(
    graft: Graft, tmp_path: Path, draw: Draw, words: list[str]
) -> None:
    name = draw(tmp_path)
    before = sorted(tmp_path.rglob("*"))

    assert graft("new", tmp_path / "p.graft", "--image", name).refuses(*words)
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--pixel-size", "0", "0"), ["(0.0, 0.0)", "must be positive"]),
        (("--pixel-size", "-4", "-4"), ["-4", "must be positive"]),
        (("--pixel-size=-4", "--pixel-size=4"), ["(-4.0, 4.0)", "must be positive"]),
        (("--pixel-size", "nan", "4"), ["nan", "must be positive"]),
        (("--pixel-size", "4", "inf"), ["inf", "must be positive"]),
        (("--pixel-size", "4"), ["1 values", "2 axes"]),
        (("--pixel-size", "4", "4", "4", "4"), ["4 values", "2 axes"]),
        (("--pixel-size", "four", "4"), ["four"]),
        (("--pixel-size", "4", "4", "--unit", "parsec"), ["'parsec'", "nm, um or mm"]),
        (("--axes", "zyx"), ["'zyx'", "(96, 96)"]),
        (("--axes", "qq"), ["'qq'", "'zyx'"]),
        (("--channel", "3"), ["channel 3"]),
        (("--structure", "brains"), ["brains", "neurites"]),
    ],
)
def test_an_option_that_does_not_fit_the_image_is_refused(
    graft: Graft, tmp_path: Path, options: tuple[str, ...], words: list[str]
) -> None:
    name = _good(tmp_path)

    assert graft("new", tmp_path / "p.graft", "--image", name, *options).refuses(*words)
    assert not (tmp_path / "p.graft").exists()


def test_a_project_never_takes_the_place_of_something_else(graft: Graft, tmp_path: Path) -> None:
    name = _good(tmp_path)
    assert graft("new", tmp_path / "p.graft", "--image", name).code == 0
    before = {path: path.read_bytes() for path in (tmp_path / "p.graft").rglob("*") if path.is_file()}

    assert graft("new", tmp_path / "p.graft", "--image", name).refuses("p.graft", "exists already", "choose")
    assert graft("new", name, "--image", name).refuses("good.tif", "exists already")
    assert before == {path: path.read_bytes() for path in before}


def _other_shape(folder: Path) -> str:
    tifffile.imwrite(folder / "small.tif", np.ones((48, 96), np.uint8))
    return str(folder / "small.tif")


def _float_labels(folder: Path) -> str:
    tifffile.imwrite(folder / "real.tif", PIXELS.astype(np.float32))
    return str(folder / "real.tif")


def _negative_labels(folder: Path) -> str:
    labels = np.ones((96, 96), np.int16)
    labels[5, 9] = -3
    tifffile.imwrite(folder / "below.tif", labels)
    return str(folder / "below.tif")


def _colour_labels(folder: Path) -> str:
    tifffile.imwrite(folder / "colours.tif", np.ones((96, 96, 3), np.uint8), photometric="rgb")
    return str(folder / "colours.tif")


@pytest.mark.parametrize(
    ("draw", "words"),
    [
        (_missing, ["nowhere.tif", "does not exist"]),
        (_empty, ["empty.tif", "is empty"]),
        (_text, ["notes.tif", "cannot be read as TIFF"]),
        (_other_shape, ["(48, 96)", "(96, 96)", "give labels of the same image"]),
        (_float_labels, ["real.tif", "float32", "save them as integers"]),
        (_negative_labels, ["below.tif", "-3", "(5, 9)", "use 0 for background"]),
        (_colour_labels, ["colours.tif", "colour", "one number for each pixel"]),
    ],
)
def test_labels_that_cannot_be_used_are_refused(
    graft: Graft, tmp_path: Path, draw: Draw, words: list[str]
) -> None:
    project = tmp_path / "p.graft"
    assert graft("new", project, "--image", _good(tmp_path)).code == 0
    (tmp_path / "tiles.json").write_text('[{"start": [0, 0], "shape": [48, 48]}]')
    name = draw(tmp_path)

    tiles = ("--tiles", tmp_path / "tiles.json")
    assert graft("annotate", project, "--labels", name, *tiles).refuses(*words)
    with open_project(project) as opened:
        assert opened.annotations.tiles() == []
        assert list(opened.journal.entries()) == []


@pytest.mark.parametrize("draw", [_other_shape, _float_labels, _negative_labels, _missing])
def test_evaluation_refuses_the_same_labels(graft: Graft, tmp_path: Path, draw: Draw) -> None:
    good = tmp_path / "labels.tif"
    tifffile.imwrite(good, np.ones((96, 96), np.uint8))
    name = draw(tmp_path)

    assert graft("evaluate", name, good, "--json").refuses()
    assert graft("evaluate", good, name, "--json").refuses()


def test_a_truth_without_objects_and_slices_of_a_single_image_are_refused(
    graft: Graft, tmp_path: Path
) -> None:
    tifffile.imwrite(tmp_path / "none.tif", np.zeros((96, 96), np.uint8))
    tifffile.imwrite(tmp_path / "one.tif", np.ones((96, 96), np.uint8))
    none, one = tmp_path / "none.tif", tmp_path / "one.tif"

    assert graft("evaluate", one, none).refuses("no object")
    assert graft("evaluate", one, one, "--per-slice").refuses("no slices", "(96, 96)")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--image", "{good}"), ["--labels"]),
        (("--labels", "{good}"), ["--image"]),
        (("--image", "{good}", "--labels", "{other}"), ["(48, 96)", "(96, 96)"]),
        (("--image", "{missing}", "--labels", "{good}"), ["does not exist"]),
        (("--image", "{flat}", "--labels", "{good}"), ["are 7"]),
        (("--image", "{good}", "--labels", "{good}", "--tile", "8"), ["8", "at least 32"]),
        (("--image", "{good}", "--labels", "{good}", "--rounds", "0"), ["0 rounds"]),
        (("--image", "{good}", "--labels", "{good}", "--exclude", "nobody"), ["'nobody'"]),
        (("--image", "{folder}/x_*.tif", "--labels", "{good}"), ["x_*.tif", "no file matches"]),
    ],
)
def test_the_demo_refuses_what_it_cannot_show_and_leaves_nothing(
    graft: Graft, tmp_path: Path, options: tuple[str, ...], words: list[str]
) -> None:
    names = {"good": _good(tmp_path), "other": _other_shape(tmp_path), "missing": _missing(tmp_path)}
    names |= {"flat": _constant(tmp_path), "folder": str(tmp_path)}

    answer = graft("demo", "--out", tmp_path / "report", *(option.format(**names) for option in options))

    assert answer.refuses(*words)
    assert not (tmp_path / "report").exists()
