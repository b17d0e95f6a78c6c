"""All formats in which sources come and go, by name, and how an earlier export is recognised."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath

import yaml

from napari_graft.core.errors import InputError
from napari_graft.core.registry import Registry
from napari_graft.exchange import graftsource, torchscript_file
from napari_graft.exchange.bioimageio import package as bioimageio_package
from napari_graft.exchange.bioimageio import read as bioimageio_read
from napari_graft.exchange.bioimageio import write as bioimageio_write
from napari_graft.exchange.bioimageio.spec import CONFIG
from napari_graft.exchange.bioimageio.write import plain_name
from napari_graft.exchange.import_options import ImportOptions
from napari_graft.sources.archive import CARD, MEMBER_LIMITS, SUFFIX, WEIGHTS
from napari_graft.sources.plugins import plugin_parts_by_name
from napari_graft.sources.source import Source, export_source


@dataclass(frozen=True, slots=True)
class Format:
    """File format of sources: how it is recognised, imported and written.

    Parameters
    ----------
    recognises
        Whether a file or a folder looks like one; it is not loaded.
    import_source
        Makes a source of it in an empty folder, or opens it where it lies. It runs no code of the file.
    write
        Writes a source as one file.
    endings
        How the name of such a file may end, the usual one first.
    """

    recognises: Callable[[Path], bool]
    import_source: Callable[[Path, Path, ImportOptions], Source]
    write: Callable[[Source, Path], None]
    endings: tuple[str, ...]


FORMATS: Registry[Format] = Registry("format", partial(plugin_parts_by_name, "napari_graft_formats"))
FORMATS.register("bioimageio")(
    Format(bioimageio_package.recognises, bioimageio_read.import_source, bioimageio_write.write, (".zip",))
)
FORMATS.register("torchscript")(
    Format(
        torchscript_file.recognises,
        torchscript_file.import_source,
        torchscript_file.write,
        torchscript_file.SUFFIXES,
    )
)
FORMATS.register("graftsource")(
    Format(graftsource.recognises, graftsource.import_source, export_source, (SUFFIX,))
)


def import_file(path: Path, folder: Path, options: ImportOptions) -> Source:
    """Make a source of a file or a folder of any known format, in `folder` where it is not ours already.

    Raises
    ------
    InputError
        If it is of no known format, damaged, hostile, or says too little.
    """
    chosen = next(FORMATS[name] for name in FORMATS if FORMATS[name].recognises(path))
    return chosen.import_source(path, folder, options)


def check_ending(path: Path, format_name: str) -> None:
    """Refuse a name under which nobody would look for a source of a format.

    Raises
    ------
    InputError
        If there is no such format, or the name ends otherwise than its files do.
    """
    endings = FORMATS[format_name].endings
    if path.suffix.lower() in endings:
        return
    fitting = [name for name in FORMATS if path.suffix.lower() in FORMATS[name].endings]
    other = f", or choose --format {fitting[0]}" if fitting else ""
    usual = path.with_suffix(endings[0]).name
    raise InputError(
        f"{path} is no name of a source in the format {format_name}, which ends in {endings[0]}: "
        f"write {usual}{other}"
    )


_DESCRIPTIONS = ("bioimageio.yaml", "rdf.yaml")
_TORCH = ("data.pkl", "constants.pkl")


def is_export_of(path: Path, source_id: str, title: str | None = None) -> bool:
    """Say whether a file is an earlier export of a source, in any format that we write.

    One of another source may be all that somebody has of it, and is not taken for ours.

    Parameters
    ----------
    title
        By which the package of a network of another program is known, which comes without our card.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            for entry in archive.infolist():
                name = PurePosixPath(entry.filename).name
                if entry.file_size > MEMBER_LIMITS[CARD]:
                    continue
                if name == CARD:
                    return bool(json.loads(archive.read(entry))["id"] == source_id)
            return title is not None and any(
                _describes(archive.read(entry), title)
                for entry in archive.infolist()
                if entry.filename in _DESCRIPTIONS and entry.file_size <= MEMBER_LIMITS[CARD]
            )
    except Exception:  # foreign bytes: zipfile and json fail on them in many ways, and they are not ours then
        return False


def holds_network(path: Path) -> bool:
    """Say whether a file is an archive with a network in it, of whatever program."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = {PurePosixPath(name).name for name in archive.namelist()}
    except Exception:  # foreign bytes, as above
        return False
    return not names.isdisjoint((CARD, WEIGHTS, *_DESCRIPTIONS, *_TORCH))


def _describes(description: bytes, title: str) -> bool:
    found = yaml.safe_load(description)
    return CONFIG in found["config"] and found["name"] == plain_name(title)
