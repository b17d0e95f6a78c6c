"""Tables on stdout."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.table import Table

_WIDE = 200


def print_rows(
    rows: Sequence[Mapping[str, object]], columns: Sequence[str], *, optional: Sequence[str] = ()
) -> None:
    """Print some columns of some rows; the optional ones only where no cell needs to be broken for them."""
    console = Console(width=_width())
    table = _table(rows, columns)
    if (
        optional
        and console.measure(table, options=console.options.update(max_width=10_000)).maximum > console.width
    ):
        table = _table(rows, [column for column in columns if column not in optional])
    console.print(table)


def print_markdown(rows: Sequence[Mapping[str, object]], columns: Sequence[str]) -> None:
    """Print some columns of some rows as a Markdown table, to be pasted into a page."""
    print(f"| {' | '.join(column.replace('_', ' ') for column in columns)} |")
    print("|---" * len(columns) + "|")
    for row in rows:
        print(f"| {' | '.join(_words(row[column]) for column in columns)} |")


def print_facts(facts: Mapping[str, object], width: int, *, indent: str = "") -> None:
    """Print a name and a value a line; what a value holds itself stands below it, a step further in."""
    for name, value in facts.items():
        parts = [value]
        if isinstance(value, list) and any(isinstance(one, Mapping) for one in value):
            parts = value
        for part in parts:
            if isinstance(part, Mapping):
                print(f"{indent}{name}")
                print_facts(part, width, indent=f"{indent}  ")
            else:
                print(f"{indent}{name:{width}} {part}")


def _table(rows: Sequence[Mapping[str, object]], columns: Sequence[str]) -> Table:
    table = Table(box=None, pad_edge=False)
    for i, column in enumerate(columns):
        # The first column is what other commands take: never break it.
        table.add_column(column.replace("_", " "), overflow="fold", no_wrap=i == 0)
    for row in rows:
        table.add_row(*(_words(row[column]) for column in columns))
    return table


def _width() -> int | None:
    """Return how wide a table may be where no terminal says so: in a file or a pipe nothing is broken."""
    return None if sys.stdout.isatty() or "COLUMNS" in os.environ else _WIDE


def _words(value: object) -> str:
    if value is None:
        return "–"
    return f"{value:.3g}" if isinstance(value, float) else str(value)
