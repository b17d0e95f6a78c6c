"""Tables on stdout."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.table import Table

_TERMINAL = 80
_WIDE = 200
_LENGTHS = ("shape", "pixel_size")


def print_rows(
    rows: Sequence[Mapping[str, object]], columns: Sequence[str], *, optional: Sequence[str] = ()
) -> None:
    """Print some columns of some rows.

    Parameters
    ----------
    optional
        Columns that are left out, the first one first, until no cell needs to be broken. Where there are any,
        a table in a file or a pipe is as narrow as on a usual terminal.
    """
    console = Console(width=_width(_TERMINAL if optional else _WIDE))
    shown = list(columns)
    for column in (*optional, None):
        table = _table(rows, shown)
        options = console.options.update(max_width=10_000)
        if column is None or console.measure(table, options=options).maximum <= console.width:
            break
        shown.remove(column)
    console.print(table)


def print_markdown(rows: Sequence[Mapping[str, object]], columns: Sequence[str]) -> None:
    """Print some columns of some rows as a Markdown table, to be pasted into a page."""
    print(f"| {' | '.join(column.replace('_', ' ') for column in columns)} |")
    print("|---" * len(columns) + "|")
    for row in rows:
        print(f"| {' | '.join(in_words(row[column], column) for column in columns)} |")


def print_facts(facts: Mapping[str, object], width: int, *, indent: str = "") -> None:
    """Print a name and a value a line; what a value holds itself stands below it, a step further in."""
    for name, value in facts.items():
        parts = [value]
        if isinstance(value, list) and any(isinstance(one, Mapping) for one in value):
            parts = value
        for part in parts:
            if isinstance(part, Mapping) and part:
                print(f"{indent}{name}")
                print_facts(part, width, indent=f"{indent}  ")
            else:
                print(f"{indent}{name:{width}} {in_words(part, name)}")


def _table(rows: Sequence[Mapping[str, object]], columns: Sequence[str]) -> Table:
    table = Table(box=None, pad_edge=False)
    for i, column in enumerate(columns):
        # The first column is what other commands take: never break it.
        table.add_column(column.replace("_", " "), overflow="fold", no_wrap=i == 0)
    for row in rows:
        table.add_row(*(in_words(row[column], column) for column in columns))
    return table


def _width(otherwise: int) -> int | None:
    """Return how wide a table may be where no terminal says so."""
    return None if sys.stdout.isatty() or "COLUMNS" in os.environ else otherwise


def in_words(value: object, name: str = "") -> str:
    """Return a value as people write it; `name` tells lengths along axes from other lists."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {in_words(one, key)}" for key, one in value.items()) or "–"
    if isinstance(value, list | tuple):
        between = " × " if name in _LENGTHS else ", "
        return between.join(in_words(one, "") for one in value) or "–"
    return f"{value:.3g}" if isinstance(value, float) else str(value)
