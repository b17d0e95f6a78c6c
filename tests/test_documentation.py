"""The documentation names every command, every option and every source that there is."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from cyclopts import App

from napari_graft.cli.app import app
from napari_graft.recipes.recipe import Recipe, read_recipe

ROOT = Path(__file__).parents[1]
SECTIONS = dict(
    re.findall(
        r"^## (.+?)\n(.*?)(?=^## |\Z)",
        (ROOT / "docs" / "commands.md").read_text(encoding="utf-8"),
        re.MULTILINE | re.DOTALL,
    )
)
RECIPES = [read_recipe(path) for path in sorted((ROOT / "recipes").glob("*.yaml"))]


def commands(level: App = app, words: tuple[str, ...] = ()) -> Iterator[tuple[str, list[str]]]:
    """Yield the words of each command and the names of its options."""
    for word in (name for name in level if not name.startswith("-")):
        command = level[word]
        if command.default_command is None:
            yield from commands(command, (*words, word))
        else:
            options = [argument.name for argument in command.assemble_argument_collection()]
            yield " ".join((*words, word)), [name for name in options if name != "*"]


@pytest.mark.parametrize(("command", "options"), list(commands()), ids=str)
def test_each_option_of_a_command_is_described(command: str, options: list[str]) -> None:
    described = set(re.findall(r"`([^`]+)`", SECTIONS[command].split("| option |")[1]))
    missing = [name for name in options if not {name, name.lstrip("-").upper()} & described]
    assert not missing


def test_no_option_is_described_that_does_not_exist() -> None:
    known = dict(commands())
    for command, text in SECTIONS.items():
        described = re.findall(r"^\| `?(--[a-z0-9-]+)", text, re.MULTILINE)
        assert set(described) <= set(known.get(command, [])), command


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.id)
@pytest.mark.parametrize("page", ["README.md", "docs/sources.md"])
def test_each_source_is_listed_with_its_licence(page: str, recipe: Recipe) -> None:
    lines = (ROOT / page).read_text(encoding="utf-8").splitlines()
    rows = [line for line in lines if f"`{recipe.id}`" in line]
    assert rows
    if recipe.generated is None:
        (row,) = (row for row in rows if recipe.structure in row and recipe.license in row)
        assert recipe.research_only == ("†" in row or "research use only" in row)


def test_formulas_become_mathml_and_no_page_loads_a_remote_script() -> None:
    pytest.importorskip("latex2mathml", reason="builds the documentation")
    sys.path.insert(0, str(ROOT / "scripts"))
    try:
        from mathematics import on_page_content
    finally:
        sys.path.pop(0)
    page = on_page_content(r'<p>See <span class="arithmatex">\(x_1 &lt; \frac12\)</span>.</p>')
    assert page.startswith("<p>See <math")
    assert "<mfrac>" in page
    assert "arithmatex" not in page
    settings = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    assert "extra_javascript" not in settings
