"""The package in ``examples`` is installed as a user installs one, and its source used by the commands."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile

from napari_graft.samples.cells import generate_cells
from napari_graft.session.ranking.rank import candidate_sources
from napari_graft.sources.catalogue import Catalogue
from napari_graft.sources.source import id_without_view

PACKAGE = Path(__file__).parents[1] / "examples" / "graft-sources-example"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build and install the package into a folder of its own, with nothing from the network."""
    folder = tmp_path_factory.mktemp("site")
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--no-index",
        "--no-build-isolation",
    ]
    subprocess.run([*command, "--target", str(folder), str(PACKAGE)], check=True, capture_output=True)
    return folder


PROGRAM = """
import contextlib, io, json, sys
from napari_graft.cli.app import run
answers = []
for arguments in json.loads(sys.argv[1]):
    with contextlib.redirect_stdout(io.StringIO()) as out:
        assert run(arguments) == 0, arguments
    answers.append(out.getvalue())
print(json.dumps(answers))
"""


def _graft(site: Path, home: Path, *commands: list[str]) -> list[str]:
    """Return what each command prints, with the installed package and none of the user's own sources."""
    paths = [str(site), *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(paths), "NAPARI_GRAFT_HOME": str(home)}
    program = [sys.executable, "-c", PROGRAM, json.dumps(commands)]
    answer = subprocess.run(program, env=environment, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
    printed: list[str] = json.loads(answer.stdout)
    return printed


def test_the_strategy_of_the_example_keeps_the_contract_that_its_own_tests_name(site: Path) -> None:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(site), os.environ.get("PYTHONPATH", "")])}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(PACKAGE)]
    done = subprocess.run(
        [*command, "-c", os.devnull, str(PACKAGE / "tests")],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "7 passed" in done.stdout


def test_the_source_of_the_example_is_listed_ranked_and_predicts(site: Path, tmp_path: Path) -> None:
    sample = generate_cells((160, 160), np.random.default_rng(5))
    tifffile.imwrite(tmp_path / "image.tif", sample.image)
    project, image, out = (str(tmp_path / name) for name in ("cells.graft", "image.tif", "segments.tif"))
    kept = {"example-cells", "nuclei-he"}
    others = [source.id for source in candidate_sources(Catalogue()) if source.id not in kept]

    listed, _, ranked, _ = _graft(
        site,
        tmp_path,
        ["sources", "list", "--json"],
        ["new", project, "--image", image, "--structure", "cells"],
        ["rank", project, "--json", "--exclude", *others],
        ["predict", project, "--source", "example-cells", "--out", out],
    )

    assert [row["origin"] for row in json.loads(listed) if row["id"] == "example-cells"] == ["plugin"]
    first, *rest = json.loads(ranked)
    assert first["source"] == "example-cells"
    assert np.isfinite(first["z"])
    assert [id_without_view(str(row["source"])) for row in rest] == ["nuclei-he"]
    segments = tifffile.imread(out)
    assert segments.shape == (160, 160)
    assert segments.max() > 3
