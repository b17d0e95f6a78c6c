"""Progress in the cell of a notebook."""

from __future__ import annotations

from typing import Any

import pytest

from napari_graft.core.progress import Progress, ignore_progress, note
from napari_graft.session.notebook import NotebookProgress, default_report


class Cell:
    """What a notebook shows: IPython's display and the handle that it returns."""

    def __init__(self) -> None:
        self.pages: list[str] = []

    def __call__(self, bundle: dict[str, str], *, raw: bool, display_id: bool) -> Cell:
        assert raw
        assert display_id
        self.update(bundle, raw=True)
        return self

    def update(self, bundle: dict[str, str], *, raw: bool) -> None:
        self.pages.append(bundle["text/html"])


def test_a_script_shows_nothing() -> None:
    assert default_report() is ignore_progress


def test_a_notebook_shows_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("IPython.display")
    import IPython

    shell: Any = type("Shell", (), {"kernel": object()})()
    monkeypatch.setattr(IPython, "get_ipython", lambda: shell)
    assert isinstance(default_report(), NotebookProgress)
    terminal: Any = type("Shell", (), {})()
    monkeypatch.setattr(IPython, "get_ipython", lambda: terminal)
    assert default_report() is ignore_progress


def test_the_bar_moves_in_one_place_and_ends_full() -> None:
    cell = Cell()
    report = NotebookProgress(cell)
    for done in range(11):
        report(Progress(done, 10, "training <now>", {"loss": 0.5}))
    assert 'value="0.000"' in cell.pages[0]
    assert 'value="1.000"' in cell.pages[-1]
    assert "training &lt;now&gt; 10 of 10 · loss 0.500" in cell.pages[-1]


def test_time_left_is_told_from_what_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("napari_graft.session.notebook.time.monotonic", lambda: now[0])
    cell = Cell()
    report = NotebookProgress(cell)
    report(Progress(0, 4, "ranking"))
    now[0] = 110.0
    report(Progress(1, 4, "ranking"))
    assert "1 of 4, 30 s left" in cell.pages[-1]


def test_a_note_stays_in_sight() -> None:
    cell = Cell()
    report = NotebookProgress(cell)
    report(note("two sources are left out"))
    report(Progress(0, None, "ranking"))
    assert "two sources are left out" in cell.pages[-1]
    assert "<progress></progress>" in cell.pages[-1]
