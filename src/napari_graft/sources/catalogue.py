"""The sources that are at hand: built in, in a checkout of the repository, of plugins, and the user's own."""

from __future__ import annotations

import difflib
import logging
import os
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

import platformdirs

from napari_graft.core.errors import InputError
from napari_graft.sources.archive import MEMBER_LIMITS
from napari_graft.sources.plugins import plugin_sources
from napari_graft.sources.source import MARK, Origin, Source, id_without_view, invert_source, open_source

HOME_VARIABLE = "NAPARI_GRAFT_HOME"
SOURCES_VARIABLE = "NAPARI_GRAFT_SOURCES"
ANCESTOR = "ancestor-generated"
"""Id of the source that all built-in ones start from; its encoder is the one that they share."""

_log = logging.getLogger(__name__)
_PACKAGE = Path(__file__).resolve().parents[1]


class Catalogue:
    """Catalogue of the sources, which finds one by its id or its path.

    Parameters
    ----------
    folders
        Folders that hold one source in each subfolder, with the origin to give to these. Of two sources with
        one id the first is used. By default those of `default_folders`, and after them those that plugins
        name.
    """

    def __init__(self, folders: Sequence[tuple[Path, Origin]] | None = None) -> None:
        self._folders = tuple(default_folders() if folders is None else folders)
        self._has_plugins = folders is None

    def sources(self) -> list[Source]:
        """Return all usable sources in order of id; a broken one is left out and logged."""
        found: dict[str, Source] = {}
        for folder, origin in self._candidates():
            try:
                source = open_source(folder, origin)
            except InputError as error:
                _log.warning("left out: %s", error)
                continue
            first = found.setdefault(source.id, source)
            if first is not source:
                _tell_hidden(source.id, first.path, folder)
        return sorted(found.values(), key=lambda source: source.id)

    def get(self, id_or_path: str | Path) -> Source:
        """Return a source by its id, its folder, or the path of an exported file.

        With ``@inverted`` at its end it is the source that is shown the negative of an image.

        Raises
        ------
        InputError
            If there is none of this name, with the names that come near; or if the one that is there is
            broken.
        """
        for source in self.sources():
            if source.id == str(id_or_path):
                return source
        for folder, origin in self._candidates():
            if folder.name == str(id_or_path):
                return open_source(folder, origin)
        path = Path(os.path.expanduser(id_or_path))
        if os.path.exists(path):  # Path's own raises where a name is too long
            return open_source(path, "file")
        if str(id_or_path).endswith(MARK):
            return invert_source(self.get(id_without_view(str(id_or_path))))
        raise self._unknown(str(id_or_path))

    def _unknown(self, name: str) -> InputError:
        ids = [source.id for source in self.sources()]
        near = difflib.get_close_matches(name.lower(), ids, n=3, cutoff=0.5)
        hint = f"did you mean {' or '.join(near)}?" if near else f"choose one of {', '.join(ids) or 'none'}"
        return InputError(
            f"no source is called {name!r} and no file has this name: {hint} "
            "('napari-graft sources list' shows all)"
        )

    def _candidates(self) -> Iterator[tuple[Path, Origin]]:
        for folder, origin in self._folders:
            try:
                candidates = sorted(folder.iterdir()) if folder.is_dir() else []
            except OSError as error:
                _log.warning("left out: sources in %s cannot be read: %s", folder, error.strerror)
                continue
            for candidate in candidates:
                # A dot marks a source that is still being added.
                is_finished = not candidate.name.startswith(".")
                if is_finished and any((candidate / name).exists() for name in MEMBER_LIMITS):
                    yield candidate, origin
        if self._has_plugins:
            yield from ((path, "plugin") for path in plugin_sources())


def user_home() -> Path:
    """Return the folder of the user's own sources and downloads."""
    named = os.environ.get(HOME_VARIABLE)
    return Path(named) if named else Path(platformdirs.user_data_dir("napari-graft", appauthor=False))


def user_sources(home: Path) -> Path:
    """Return the folder in `home` that holds one source in each subfolder."""
    return home / "sources"


def default_folders() -> list[tuple[Path, Origin]]:
    """Return where sources are looked for: those of the environment, the user, a checkout, the package."""
    named = os.environ.get(SOURCES_VARIABLE, "").split(os.pathsep)
    folders: list[tuple[Path, Origin]] = [(Path(name), "user") for name in named if name]
    folders.append((user_sources(user_home()), "user"))
    if _PACKAGE.parent.name == "src":
        folders.append((_PACKAGE.parents[1] / "benchmarks" / "sources", "repository"))
    folders.append((_PACKAGE / "data" / "sources", "built-in"))
    return folders


@cache
def _tell_hidden(source_id: str, used: Path, hidden: Path) -> None:
    """Tell of a source that is not used because of another of its name; once, however often one looks."""
    _log.warning("source %r in %s hides the one in %s", source_id, used, hidden)
