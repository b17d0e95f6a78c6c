"""Know a file again that was exported before, whichever format it is of."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path, PurePosixPath

import yaml

from napari_graft.exchange.bioimageio_spec import CONFIG
from napari_graft.exchange.bioimageio_write import plain_name
from napari_graft.sources.archive import CARD, MEMBER_LIMITS, WEIGHTS

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
