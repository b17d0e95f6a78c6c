"""The package as others meet it: its import, its manifest, its dependencies and its wheel."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import entry_points, packages_distributions
from pathlib import Path

import pytest
from npe2 import PluginManifest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "napari_graft"
HEAVY = ("torch", "monai", "dask", "zarr", "scipy", "skimage", "pydantic", "napari", "qtpy")
MOST_MODULES = 15


def run_python(program: str) -> str:
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def project_table() -> dict[str, object]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def declared(*, with_extras: bool) -> set[str]:
    project = project_table()
    lines = list(project["dependencies"])
    if with_extras:
        lines += [line for extra in project["optional-dependencies"].values() for line in extra]
    return {canonicalize_name(Requirement(line).name) for line in lines} - {"napari-graft"}


def module_of(distribution: str) -> str:
    other_names = {
        "nionswift-io": "nionswift_plugin",
        "pillow": "PIL",
        "pyyaml": "yaml",
        "scikit-image": "skimage",
    }
    return other_names.get(distribution, distribution.replace("-", "_"))


def imported_modules(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.partition(".")[0])
    return found - sys.stdlib_module_names - {"napari_graft"}


def test_import_loads_nothing_heavy():
    loaded = run_python("import sys, napari_graft; print(*sys.modules)").split()

    assert [name for name in HEAVY if name in loaded] == []


def test_what_a_window_keeps_a_project_with_loads_no_torch():
    loaded = run_python(
        "import pkgutil, sys, napari_graft.project, napari_graft.annotation\n"
        "from importlib import import_module\n"
        "for package in (napari_graft.project, napari_graft.annotation):\n"
        "    for module in pkgutil.iter_modules(package.__path__, package.__name__ + '.'):\n"
        "        import_module(module.name)\n"
        "import napari_graft.session.projects.creation, napari_graft.session.training.learning_curve\n"
        "print(*sys.modules)"
    ).split()

    assert {"napari_graft.project.tile_queue", "napari_graft.annotation.draft_writer"} <= set(loaded)
    assert [name for name in ("torch", "monai", "dask", "zarr", "scipy") if name in loaded] == []


@pytest.mark.bench
def test_import_is_quick():
    seconds = run_python(
        "import time; start = time.process_time(); import napari_graft; print(time.process_time() - start)"
    )

    assert float(seconds) < 0.2


def test_manifest_is_valid_and_its_commands_exist():
    manifest = PluginManifest.from_file(PACKAGE / "napari.yaml")

    manifest.validate_imports()
    assert manifest.name == "napari-graft"


def test_manifest_at_the_root_is_the_packaged_one():
    assert (ROOT / "napari.yaml").read_bytes() == (PACKAGE / "napari.yaml").read_bytes()


def test_napari_finds_the_manifest_by_its_entry_point():
    (entry_point,) = entry_points(group="napari.manifest", name="napari-graft")

    assert entry_point.value == "napari_graft:napari.yaml"


def test_every_declared_dependency_can_be_imported():
    run_python("\n".join(f"import {module_of(name)}" for name in sorted(declared(with_extras=False))))


def test_every_imported_library_is_declared():
    distributions = packages_distributions()
    allowed = declared(with_extras=True)
    undeclared = {
        f"{path.relative_to(PACKAGE)}: {module}"
        for path in PACKAGE.rglob("*.py")
        for module in imported_modules(path)
        if not allowed & {canonicalize_name(name) for name in distributions.get(module, [module])}
        # what authors of plugins test with, and what a benchmark compares with and asks for
        and not (path.parent.name == "testing" and module == "pytest")
        and module not in {"monai", "sklearn"}
    }

    assert undeclared == set()


def test_wheel_holds_the_package_with_its_data_and_nothing_else(tmp_path: Path):
    pytest.importorskip("hatchling", reason="builds the wheel without the network")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, capture_output=True, check=True)

    (wheel,) = tmp_path.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    data = {path.relative_to(ROOT / "src").as_posix() for path in (PACKAGE / "data").rglob("*.*")}
    assert {"napari_graft/napari.yaml", "napari_graft/py.typed"} | data <= names
    assert {name.partition("/")[0].partition("-")[0] for name in names} == {"napari_graft"}
    assert wheel.stat().st_size < 50_000_000


def test_the_page_of_the_package_shows_no_picture_and_no_link_that_needs_the_repository(tmp_path: Path):
    pytest.importorskip("hatchling", reason="builds the wheel without the network")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, capture_output=True, check=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        page = archive.read(name).decode()
    assert "## Install" in page
    targets = re.findall(r"\]\(([^)]*)\)", page)
    assert [target for target in targets if not target.startswith(("https://", "#"))] == []


def test_every_extra_brings_something_that_the_package_imports():
    extras = project_table()["optional-dependencies"]
    imported = {module for path in PACKAGE.rglob("*.py") for module in imported_modules(path)}
    for name, requirements in extras.items():
        wanted = {canonicalize_name(Requirement(one).name) for one in requirements if name != "all"}
        brought = {module_of(one).partition("_core")[0] for one in wanted}
        assert brought <= imported, name


def test_no_package_holds_more_modules_than_a_person_can_look_over() -> None:
    n_modules = {
        str(init.parent.relative_to(PACKAGE)): len(list(init.parent.glob("*.py"))) - 1
        for init in PACKAGE.rglob("__init__.py")
    }
    assert {name: n for name, n in n_modules.items() if n > MOST_MODULES} == {}
