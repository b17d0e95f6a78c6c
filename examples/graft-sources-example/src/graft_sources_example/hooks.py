"""The hooks by which napari-graft asks for what this package provides."""

from __future__ import annotations

from pathlib import Path

from napari_plugin_engine import HookImplementationMarker

from graft_sources_example.lowest_contrast import LowestContrast

hook_implementation = HookImplementationMarker("napari_graft")


@hook_implementation
def napari_graft_sources() -> list[Path]:
    """Return the folders of this package's sources."""
    return [Path(__file__).with_name("example-cells")]


@hook_implementation
def napari_graft_strategies() -> dict[str, LowestContrast]:
    """Return this package's strategies by name."""
    return {"lowest-contrast": LowestContrast()}
