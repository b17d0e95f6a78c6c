from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from napari_graft.core.errors import InputError
from napari_graft.sources import archive
from napari_graft.sources.archive import MEMBER_LIMITS, read_member, refuse_foreign_format, write_archive

MEMBERS = {"card.json": b"{}", "weights.safetensors": b"w" * 1000, "fingerprint.safetensors": b"f" * 10}


def _zip(path: Path, members: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as file:
        for name, data in members.items():
            file.writestr(name, data)
    return path


def test_files_come_back_and_equal_files_give_an_equal_archive(tmp_path: Path) -> None:
    write_archive(tmp_path / "a.graftsource", MEMBERS)
    write_archive(tmp_path / "b.graftsource", dict(reversed(MEMBERS.items())))

    for name, data in MEMBERS.items():
        assert read_member(tmp_path / "a.graftsource", name) == data
    assert (tmp_path / "a.graftsource").read_bytes() == (tmp_path / "b.graftsource").read_bytes()


def test_a_fingerprint_may_be_absent_but_not_card_or_weights(tmp_path: Path) -> None:
    path = tmp_path / "a.graftsource"
    write_archive(path, {k: v for k, v in MEMBERS.items() if k != archive.FINGERPRINT})
    assert read_member(path, archive.FINGERPRINT) is None

    for name in (archive.CARD, archive.WEIGHTS):
        rest = {k: v for k, v in MEMBERS.items() if k != name}
        with pytest.raises(InputError, match=f"lacks {name}"):
            write_archive(path, rest)
        with pytest.raises(InputError, match=f"lacks {name}"):
            read_member(_zip(tmp_path / "bad.graftsource", rest), archive.FINGERPRINT)


@pytest.mark.parametrize("name", ["../evil", "/etc/evil", "..\\evil", "sub/card.json", "data.pkl"])
def test_other_names_are_refused_whatever_they_point_to(tmp_path: Path, name: str) -> None:
    path = _zip(tmp_path / "bad.graftsource", {**MEMBERS, name: b"x"})

    with pytest.raises(InputError, match="holds"):
        read_member(path, archive.CARD)


def test_a_compressed_archive_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    bomb = {**MEMBERS, archive.CARD: bytes(10 * MEMBER_LIMITS[archive.CARD])}
    path = _zip(tmp_path / "bomb.graftsource", bomb, zipfile.ZIP_DEFLATED)

    with pytest.raises(InputError, match="compressed"):
        read_member(path, archive.CARD)


def test_a_file_larger_than_allowed_is_refused(tmp_path: Path) -> None:
    path = _zip(
        tmp_path / "big.graftsource", {**MEMBERS, archive.CARD: bytes(MEMBER_LIMITS[archive.CARD] + 1)}
    )

    with pytest.raises(InputError, match="allowed"):
        read_member(path, archive.WEIGHTS)


def test_a_file_that_is_in_there_twice_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "twice.graftsource"
    with zipfile.ZipFile(path, "w") as file:
        for name, data in MEMBERS.items():
            file.writestr(name, data)
        with pytest.warns(UserWarning, match="Duplicate"):
            file.writestr(archive.CARD, b"other")

    with pytest.raises(InputError, match="twice"):
        read_member(path, archive.CARD)


def test_each_truncation_and_each_flipped_byte_of_a_file_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "a.graftsource"
    write_archive(path, MEMBERS)
    whole = path.read_bytes()

    for length in range(0, len(whole), 37):
        path.write_bytes(whole[:length])
        with pytest.raises(InputError):
            read_member(path, archive.WEIGHTS)
    start = whole.index(MEMBERS[archive.WEIGHTS])
    for position in range(start, start + 1000, 101):
        path.write_bytes(whole[:position] + b"x" + whole[position + 1 :])
        with pytest.raises(InputError, match="damaged"):
            read_member(path, archive.WEIGHTS)


def test_no_single_wrong_byte_ends_in_another_error(tmp_path: Path) -> None:
    path = tmp_path / "a.graftsource"
    write_archive(path, {**MEMBERS, archive.WEIGHTS: b"w"})
    whole = path.read_bytes()

    for position in range(len(whole)):
        path.write_bytes(whole[:position] + bytes([whole[position] ^ 0xFF]) + whole[position + 1 :])
        try:
            data = read_member(path, archive.WEIGHTS)
        except InputError:
            continue
        assert data == b"w"


def test_an_archive_whose_header_lies_about_a_size_reads_no_more_than_allowed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(MEMBER_LIMITS, archive.WEIGHTS, 500)
    path = _zip(tmp_path / "lie.graftsource", MEMBERS)
    data = path.read_bytes().replace((1000).to_bytes(4, "little"), (400).to_bytes(4, "little"))
    path.write_bytes(data)

    with pytest.raises(InputError):
        read_member(path, archive.WEIGHTS)


def test_a_missing_file_and_a_folder_are_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is missing"):
        read_member(tmp_path / "none.graftsource", archive.CARD)
    with pytest.raises(InputError, match="cannot be read"):
        read_member(tmp_path, archive.CARD)


@pytest.mark.parametrize(
    ("names", "suffix", "message"),
    [
        (["model/data.pkl"], ".pt", "torch checkpoint"),
        (["model.onnx"], ".onnx", "ONNX"),
        (["archive/data.pkl"], ".bin", "pickled code"),
        (["rdf.yaml", "weights.pt"], ".zip", "bioimage.io"),
        (["pkg/bioimageio.yaml"], ".zip", "bioimage.io"),
        (["readme.txt"], ".zip", "unknown format"),
    ],
)
def test_foreign_formats_are_named_and_never_loaded(
    tmp_path: Path, names: list[str], suffix: str, message: str
) -> None:
    path = _zip(tmp_path / f"model{suffix}", dict.fromkeys(names, b"x"))

    with pytest.raises(InputError, match=message) as caught:
        refuse_foreign_format(path)
    assert ".safetensors" in str(caught.value)


def test_a_foreign_file_that_is_no_zip_is_told_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "old.pth").write_bytes(b"\x80\x02")

    with pytest.raises(InputError, match="torch checkpoint"):
        refuse_foreign_format(tmp_path / "old.pth")
