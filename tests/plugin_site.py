"""Install a module as a plugin, for this process and for the workers that it starts."""

from __future__ import annotations

import importlib
import os
import shutil
import sys
from pathlib import Path

import pytest

from napari_graft.sources import plugins


def put_plugin(module: Path, site: Path) -> None:
    """Copy a module into `site`, with the entry point by which its hooks are found."""
    info = site / f"{module.stem}-1.0.dist-info"
    info.mkdir(parents=True)
    shutil.copy(module, site / module.name)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module.stem}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[napari_graft.plugins]\n{module.stem} = {module.stem}\n")


def python_path(site: Path) -> str:
    """Return where Python processes look for modules once `site` is added."""
    known = [str(Path(one).resolve()) for one in os.environ.get("PYTHONPATH", "").split(os.pathsep) if one]
    return os.pathsep.join([str(site), *known])


def install_plugin(module: Path, site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a module into `site` for this process and for its workers; see `put_plugin`."""
    put_plugin(module, site)
    monkeypatch.syspath_prepend(str(site))
    monkeypatch.delitem(sys.modules, module.stem, raising=False)
    monkeypatch.setenv("PYTHONPATH", python_path(site))
    importlib.invalidate_caches()
    plugins.forget_plugins()
