"""No output of any command takes the place of what somebody else has made, and each can be made again."""

from __future__ import annotations

import os
import shutil
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
import zarr
from cyclopts import App
from PIL import Image
from tiny_loop import make_stack

from napari_graft.cli.app import app

Graft = Callable[..., Any]

RECIPE = """
id: tiny-recipe
title: A tiny source
structure: nuclei
license: CC0-1.0
spec: {widths: [8, 16]}
folder: ../inputs
images: [{image: stack.tif, labels: labels.tif}]
schedule: {steps: 1, patch: 64, batch_size: 1}
"""


@dataclass(frozen=True)
class Case:
    """One output of one command; `words` with ``OUT`` for it."""

    command: str
    words: str
    name: str
    option: str = "--out"
    runs: bool = True
    """Whether it is made here: what takes long is made by a test of its own."""

    @property
    def is_folder(self) -> bool:
        return "." not in self.name

    def arguments(self, out: Path, place: Path) -> list[str]:
        words = self.words.replace("IN", str(place / "inputs")).split()
        return [*self.command.split(), *(str(out) if word == "OUT" else word for word in words)]


PREDICT = "IN/p.graft --source tiny-nuclei --device cpu --out"
CASES = [
    Case("predict", f"{PREDICT} OUT", "a.tif"),
    Case("predict", f"{PREDICT} OUT", "a.ome.zarr"),
    Case("predict", f"{PREDICT} IN/../objects.tif --uncertainty OUT", "u.tif", "--uncertainty"),
    Case("predict", f"{PREDICT} IN/../objects.tif --uncertainty OUT", "u.zarr", "--uncertainty"),
    Case(
        "compare", "IN/p.graft --sources tiny-nuclei tiny-neurites --n 1 --device cpu --out OUT", "compared"
    ),
    Case(
        "demo",
        "--image IN/image.tif --labels IN/image_labels.tif --tile 64 --steps 1 --out OUT",
        "d",
        runs=False,
    ),
    Case("export", "IN/image_labels.tif --image IN/image.tif --to tiff --out OUT", "a.tif"),
    Case("export", "IN/image_labels.tif --image IN/image.tif --to ome-zarr --out OUT", "a.zarr"),
    Case("export", "IN/image_labels.tif --image IN/image.tif --to coco --out OUT", "a.json"),
    Case("export", "IN/image_labels.tif --image IN/image.tif --to csv --out OUT", "a.csv"),
    Case("export", "IN/labels.tif --to mesh --out OUT", "a.obj"),
    Case("sources export", "tiny-nuclei --out OUT", "a.graftsource"),
    Case("sources export", "tiny-nuclei --format torchscript --out OUT", "a.pt"),
    Case("sources map", "IN/p.graft --device cpu --out OUT", "map.png", runs=False),
    Case("sources map", "IN/p.graft --device cpu --out OUT", "map.json", runs=False),
    Case("sources train", "IN/tiny.yaml --device cpu --out OUT", "made"),
    Case("benchmark", "label-efficiency --data IN --out OUT", "results", runs=False),
]
ALL = pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.command} {case.option} {case.name}")


def outputs_of(level: App, words: tuple[str, ...] = ()) -> Iterator[tuple[str, set[str]]]:
    for word in (name for name in level if not name.startswith("-")):
        command = level[word]
        if command.default_command is None:
            yield from outputs_of(command, (*words, word))
            continue
        options = {one for argument in command.assemble_argument_collection() for one in argument.names}
        if options & {"--out", "--uncertainty"}:
            yield " ".join((*words, word)), options


def test_every_output_is_among_the_cases_and_can_be_overwritten() -> None:
    found = dict(outputs_of(app))
    named = {(command, option) for command, options in found.items() for option in options}
    assert {(case.command, case.option) for case in CASES} == {
        (command, option) for command, option in named if option in ("--out", "--uncertainty")
    }
    assert all("--overwrite" in options for options in found.values())


@pytest.fixture
def place(tmp_path: Path, graft: Graft, image: Path, labels: Path) -> Path:
    """Give a folder with inputs of all kinds and a project."""
    inputs = tmp_path / "inputs"
    inputs.mkdir()
    shutil.copy(image, inputs / "image.tif")
    shutil.copy(labels, inputs / "image_labels.tif")
    sample = make_stack(10, 96)
    tifffile.imwrite(inputs / "stack.tif", sample.image)
    tifffile.imwrite(inputs / "labels.tif", sample.segments)
    (inputs / "tiny.yaml").write_text(RECIPE)
    assert graft("new", inputs / "p.graft", "--image", inputs / "image.tif").code == 0
    return tmp_path


def contents(folder: Path) -> dict[str, object]:
    """Return all that is below a folder, but the project's lock."""
    found: dict[str, object] = {}
    for path in sorted(folder.rglob("*")):
        if path.is_symlink():
            found[str(path)] = os.readlink(path)
        elif path.is_file():
            found[str(path)] = path.read_bytes()
        else:
            found[str(path)] = None
    return {name: data for name, data in found.items() if not name.endswith((".lock", "lock", "lock.holder"))}


def write_foreign(path: Path) -> None:
    """Write a good file of the same kind that another program made."""
    suffix = path.suffix
    pixels = np.arange(64, dtype=np.uint8).reshape(8, 8)
    if suffix == ".tif":
        tifffile.imwrite(path, pixels)
    elif suffix == ".zarr":
        group = zarr.create_group(path)
        group.create_array("raw", data=pixels)
    elif suffix == ".png":
        Image.fromarray(pixels).save(path)
    elif suffix in (".graftsource", ".pt"):
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("model/data.pkl", b"mine")
    elif suffix == "":
        path.mkdir()
        (path / "my-notes.txt").write_text("mine")
    else:
        path.write_text('{"mine": true}')


def be_the_image(case: Case, place: Path) -> Path:
    return place / "inputs" / "image.tif"


def be_a_hard_link_to_an_input(case: Case, place: Path) -> Path:
    os.link(place / "inputs" / "stack.tif", place / case.name)
    return place / case.name


def be_a_link_to_an_input(case: Case, place: Path) -> Path:
    (place / case.name).symlink_to(place / "inputs" / "image.tif")
    return place / case.name


def be_of_another_program(case: Case, place: Path) -> Path:
    write_foreign(place / case.name)
    return place / case.name


def be_of_another_kind(case: Case, place: Path) -> Path:
    """Be what no output of the command can be, such as raw pixels where an export is to be."""
    if case.is_folder:
        return hold_something_else(case, place)
    out, pixels = place / case.name, np.arange(64, dtype=np.uint8).reshape(8, 8)
    if out.suffix == ".tif":
        Image.fromarray(pixels).save(out, format="png")
    else:
        tifffile.imwrite(out, pixels)
    return out


def be_a_dead_link(case: Case, place: Path) -> Path:
    (place / case.name).symlink_to(place / "nowhere")
    return place / case.name


def be_a_looping_link(case: Case, place: Path) -> Path:
    (place / case.name).symlink_to(place / case.name)
    return place / case.name


def lie_below_a_looping_link(case: Case, place: Path) -> Path:
    (place / "loop").symlink_to(place / "loop")
    return place / "loop" / case.name


def lie_in_the_project(case: Case, place: Path) -> Path:
    return place / "inputs" / "p.graft" / "results" / case.name


def lie_in_the_project_through_a_link(case: Case, place: Path) -> Path:
    (place / "here").symlink_to(place / "inputs" / "p.graft")
    return place / "here" / case.name


def lie_in_another_project(case: Case, place: Path) -> Path:
    shutil.copytree(place / "inputs" / "p.graft", place / "other.graft")
    return place / "other.graft" / case.name


def lie_below_a_file(case: Case, place: Path) -> Path:
    return place / "inputs" / "image.tif" / case.name


def lie_among_the_chunks_of_a_zarr_array(case: Case, place: Path) -> Path:
    group = zarr.create_group(place / "theirs.zarr")
    group.create_array("raw", data=np.arange(64, dtype=np.uint8).reshape(8, 8))
    return place / "theirs.zarr" / "raw" / case.name


def hold_something_else(case: Case, place: Path) -> Path:
    (place / case.name).mkdir()
    (place / case.name / "my-notes.txt").write_text("mine")
    return place / case.name


HAZARDS = [
    be_the_image,
    be_a_hard_link_to_an_input,
    be_a_link_to_an_input,
    be_a_dead_link,
    be_a_looping_link,
    lie_below_a_looping_link,
    lie_in_the_project,
    lie_in_the_project_through_a_link,
    lie_in_another_project,
    lie_below_a_file,
    lie_among_the_chunks_of_a_zarr_array,
    hold_something_else,
    be_of_another_program,
    be_of_another_kind,
]
OF_A_FILE = {be_a_hard_link_to_an_input, be_of_another_program}
"""What --overwrite is there for, where an output is one file that is no input."""


@ALL
@pytest.mark.parametrize("overwrite", [False, True])
def test_an_output_where_something_would_be_lost_is_refused_and_nothing_is_touched(
    graft: Graft, place: Path, case: Case, overwrite: bool
) -> None:
    before: dict[str, object] = {}
    for hazard in HAZARDS:
        has_inputs = "IN" in case.words
        if overwrite and (hazard in OF_A_FILE or (hazard is be_the_image and not has_inputs)):
            continue
        room = place / hazard.__name__
        shutil.copytree(place / "inputs", room / "inputs")
        shutil.rmtree(room / "inputs" / "p.graft")
        assert graft("new", room / "inputs" / "p.graft", "--image", room / "inputs" / "image.tif").code == 0
        out = hazard(case, room)
        before = contents(room)
        answer = graft(*case.arguments(out, room), *(["--overwrite"] if overwrite else []))
        assert answer.refuses(), (hazard.__name__, answer.err)
        assert contents(room) == before, hazard.__name__


@ALL
def test_a_result_is_made_again_as_often_as_one_likes(graft: Graft, place: Path, case: Case) -> None:
    if not case.runs:
        pytest.skip("takes long; made again in a test of its own")
    out = place / case.name
    for _ in range(2):
        answer = graft(*case.arguments(out, place))
        assert answer.code == 0, answer.err
    assert not [name for name in os.listdir(place) if name.endswith(".partial")]


@ALL
def test_a_file_of_another_program_is_replaced_when_that_is_said(
    graft: Graft, place: Path, case: Case
) -> None:
    if case.is_folder or case.name.endswith(".zarr") or not case.runs:
        pytest.skip("folders with anything else are never replaced, or takes long")
    write_foreign(place / case.name)
    answer = graft(*case.arguments(place / case.name, place), "--overwrite")
    assert answer.code == 0, answer.err
    assert graft(*case.arguments(place / case.name, place)).code == 0
