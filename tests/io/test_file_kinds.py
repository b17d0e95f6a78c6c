from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_graft.core.errors import InputError
from napari_graft.io.writers.file_kinds import JSON, PAGE, PNG, TIFF, FileKind
from napari_graft.io.writers.outputs import Input, Outputs

PIXELS = np.arange(64, dtype=np.uint8).reshape(8, 8)
KINDS = pytest.mark.parametrize("kind", [TIFF, PNG, JSON, PAGE], ids=lambda kind: kind.name)


def write_one(path: Path, kind: FileKind) -> None:
    """Write a file of a kind as another program does."""
    if kind is TIFF:
        tifffile.imwrite(path, PIXELS)
    elif kind is PNG:
        Image.fromarray(PIXELS).save(path, format="png")
    else:
        path.write_text('{"mine": 1}' if kind is JSON else "<!DOCTYPE html><html></html>")


@KINDS
def test_a_file_of_the_same_kind_is_replaced_where_that_was_said_and_of_no_other(
    tmp_path: Path, kind: FileKind
) -> None:
    willing, out = Outputs(may_overwrite=True), tmp_path / "out"
    for other in (TIFF, PNG, JSON, PAGE):
        write_one(out, other)
        before = out.read_bytes()
        if other is kind:
            with pytest.raises(InputError, match="say --overwrite"):
                Outputs().write(out, "new", kind)
            willing.check_file(out, kind)
            continue
        with pytest.raises(InputError, match=f"is not {kind.name}: choose another name"):
            willing.write(out, "new", kind)
        assert out.read_bytes() == before


@KINDS
def test_what_came_in_between_the_check_and_the_writing_is_not_written_over(
    tmp_path: Path, kind: FileKind
) -> None:
    out, image = tmp_path / "out", tmp_path / "image.tif"
    write_one(image, TIFF)
    outputs = Outputs((Input(image, "the image"),), may_overwrite=True)
    outputs.check_file(out, kind)
    out.hardlink_to(image)
    before = image.read_bytes()
    with pytest.raises(InputError, match="is the image"):
        outputs.write(out, "new", kind)
    out.unlink()
    write_one(out, kind)
    with pytest.raises(InputError, match="no earlier result"):
        Outputs().write(out, "new", kind)
    assert image.read_bytes() == before


@KINDS
def test_an_empty_file_is_written_over_where_that_was_said(tmp_path: Path, kind: FileKind) -> None:
    out = tmp_path / "out"
    out.touch()
    Outputs(may_overwrite=True).write(out, "new", kind)
    assert out.read_text() == "new"


def test_a_folder_of_results_keeps_a_file_whose_content_is_not_what_its_name_says(tmp_path: Path) -> None:
    (tmp_path / "report.json").write_bytes(b"\x89PNG\r\n\x1a\n mine")
    known = {"report.json": JSON.is_ours}.get
    with pytest.raises(InputError, match=r"report\.json is not a JSON document, as its name says"):
        Outputs(may_overwrite=True).check_folder(tmp_path, known)


@pytest.mark.parametrize("name", ["new.graft", "new.graft/a.tif", "NEW.GRAFT/b/a.tif"])
def test_a_place_that_would_be_taken_for_a_project_is_refused_before_the_work(
    tmp_path: Path, name: str
) -> None:
    with pytest.raises(InputError, match="only projects are called so"):
        Outputs().check_file(tmp_path / name, TIFF)
    assert list(tmp_path.iterdir()) == []
