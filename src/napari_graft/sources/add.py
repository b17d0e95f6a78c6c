"""Add a source that someone exported to the user's own."""

from __future__ import annotations

import hashlib
import logging
import shutil
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from urllib.parse import urljoin, urlsplit

from napari_graft.core.errors import InputError
from napari_graft.core.progress import CancelToken, Report, ignore_progress
from napari_graft.io import atomic
from napari_graft.io.fetch import download
from napari_graft.sources import archive
from napari_graft.sources.card import SourceCard
from napari_graft.sources.catalogue import user_sources
from napari_graft.sources.document import read_document
from napari_graft.sources.source import Source, open_source

_log = logging.getLogger(__name__)


def add_source(
    path_or_url: str | Path,
    home: Path,
    *,
    sha256: str | None = None,
    report: Report = ignore_progress,
    cancel: CancelToken | None = None,
) -> Source:
    """Check a source, copy it into the user's folder, and return it.

    Parameters
    ----------
    path_or_url
        An exported file; a folder with card and weights; weights as ``.safetensors`` with ``card.json``
        beside them; or the http(s) address of one of these, a folder's with a slash at its end.
    home
        The user's folder, see `user_home`.
    sha256
        Checksum of the file that the address names; it is not needed for weights, whose card holds theirs.

    Raises
    ------
    InputError
        If it is no source, is damaged, has another checksum, or if another source has its id.
    StorageError
        If the disk is full; then nothing was added.
    Cancelled
        If `cancel` asked for it.
    """
    if urlsplit(str(path_or_url)).scheme not in ("http", "https"):
        return _install(_open_checked(Path(path_or_url).expanduser()), home)
    url = str(path_or_url)
    folder = home / "downloads" / hashlib.sha256(url.encode()).hexdigest()[:16]
    source = _open_checked(_download(url, folder, sha256, partial(download, report=report, cancel=cancel)))
    added = _install(source, home)
    shutil.rmtree(folder, ignore_errors=True)
    return added


def _download(url: str, folder: Path, sha256: str | None, fetch: Callable[..., Path]) -> Path:
    """Bring the files of a source into `folder`, and return the path to open it by."""
    is_folder = urlsplit(url).path.endswith("/")
    if not is_folder and not urlsplit(url).path.endswith(".safetensors"):
        return fetch(url, folder, sha256=sha256)
    card = read_document(SourceCard, fetch(urljoin(url, archive.CARD), folder), "card")
    weights_url = urljoin(url, archive.WEIGHTS) if is_folder else url
    weights = fetch(weights_url, folder, sha256=sha256 or card.weights_sha256)
    try:
        fetch(urljoin(url, archive.FINGERPRINT), folder)
    except InputError as error:
        _log.warning("source %r comes without a fingerprint and cannot be ranked: %s", card.id, error)
    return folder if is_folder else weights


def _open_checked(path: Path) -> Source:
    if not path.exists():
        raise InputError(f"source {str(path)!r} is missing: check the path")
    try:
        source = open_source(path, "file")
    except InputError:
        if path.is_file() and path.suffix not in (archive.SUFFIX, ".safetensors"):
            archive.refuse_foreign_format(path)
        raise
    source.load_weights()
    source.load_fingerprint()
    return source


def _install(source: Source, home: Path) -> Source:
    files = source.read_files()
    folder = user_sources(home) / source.id
    if folder.exists():
        if _read_files(folder) != files:
            raise InputError(
                f"another source called {source.id!r} is there already: remove {str(folder)!r} to replace it"
            )
        return open_source(folder, "user")
    # A dot hides it from the catalogue until all of it is there.
    unfinished = folder.with_name(f".{folder.name}{atomic.TEMPORARY_SUFFIX}")
    try:
        with atomic.storage_errors(folder):
            shutil.rmtree(unfinished, ignore_errors=True)
            unfinished.mkdir(parents=True)
            for name, data in files.items():
                atomic.write_bytes(unfinished / name, data)
            unfinished.rename(folder)
            atomic.sync_folder(folder.parent)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return open_source(folder, "user")


def _read_files(folder: Path) -> Mapping[str, bytes]:
    return {n: (folder / n).read_bytes() for n in archive.MEMBER_LIMITS if (folder / n).is_file()}
