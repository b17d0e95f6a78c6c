"""A demonstration that was killed can be called again, and what somebody did in its project stays."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
from tiny_loop import make_sample

from napari_graft.annotation.labelled_tile import LabelledTile
from napari_graft.core.errors import InputError
from napari_graft.core.tile import Tile
from napari_graft.project.opening import open_project
from napari_graft.project.project import Project
from napari_graft.session import demo_output
from napari_graft.session.demo_output import (
    PROJECT,
    check_demo_output,
    is_demo_project,
    make_demo_project,
    mark_demo_project,
)
from napari_graft.session.projects.creation import ImageOptions, make_project
from napari_graft.sources.network_spec import ModelSpec


class KilledError(Exception):
    """Stand for the end of the process."""


@pytest.fixture
def options(tmp_path: Path) -> ImageOptions:
    tifffile.imwrite(tmp_path / "image.tif", make_sample((96, 96)).image)
    return ImageOptions(str(tmp_path / "image.tif"))


@pytest.fixture
def out(tmp_path: Path) -> Path:
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


def _tile(y: int) -> LabelledTile:
    labels = np.ones((16, 16), np.uint32)
    labels[4:9, 4:9] = 2
    return LabelledTile(Tile((y, 0), (16, 16)), labels)


def _is_allowed(out: Path, options: ImageOptions) -> bool:
    check_demo_output(out, options.image, None, overwrite=False)
    return is_demo_project(out / PROJECT)


def test_its_folder_is_made_where_there_is_none(tmp_path: Path, options: ImageOptions) -> None:
    make_demo_project(tmp_path / "new" / "out" / PROJECT, options).close()
    assert [path.name for path in (tmp_path / "new" / "out").iterdir()] == [PROJECT]


@pytest.mark.parametrize("folder", [".", "new", "new/out"])
def test_an_image_that_cannot_be_used_leaves_nothing_behind(out: Path, folder: str) -> None:
    with pytest.raises(InputError):
        make_demo_project(out / folder / PROJECT, ImageOptions(str(out / "missing.tif")))
    assert not list(out.iterdir())


def test_killed_before_its_project_has_a_mark_it_can_be_called_again(
    out: Path, options: ImageOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object) -> None:
        raise KilledError

    with monkeypatch.context() as patch:
        patch.setattr(demo_output, "mark_demo_project", die)
        with pytest.raises(KilledError):
            make_demo_project(out / PROJECT, options)
    assert (out / PROJECT).is_dir()
    assert _is_allowed(out, options)


def test_killed_while_its_project_is_made_it_can_be_called_again(out: Path, options: ImageOptions) -> None:
    make_demo_project(out / PROJECT, options).close()
    (out / PROJECT).rename(out / f".{PROJECT}.partial")
    (out / f".{PROJECT}.partial" / "demo.json").unlink()
    demo_output.write_document(out / ".demo-begins.json", demo_output._Beginning())
    check_demo_output(out, options.image, None, overwrite=False)


@pytest.mark.parametrize("n_accepted", [0, 1, 2])
def test_killed_between_two_tiles_it_can_be_called_again(
    out: Path, options: ImageOptions, n_accepted: int
) -> None:
    planned = [_tile(0), _tile(32)]
    with make_demo_project(out / PROJECT, options) as project:
        mark_demo_project(project, planned)
        for one in planned[:n_accepted]:
            project.accept(one, who="demo")
    assert _is_allowed(out, options)


def test_killed_while_it_trains_it_can_be_called_again(out: Path, options: ImageOptions) -> None:
    with make_demo_project(out / PROJECT, options) as project:
        project.accept(_tile(0), who="demo")
        mark_demo_project(project, n_more_runs=1)
        project.new_run("tiny-nuclei", ModelSpec())
    assert _is_allowed(out, options)


def _paint_elsewhere(project: Project) -> None:
    project.accept(_tile(64), who="somebody")


def _repaint(project: Project) -> None:
    tile = _tile(0)
    project.accept(LabelledTile(tile.tile, np.where(tile.labels == 2, 3, tile.labels)), who="somebody")


def _train(project: Project) -> None:
    project.new_run("tiny-nuclei", ModelSpec())


@pytest.mark.parametrize("work", [_paint_elsewhere, _repaint, _train])
def test_what_somebody_did_in_the_project_of_a_demonstration_stays(
    out: Path, options: ImageOptions, work: Callable[[Project], None]
) -> None:
    with make_demo_project(out / PROJECT, options) as project:
        project.accept(_tile(0), who="demo")
        mark_demo_project(project)
    assert is_demo_project(out / PROJECT)
    with open_project(out / PROJECT, write=True) as project:
        work(project)
    assert not is_demo_project(out / PROJECT)


def test_a_project_that_somebody_made_is_none_of_a_demonstration(out: Path, options: ImageOptions) -> None:
    make_project(out / PROJECT, options).close()
    assert not is_demo_project(out / PROJECT)


def test_a_project_that_somebody_worked_in_is_none_however_a_demonstration_began(
    out: Path, options: ImageOptions
) -> None:
    with make_project(out / PROJECT, options) as project:
        project.accept(_tile(0), who="somebody")
    demo_output.write_document(out / ".demo-begins.json", demo_output._Beginning())
    assert not is_demo_project(out / PROJECT)
