"""Results of a benchmark are kept in a file of theirs, and in no other."""

from __future__ import annotations

from pathlib import Path

import pytest

from napari_graft.core.errors import InputError
from napari_graft.io.documents import Document
from napari_graft.studies.results import KeptResults


class Result(Document):
    name: str


@pytest.mark.parametrize("theirs", [b"my notes", b"my notes\nand more", b"{}\n", None])
def test_what_comes_to_the_place_of_the_results_while_a_benchmark_works_stays_as_it_is(
    tmp_path: Path, theirs: bytes | None
) -> None:
    path = tmp_path / "ranking-runs.jsonl"
    kept = KeptResults(Result, path)
    kept.add(Result(name="a"))
    path.unlink()
    if theirs is None:
        path.mkdir()
    else:
        path.write_bytes(theirs)

    with pytest.raises(InputError, match="no list of results"):
        kept.add(Result(name="b"))

    assert path.is_dir() if theirs is None else path.read_bytes() == theirs


def test_results_are_added_to_those_of_an_earlier_call_and_to_an_empty_file(tmp_path: Path) -> None:
    path = tmp_path / "ranking-runs.jsonl"
    path.touch()
    KeptResults(Result, path).add(Result(name="a"))
    KeptResults(Result, path).add(Result(name="b"))

    again = KeptResults(Result, path)

    assert [again.find({"name": name}) for name in "abc"] == [Result(name="a"), Result(name="b"), None]
