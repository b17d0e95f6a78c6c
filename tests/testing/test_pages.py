"""The pages about extending are true: each example is installed as it stands, and keeps its contract."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from plugin_site import put_plugin, python_path

DOCS = Path(__file__).parents[2] / "docs" / "extending"
SOURCES = Path(__file__).parents[2] / "src" / "napari_graft" / "data" / "sources"
FOUND = """
import pytest
from pathlib import Path
from {example} import *

MY_SOURCE = Path({source!r})


@pytest.mark.parametrize(("module", "registry", "name"), {entries!r})
def test_it_is_found(module, registry, name):
    from importlib import import_module

    assert name in getattr(import_module(f"napari_graft.{{module}}"), registry)
"""
PAGES = {
    "strategy.md": [("acquisition.strategies", "STRATEGIES", "lowest-contrast")],
    "scorer.md": [("scorers.registry", "SCORERS", "eight-nanometres")],
    "merge-method.md": [("merging.registry", "MERGE_METHODS", "first")],
    "bridge-method.md": [("bridging.registry", "BRIDGE_METHODS", "half")],
    "bridge-loss.md": [("bridging.losses.registry", "BRIDGE_LOSSES", "mean")],
    "objective.md": [
        ("pretraining.registry", "OBJECTIVES", "brightness"),
        ("pretraining.registry", "REPLAYS", "sure"),
    ],
    "source-format.md": [("exchange.formats", "FORMATS", "tar")],
    "export-format.md": [("session.exporting.formats", "EXPORT_FORMATS", "boxes")],
}
"""Where the examples of a page are found, and what they are called."""


def blocks(page: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", (DOCS / page).read_text(encoding="utf-8"), re.S)


def write_example(page: str, folder: Path) -> str:
    """Install the example of a page, write its tests, and return the name of the module that holds them."""
    example, *contract = blocks(page)
    module = f"example_{Path(page).stem.replace('-', '_')}"
    (folder / f"{module}.py").write_text(example, encoding="utf-8")
    put_plugin(folder / f"{module}.py", folder / "site")
    head = FOUND.format(example=module, source=str(SOURCES / "nuclei-he"), entries=PAGES[page])
    tests = "\n".join([head, *contract])
    (folder / f"test_{module}.py").write_text(tests, encoding="utf-8")
    return f"test_{module}"


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """Run the tests of all pages in one process; give the outcome of each test by the page."""
    folder = tmp_path_factory.mktemp("pages")
    modules = {write_example(page, folder): page for page in PAGES}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--junitxml", "report.xml"]
    environment = os.environ | {"PYTHONPATH": python_path(folder / "site")}
    done = subprocess.run(
        [*command, *(f"{one}.py" for one in modules)],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    print(done.stdout, done.stderr)
    found: dict[str, list[str]] = {page: [] for page in PAGES}
    for case in ElementTree.parse(folder / "report.xml").iter("testcase"):
        outcome = next((child.tag for child in case), "passed")
        found[modules[case.attrib["classname"].split(".")[0]]].append(outcome)
    return found


@pytest.mark.parametrize("page", PAGES)
def test_the_example_of_a_page_is_found_and_keeps_its_contract(
    page: str, outcomes: dict[str, list[str]]
) -> None:
    has_contract = len(blocks(page)) > 1
    assert set(outcomes[page]) <= {"passed", "skipped"}
    assert outcomes[page].count("passed") >= len(PAGES[page]) + has_contract


def test_the_page_about_jobs_shows_the_job_that_the_tests_install() -> None:
    page = (DOCS / "job.md").read_text(encoding="utf-8")
    shown = re.findall(r'--8<-- "(.+)"', page)

    assert shown == ["tests/jobs/count_bright.py"]
    assert (DOCS.parents[1] / shown[0]).is_file()
