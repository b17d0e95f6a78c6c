from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from napari_graft.core.errors import DamagedFileError, InputError
from napari_graft.io.documents import (
    MAX_DOCUMENT_BYTES,
    Document,
    document_bytes,
    parse_document,
    read_document,
    write_document,
)
from napari_graft.sources.network_spec import ModelSpec


class Note(Document):
    text: str
    score: float = 0.0
    spec: ModelSpec = ModelSpec()


def test_a_document_comes_back_from_disk_as_it_was(tmp_path: Path) -> None:
    note = Note(text="käse\nµm", score=math.inf)

    write_document(tmp_path / "note.json", note)

    assert read_document(Note, tmp_path / "note.json", "note") == note
    json.loads((tmp_path / "note.json").read_text(encoding="utf-8"), parse_constant=pytest.fail)


def test_a_score_that_is_not_a_number_stays_one(tmp_path: Path) -> None:
    write_document(tmp_path / "note.json", Note(text="", score=math.nan))

    assert math.isnan(read_document(Note, tmp_path / "note.json", "note").score)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "is damaged"),
        (b'{"text": "a', "is damaged"),
        (b"\x80\x04\x95not json", "is damaged"),
        (b"[" * 100_000, "is damaged"),
        (b"[]", "cannot be used"),
        (b'{"text": 3}', "text"),
        (b'{"text": "a", "more": 1}', "more"),
        (b'{"text": "a", "format_version": 2, "more": 1}', r"newer napari-graft \(format 2\): update"),
        (b'{"text": "a", "spec": {"format_version": 3}}', r"newer napari-graft \(format 3\): update"),
        (b'{"text": "a", "format_version": "x"}', "format_version"),
        (b'{"text": "a", "format_version": 0}', "format_version"),
    ],
)
def test_what_cannot_be_read_is_told_in_words(text: bytes, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        parse_document(Note, text, "note 'n.json'")

    assert str(caught.value).startswith("note 'n.json'")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("depth", [100, 300, 900, 980, 990, 1000, 5000])
def test_a_document_that_is_nested_too_deep_is_damaged(depth: int) -> None:
    for checksum in (b"", b', "checksum": "0"'):
        text = b'{"text": ' + b"[" * depth + b"]" * depth + checksum + b"}"
        with pytest.raises(DamagedFileError):
            parse_document(Note, text, "note 'n.json'")


def test_a_document_is_checked_by_its_checksum_and_one_without_is_taken_as_it_is() -> None:
    text = document_bytes(Note(text="a", score=2.0))

    assert parse_document(Note, text, "note") == Note(text="a", score=2.0)
    assert parse_document(Note, b'{"text": "a", "score": 2.0}', "note") == Note(text="a", score=2.0)
    with pytest.raises(DamagedFileError, match="checksum does not fit"):
        parse_document(Note, text.replace(b"2.0", b"3.0"), "note")
    with pytest.raises(DamagedFileError, match="'text' is there twice"):
        parse_document(Note, b'{"text": "a", "text": "b"}', "note")
    with pytest.raises(DamagedFileError, match="checksum does not fit"):
        parse_document(Note, text.replace(b'"format_version":1', b'"format_version":3'), "note")


def test_a_huge_document_is_not_parsed(tmp_path: Path) -> None:
    path = tmp_path / "note.json"
    with path.open("wb") as file:
        file.truncate(MAX_DOCUMENT_BYTES * 100)

    with pytest.raises(InputError, match="larger"):
        read_document(Note, path, "note")


def test_a_missing_document_and_a_folder_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is missing"):
        read_document(Note, tmp_path / "none.json", "note")
    with pytest.raises(InputError, match="cannot be read"):
        read_document(Note, tmp_path, "note")
