from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from napari_graft.sources.card import TrainingRecord
from napari_graft.sources.source import LARGEST_FILE, Source, open_source, trained_on

MakeSource = Callable[..., Path]


@pytest.fixture
def source(tmp_path: Path, make_source: MakeSource) -> Source:
    record = TrainingRecord(
        datasets=("fly_em",),
        related_datasets=("fly_em_small",),
        image_sha256s=(hashlib.sha256(b"pixels").hexdigest(),),
    )
    return open_source(make_source(tmp_path, "one", training=record), "user")


def _image(path: Path, data: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def test_a_copy_of_a_training_image_is_recognised_by_its_content(tmp_path: Path, source: Source) -> None:
    assert trained_on(source, _image(tmp_path / "copy" / "renamed.tif", b"pixels"))
    assert not trained_on(source, _image(tmp_path / "copy" / "other.tif", b"other!"))


def test_a_changed_file_is_looked_at_again(tmp_path: Path, source: Source) -> None:
    path = _image(tmp_path / "x.tif", b"other")
    assert not trained_on(source, path)

    assert trained_on(source, _image(path, b"pixels"))


@pytest.mark.parametrize("name", ["fly_em", "fly_em_small"])
def test_other_images_of_the_data_set_and_of_related_ones_count(
    tmp_path: Path, source: Source, name: str
) -> None:
    path = _image(tmp_path / name / "test" / "image_07.tif", b"other")

    assert trained_on(source, path)
    assert trained_on(source, f"{path}::/raw")
    assert trained_on(source, str(path.with_name("missing.tif")))
    assert trained_on(source, tmp_path / f"{name}.zarr")


def test_names_that_only_begin_alike_do_not_count(tmp_path: Path, source: Source) -> None:
    assert not trained_on(source, _image(tmp_path / "fly_em_large" / "image.tif", b"other"))


def test_a_link_does_not_hide_the_data_set(tmp_path: Path, source: Source) -> None:
    target = _image(tmp_path / "fly_em" / "image.tif", b"other")
    link = tmp_path / "innocent.tif"
    link.symlink_to(target)

    assert trained_on(source, link)


def test_a_file_too_large_to_be_read_for_this_is_known_by_its_name_only(
    tmp_path: Path, source: Source
) -> None:
    path = _image(tmp_path / "fly_em" / "large.tif", b"")
    with path.open("wb") as file:
        file.truncate(LARGEST_FILE + 1)  # a hole, which takes no room on the disk

    assert trained_on(source, path)
    assert not trained_on(source, path.rename(tmp_path / "large.tif"))
