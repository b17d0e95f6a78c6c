"""The hook by which napari-graft asks for sources."""

from __future__ import annotations

from pathlib import Path

from napari_plugin_engine import HookImplementationMarker

hook_implementation = HookImplementationMarker("napari_graft")


@hook_implementation
def napari_graft_sources() -> list[Path]:
    """Return the folders of this package's sources."""
    return [Path(__file__).with_name("example-cells")]
