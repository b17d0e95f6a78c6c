"""The words of ARCHITECTURE.md and the names of the code are in step: one thing, one name."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "napari_graft"
PICTURES = [
    "Sighting",
    "Workplace",
    "Lesson",
    "Piece",
    "Material",
    "Desk",
    "DeskModel",
    "DeskKeeper",
    "DeskLayers",
    "Easel",
    "Wishes",
    "Wish",
    "ReadingRoom",
    "Means",
    "Spending",
    "Extent",
    "Effort",
    "Contest",
]
"""Names of our own that have given way to words of the field."""


def classes() -> dict[str, list[str]]:
    """Return the modules in which each public class of the package is defined."""
    found = defaultdict(list)
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                found[node.name].append(path.relative_to(PACKAGE).as_posix())
    return found


def glossary() -> list[tuple[str, str]]:
    """Return the words and the places of each row of the table."""
    words = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8").partition("## 2. Words")[2]
    table = words.partition("\n## ")[0]
    rows = re.findall(r"^\| (.+?) \| .+ \| (.+?) \|$", table, re.M)
    return [row for row in rows if row[0] not in ("word", "---")]


def test_every_class_of_the_glossary_is_where_it_says() -> None:
    defined = classes()
    rows = glossary()
    assert len(rows) > 40
    for words, place in rows:
        paths = re.findall(r"`([\w/.]+)`", place)
        for name in re.findall(r"`([A-Z]\w+[a-z]\w*)`", words):
            homes = defined[name]
            assert len(homes) == 1, f"{name} is defined in {homes}"
            is_named = any(homes[0].startswith(one) or homes[0].endswith(one) for one in paths)
            assert is_named, f"{name} is in {homes[0]}, the glossary says {paths}"


def test_a_name_is_that_of_one_class() -> None:
    assert {name: homes for name, homes in classes().items() if len(homes) > 1} == {}


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_of_our_own_is_no_name(name: str) -> None:
    assert name not in classes()
