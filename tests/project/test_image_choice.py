from __future__ import annotations

from pathlib import Path

import pytest

from napari_graft.project.image_file import from_stored_path, to_stored_path


@pytest.mark.parametrize(
    ("image", "stored"),
    [
        ("a/image.tif", "../image.tif"),
        ("a/b/c/image.tif", "../b/c/image.tif"),
        ("a/p.graft/image.tif", "image.tif"),
        ("a/data.h5::/raw/x", "../data.h5::/raw/x"),
    ],
)
def test_an_image_near_the_project_is_named_from_there(tmp_path: Path, image: str, stored: str) -> None:
    assert to_stored_path(f"{tmp_path}/{image}", tmp_path / "a" / "p.graft") == stored
    assert from_stored_path(stored, tmp_path / "a" / "p.graft") == str(tmp_path.resolve() / image)


def test_an_image_elsewhere_is_named_in_full(tmp_path: Path) -> None:
    path = str(tmp_path.resolve() / "elsewhere" / "image.tif")

    assert to_stored_path(path, tmp_path / "a" / "p.graft") == path
    assert from_stored_path(path, tmp_path / "a" / "p.graft") == path


def test_a_name_from_the_current_folder_is_made_independent_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    stored = to_stored_path("image.tif", Path("p.graft"))
    monkeypatch.chdir("/")

    assert from_stored_path(stored, tmp_path / "p.graft") == str(tmp_path.resolve() / "image.tif")


def test_a_link_beside_the_project_is_named_and_not_what_it_points_to(tmp_path: Path) -> None:
    (tmp_path / "far").mkdir()
    (tmp_path / "far" / "image.tif").touch()
    (tmp_path / "near").mkdir()
    (tmp_path / "near" / "link.tif").symlink_to(tmp_path / "far" / "image.tif")

    assert to_stored_path(str(tmp_path / "near" / "link.tif"), tmp_path / "near" / "p.graft") == "../link.tif"
