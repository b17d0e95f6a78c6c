from __future__ import annotations

from dataclasses import replace

import pytest

from napari_graft.workbench.sources.state import SourceRow, fold_others, row_to_point_at

A, B, C = (SourceRow(name, name, "nuclei", "", "", None, "CC0-1.0", False) for name in "abc")
RANKED = [replace(row, is_ranked=True) for row in (A, B)]


@pytest.mark.parametrize(
    ("before", "now", "pointed", "expected"),
    [
        ([], [A, B], None, "a"),
        ([A, B], [A, B], "b", "b"),
        ([A, B], [A, B, C], "b", "b"),
        ([A, B, C], [A, C], "c", "c"),
        ([A, B, C], [A, C], "b", "a"),
        ([A, B, C], [C, A, B], "a", "c"),
        ([A, B], RANKED, "b", "a"),
        (RANKED, [*RANKED, C], "b", "b"),
        ([A], [], "a", None),
    ],
)
def test_the_pointer_stays_where_rows_come_and_go_and_goes_to_the_first_in_another_order(
    before: list[SourceRow], now: list[SourceRow], pointed: str | None, expected: str | None
) -> None:
    assert row_to_point_at(before, now, pointed) == expected


@pytest.mark.parametrize(
    ("wanted", "kept", "shown", "n_folded"),
    [
        ("nuclei", (), "ab", 2),
        ("nuclei", ("d",), "abd", 1),
        ("axons", (), "c", 3),
        (None, (), "abcd", 0),
        ("mitochondria", (), "abcd", 0),
    ],
)
def test_sources_of_other_structures_are_folded_away_where_there_are_some_for_what_is_wanted(
    wanted: str | None, kept: tuple[str, ...], shown: str, n_folded: int
) -> None:
    rows = [A, B, replace(C, structure="axons"), replace(C, id="d", structure="cells")]
    found, n = fold_others(rows, wanted, kept)
    assert ("".join(row.id for row in found), n) == (shown, n_folded)
