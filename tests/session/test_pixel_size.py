"""What the command line says of a pixel size, and what a project keeps of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from napari_graft.project.manifest import ProjectManifest
from napari_graft.project.opening import open_project
from napari_graft.session.projects.creation import ImageOptions, describe_project, make_project
from napari_graft.session.projects.project_image import pixel_size_lines

STACK = np.random.default_rng(1).integers(0, 99, (5, 80, 90), np.uint8)


def make(folder: Path, metadata: dict[str, Any], **options: Any) -> ProjectManifest:
    tifffile.imwrite(
        folder / "a.tif", STACK, imagej=True, resolution=(250, 250), metadata={"axes": "ZYX", **metadata}
    )
    with make_project(folder / "p.graft", ImageOptions(str(folder / "a.tif"), **options)) as project:
        return project.manifest


def test_a_size_is_told_with_where_it_is_from(tmp_path: Path) -> None:
    manifest = make(tmp_path, {"unit": "micron", "spacing": 0.04})
    assert pixel_size_lines(manifest) == [
        "pixel size 0.04 × 0.004 × 0.004 um, from the ImageJ metadata of the TIFF"
    ]
    known = describe_project(tmp_path / "p.graft")
    assert known["pixel_size_from"] == "the ImageJ metadata of the TIFF"
    assert known["pixel_size_doubt"] is None


def test_a_size_that_was_given_is_told_so(tmp_path: Path) -> None:
    manifest = make(tmp_path, {"unit": "micron"}, pixel_size=(40, 4, 4))
    assert pixel_size_lines(manifest) == ["pixel size 40 × 4 × 4 nm, from --pixel-size"]


def test_an_implausible_size_is_asked_for_with_the_reason(tmp_path: Path) -> None:
    manifest = make(tmp_path, {"unit": "micron"})
    (line,) = pixel_size_lines(manifest)
    assert line.startswith("note: the pixel size is unknown (the ImageJ metadata of the TIFF says")
    assert line.endswith("give it with --pixel-size Z Y X --unit nm")
    known = describe_project(tmp_path / "p.graft")
    assert (known["pixel_size"], known["pixel_size_from"]) == (None, None)
    assert "250 times as far apart" in known["pixel_size_doubt"]


def test_an_odd_size_is_used_and_asked_about(tmp_path: Path) -> None:
    size, note = pixel_size_lines(make(tmp_path, {"unit": "micron", "spacing": 2.0}))
    assert size.startswith("pixel size 2 × 0.004 × 0.004 um")
    assert note == (
        "note: slices are 500 times as far apart as a pixel is wide; "
        "if that is wrong, give the pixel size with --pixel-size"
    )


@pytest.mark.parametrize("pixel_size", [None, [40.0, 4.0, 4.0]])
def test_a_project_of_before_opens_with_the_size_that_it_was_made_with(
    tmp_path: Path, pixel_size: list[float] | None
) -> None:
    make(tmp_path, {"unit": "micron", "spacing": 0.05})
    path = tmp_path / "p.graft" / "project.json"
    document = json.loads(path.read_text())
    for name in ("pixel_size_from", "pixel_size_doubt", "checksum"):
        del document[name]
    path.write_text(json.dumps(document | {"pixel_size": pixel_size, "unit": "nm"}))
    with open_project(tmp_path / "p.graft") as project:
        expected = None if pixel_size is None else tuple(pixel_size)
        assert project.manifest.pixel_size == expected
        assert project.volume.axes.pixel_size == expected
        assert project.manifest.pixel_size_from == ""
