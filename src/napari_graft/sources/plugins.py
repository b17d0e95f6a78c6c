"""Sources that other packages provide, by a hook on napari-plugin-engine."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from napari_plugin_engine import HookImplementation, PluginManager

ENTRY_POINT = "napari_graft.sources"
HOOK = "napari_graft_sources"

_log = logging.getLogger(__name__)


class SourceHooks:
    """What a package can implement to provide sources.

    It declares a module under the entry point `ENTRY_POINT`, and marks the function there with
    ``napari_plugin_engine.HookImplementationMarker("napari_graft")``.
    """

    @staticmethod
    def napari_graft_sources() -> Iterable[str | Path]:
        """Return the folders or exported files of the package's sources, each of one source.

        It is called whenever sources are listed: make what has to be made once, and return its path.
        """
        return ()


def plugin_sources() -> list[Path]:
    """Return the paths that the plugins name; a plugin that fails is left out and logged."""
    hook = getattr(_manager().hook, HOOK)
    return [path for implementation in hook.get_hookimpls() for path in _ask(implementation)]


def _ask(implementation: HookImplementation) -> list[Path]:
    try:
        answer = implementation()
        named = [answer] if isinstance(answer, str | Path) else list(answer)
        return [Path(one).expanduser() for one in named]
    except Exception as error:  # whatever the code of others raises must not hide all other sources
        _log.warning("left out: the sources of plugin %s: %r", implementation.plugin_name, error)
        return []


@lru_cache(maxsize=1)
def _manager() -> PluginManager:
    """Look for plugins, once: those installed later are seen by the next start."""
    from napari_plugin_engine import HookSpecificationMarker, PluginManager

    manager = PluginManager("napari_graft", discover_entry_point=ENTRY_POINT)
    HookSpecificationMarker("napari_graft")(SourceHooks.napari_graft_sources)
    manager.add_hookspecs(SourceHooks)
    _, errors = manager.discover(ignore_errors=True)
    for error in errors:
        _log.warning("left out: plugin %s: %s (%r)", error.plugin_name, error, error.__cause__)
    return manager
