from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from napari_graft.core.errors import InputError
from napari_graft.sources.document import (
    MAX_DOCUMENT_BYTES,
    Document,
    parse_document,
    read_document,
    write_document,
)
from napari_graft.sources.spec import ModelSpec


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
