from __future__ import annotations

import pytest

from napari_graft.cli.console import print_facts, print_rows

ROWS = [
    {
        "source": "fly-medulla-fibsem",
        "z": 14.25,
        "title": "Fly neurites, adult medulla, FIB-SEM",
        "note": None,
    }
]


def test_nothing_is_broken_where_no_terminal_says_how_wide_it_is(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    print_rows(ROWS, ("source", "z", "title", "note"), optional=("title",))
    header, line = capsys.readouterr().out.splitlines()
    assert header.split() == ["source", "z", "title", "note"]
    assert line.split("  ")[0] == "fly-medulla-fibsem"
    assert "Fly neurites, adult medulla, FIB-SEM" in line
    assert line.rstrip().endswith("–")


def test_optional_columns_are_left_out_where_cells_would_be_broken_for_them(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    print_rows(ROWS, ("source", "z", "title"), optional=("title",))
    assert [line.split() for line in capsys.readouterr().out.splitlines()] == [
        ["source", "z"],
        ["fly-medulla-fibsem", "14.2"],
    ]


def test_facts_stand_a_line_each_and_what_they_hold_below_them(capsys: pytest.CaptureFixture[str]) -> None:
    runs = [{"id": "0001", "validation": {"vi": 0.5}}, {"id": "0002", "validation": {}}]
    print_facts({"name": "cortex", "shape": [2, 3], "runs": runs, "tiles": []}, 6)
    assert capsys.readouterr().out.splitlines() == [
        "name   cortex",
        "shape  2 × 3",
        "runs",
        "  id     0001",
        "  validation",
        "    vi     0.5",
        "runs",
        "  id     0002",
        "  validation –",
        "tiles  –",
    ]
