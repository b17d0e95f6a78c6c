"""What other packages provide, by hooks on napari-plugin-engine: sources, jobs, strategies and more."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from functools import lru_cache
from importlib.metadata import entry_points
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, TypeGuard, TypeVar

from napari_graft.core.registry import CallFailed, call_aside

if TYPE_CHECKING:
    from napari_plugin_engine import HookImplementation, PluginManager

ENTRY_POINTS = ("napari_graft.plugins", "napari_graft.sources")
"""Groups under which a package names the module with its hooks; the second is the older one."""
HOOK = "napari_graft_sources"
_SECONDS = 10.0
_MOST_SOURCES = 1000

T = TypeVar("T")

_log = logging.getLogger(__name__)
_silent: set[str] = set()
"""Plugins that did not answer in time."""


class Hooks:
    """What a package can implement.

    It declares a module under one of the `ENTRY_POINTS`, and marks the functions there with
    ``napari_plugin_engine.HookImplementationMarker("napari_graft")``.
    """

    @staticmethod
    def napari_graft_sources() -> Iterable[str | Path]:
        """Return the folders or exported files of the package's sources, each of one source.

        It is called whenever sources are listed: make what has to be made once, and return its path.
        """
        return ()

    @staticmethod
    def napari_graft_jobs() -> Iterable[object]:
        """Return the package's jobs, each a `napari_graft.jobs.base.Job`."""
        return ()

    @staticmethod
    def napari_graft_strategies() -> Mapping[str, object]:
        """Return by name what chooses tiles to annotate, each a `Strategy`."""
        return {}

    @staticmethod
    def napari_graft_scorers() -> Mapping[str, object]:
        """Return by name what scores how well a source suits an image, each a `Scorer`."""
        return {}

    @staticmethod
    def napari_graft_formats() -> Mapping[str, object]:
        """Return by name the formats in which sources come and go, each a `Format`."""
        return {}

    @staticmethod
    def napari_graft_export_formats() -> Mapping[str, object]:
        """Return by name the formats in which results leave the program, each an `ExportFormat`."""
        return {}

    @staticmethod
    def napari_graft_merge_methods() -> Mapping[str, object]:
        """Return by name what merges several networks into one, each a `MergeMethod`."""
        return {}

    @staticmethod
    def napari_graft_bridge_methods() -> Mapping[str, object]:
        """Return by name what bridges a source to another modality, each a `BridgeMethod`."""
        return {}

    @staticmethod
    def napari_graft_bridge_losses() -> Mapping[str, object]:
        """Return by name what makes a loss of a bridge, each a `BridgeLoss`."""
        return {}

    @staticmethod
    def napari_graft_objectives() -> Mapping[str, object]:
        """Return by name what trains an encoder without labels, each an `Objective`."""
        return {}

    @staticmethod
    def napari_graft_replays() -> Mapping[str, object]:
        """Return by name what keeps the head in step with the encoder meanwhile, each a `Replay`."""
        return {}


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


def plugin_parts(hook: str, kind: type[T]) -> list[T]:
    """Return what the plugins answer to a hook, in their order; what is of another kind is logged."""
    return [part for part in _parts(hook) if _is(part, kind, hook)]


def plugin_parts_by_name(hook: str) -> dict[str, object]:
    """Return by name what the plugins answer to a hook; of two with one name the first."""
    found: dict[str, object] = {}
    for answer in _answers(hook):
        if isinstance(answer, Mapping):
            found = {str(name): part for name, part in answer.items()} | found
        else:
            _log.warning("left out: %r, which a plugin answers to %s: it is no mapping", answer, hook)
    return found


@lru_cache(maxsize=8)
def _parts(hook: str) -> tuple[object, ...]:
    """Ask the plugins, once: parts do not change while the program runs."""
    found: list[object] = []
    for answer in _answers(hook):
        found += answer if isinstance(answer, list | tuple) else [answer]
    return tuple(found)


def _answers(hook: str) -> list[object]:
    answers = []
    for implementation in getattr(_manager().hook, hook).get_hookimpls():
        try:
            answers.append(call_aside(implementation, _SECONDS))
        except (TimeoutError, CallFailed) as error:
            _log.warning(
                "left out: what plugin %s answers to %s: %s", implementation.plugin_name, hook, error
            )
    return answers


def _is(part: object, kind: type[T], hook: str) -> TypeGuard[T]:
    if not isinstance(part, kind):
        _log.warning("left out: %r, which a plugin answers to %s: it is no %s", part, hook, kind.__name__)
    return isinstance(part, kind)


def forget_plugins() -> None:
    """Look for plugins anew when next asked, as after one was installed."""
    _manager.cache_clear()
    _parts.cache_clear()


@lru_cache(maxsize=1)
def _manager() -> PluginManager:
    """Look for plugins, once: those installed later are seen by the next start."""
    from napari_plugin_engine import HookSpecificationMarker, PluginManager

    manager = PluginManager("napari_graft")
    specify = HookSpecificationMarker("napari_graft")
    for hook in vars(Hooks).values():
        if isinstance(hook, staticmethod):
            specify(hook.__func__)
    manager.add_hookspecs(Hooks)
    _silent.clear()
    installed = entry_points()  # one look at all packages, and not one a group
    for entry in (one for group in ENTRY_POINTS for one in installed.select(group=group)):
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
