"""The pages about extending are true: each example is installed as it stands, and keeps its contract."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from napari_graft.sources import plugins
from plugin_site import install_plugin

DOCS = Path(__file__).parents[2] / "docs" / "extending"
SOURCES = Path(__file__).parents[2] / "src" / "napari_graft" / "data" / "sources"
FOUND = """
import sys
import napari_graft.{module}
from napari_graft.{module} import {registry}
print(*{registry})
"""
CONTRACT = """
import pytest
from pathlib import Path
from example import *

MY_SOURCE = Path({source!r})
"""


def blocks(page: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", (DOCS / page).read_text(encoding="utf-8"), re.S)


def run_python(*arguments: str, folder: Path) -> str:
    command = [sys.executable, *arguments]
    done = subprocess.run(command, cwd=folder, env=os.environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize(
    ("page", "name", "module", "registry"),
    [
        ("strategy.md", "lowest-contrast", "acquisition.strategies", "STRATEGIES"),
        ("scorer.md", "eight-nanometres", "scorers.registry", "SCORERS"),
        ("merge-method.md", "first", "merging.registry", "MERGE_METHODS"),
        ("bridge-method.md", "half", "bridging.registry", "BRIDGE_METHODS"),
        ("bridge-loss.md", "mean", "bridging.losses.registry", "BRIDGE_LOSSES"),
        ("objective.md", "brightness", "pretraining.registry", "OBJECTIVES"),
        ("objective.md", "sure", "pretraining.registry", "REPLAYS"),
        ("source-format.md", "tar", "exchange.formats", "FORMATS"),
        ("export-format.md", "boxes", "session.exporting.formats", "EXPORT_FORMATS"),
    ],
)
def test_the_example_of_a_page_is_found_and_keeps_its_contract(
    page: str, name: str, module: str, registry: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    example, *contract = blocks(page)
    (tmp_path / "example.py").write_text(example, encoding="utf-8")
    install_plugin(tmp_path / "example.py", tmp_path / "site", monkeypatch)
    plugins.forget_plugins()

    assert name in run_python("-c", FOUND.format(module=module, registry=registry), folder=tmp_path).split()
    for one in contract:
        head = CONTRACT.format(source=str(SOURCES / "nuclei-he"))
        (tmp_path / "test_contract.py").write_text(head + one, encoding="utf-8")
        run_python("-m", "pytest", "-q", "-p", "no:cacheprovider", "test_contract.py", folder=tmp_path)


def test_the_page_about_jobs_shows_the_job_that_the_tests_install() -> None:
    page = (DOCS / "job.md").read_text(encoding="utf-8")
    shown = re.findall(r'--8<-- "(.+)"', page)

    assert shown == ["tests/jobs/count_bright.py"]
    assert (DOCS.parents[1] / shown[0]).is_file()
