"""Sources that other packages provide, by a hook on napari-plugin-engine."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from functools import lru_cache
from importlib.metadata import entry_points
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from napari_graft.core.call_aside import CallFailed, call_aside

if TYPE_CHECKING:
    from napari_plugin_engine import HookImplementation, PluginManager

ENTRY_POINT = "napari_graft.sources"
HOOK = "napari_graft_sources"
_SECONDS = 10.0
_MOST_SOURCES = 1000

_log = logging.getLogger(__name__)
_silent: set[str] = set()
"""Plugins that did not answer in time."""


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
    """Return the paths that the plugins name; one that fails or does not answer is left out and logged."""
    hook = getattr(_manager().hook, HOOK)
    return [path for implementation in hook.get_hookimpls() for path in _ask(implementation)]


def _ask(implementation: HookImplementation) -> list[Path]:
    name = str(implementation.plugin_name)
    if name in _silent:
        return []
    try:
        return call_aside(lambda: _paths_in(implementation()), _SECONDS)
    except TimeoutError as error:
        _silent.add(name)  # or every list of sources would wait for it
        _log.warning("left out: the sources of plugin %s: %s", name, error)
    except CallFailed as failed:
        _log.warning("left out: the sources of plugin %s: %s", name, failed)
    return []


def _paths_in(answer: str | Path | Iterable[str | Path]) -> list[Path]:
    named = [answer] if isinstance(answer, str | Path) else list(islice(answer, _MOST_SOURCES + 1))
    if len(named) > _MOST_SOURCES:
        raise ValueError(f"it names more than {_MOST_SOURCES} sources")
    return [Path(one).expanduser() for one in named]


@lru_cache(maxsize=1)
def _manager() -> PluginManager:
    """Look for plugins, once: those installed later are seen by the next start."""
    from napari_plugin_engine import HookSpecificationMarker, PluginManager

    manager = PluginManager("napari_graft")
    HookSpecificationMarker("napari_graft")(SourceHooks.napari_graft_sources)
    manager.add_hookspecs(SourceHooks)
    _silent.clear()
    for entry in entry_points(group=ENTRY_POINT):
        # One by one, as importing a plugin runs it too.
        try:
            module = call_aside(entry.load, _SECONDS)
            manager.register(module, name=entry.name)
        except (TimeoutError, CallFailed) as error:
            _log.warning("left out: plugin %s: %s", entry.name, error)
        except (
            Exception
        ) as error:  # it checks the hooks that others wrote, and says in its own ways what is wrong
            _log.warning("left out: plugin %s: %r", entry.name, error)
    return manager
