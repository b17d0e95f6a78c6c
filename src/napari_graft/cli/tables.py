"""Tables on stdout."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.table import Table


def print_rows(rows: Sequence[Mapping[str, object]], columns: Sequence[str]) -> None:
    """Print some columns of some rows."""
    table = Table(box=None, pad_edge=False)
    for i, column in enumerate(columns):
        # The first column is what other commands take: never break it.
        table.add_column(column.replace("_", " "), overflow="fold", no_wrap=i == 0)
    for row in rows:
        table.add_row(*(_words(row[column]) for column in columns))
    Console().print(table)


def print_markdown(rows: Sequence[Mapping[str, object]], columns: Sequence[str]) -> None:
    """Print some columns of some rows as a Markdown table, to be pasted into a page."""
    print(f"| {' | '.join(column.replace('_', ' ') for column in columns)} |")
    print("|---" * len(columns) + "|")
    for row in rows:
        print(f"| {' | '.join(_words(row[column]) for column in columns)} |")


def _words(value: object) -> str:
    if value is None:
        return "–"
    return f"{value:.3g}" if isinstance(value, float) else str(value)
