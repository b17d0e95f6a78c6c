"""Add a source to the user's own, from a file, a folder or an address, whatever its format."""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from urllib.parse import urljoin, urlsplit
from uuid import uuid4

from filelock import FileLock, Timeout

from napari_graft.core.errors import DamagedFileError, IdTakenError, InputError
from napari_graft.core.progress import CancelToken, Report, ignore_progress
from napari_graft.exchange import torchscript_file
from napari_graft.exchange.formats import import_file
from napari_graft.exchange.import_options import DEFAULT_IMPORT, ImportOptions
from napari_graft.exchange.sandbox import try_source
from napari_graft.io import atomic
from napari_graft.io.documents import read_document
from napari_graft.io.fetch import download
from napari_graft.io.regular_files import refuse_irregular, refuse_missing
from napari_graft.sources import archive
from napari_graft.sources.card import SourceCard
from napari_graft.sources.catalogue import user_sources
from napari_graft.sources.source import Source, open_source

_FOLDER = "adding"
_LOCK_SUFFIX = ".lock"


@contextmanager
def staging_folder(home: Path) -> Iterator[Path]:
    """Give an empty folder in the user's own, and remove it afterwards.

    It lies there and not where the system has its temporary files, so that the next call finds what one left
    that was killed: its lock is open then.

    Raises
    ------
    StorageError
        If it cannot be made.
    """
    root = home / _FOLDER
    folder = root / uuid4().hex
    with atomic.storage_errors(folder):
        root.mkdir(parents=True, exist_ok=True)
        _remove_abandoned(root)
        lock = FileLock(f"{folder}{_LOCK_SUFFIX}")
        lock.acquire()
        folder.mkdir()
    try:
        yield folder
    finally:
        _remove(folder, lock)
        with suppress(OSError):
            root.rmdir()  # it stays where another process is adding a source


def _remove_abandoned(root: Path) -> None:
    for path in root.glob(f"*{_LOCK_SUFFIX}"):
        lock = FileLock(path)
        with suppress(Timeout):
            lock.acquire(timeout=0)
            _remove(path.with_suffix(""), lock)


def _remove(folder: Path, lock: FileLock) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    Path(lock.lock_file).unlink(missing_ok=True)
    lock.release()


def install(source: Source, home: Path, *, replaces: bool = False) -> Source:
    """Copy a source to the user's folder and return it there; it appears with all its files or not at all.

    Parameters
    ----------
    home
        The user's folder, see `user_home`.
    replaces
        Whether it takes the place of another one of its id.

    Raises
    ------
    IdTakenError
        If another source has its id and is to stay.
    InputError
        If its files are damaged.
    StorageError
        If the disk is full; then all is as it was.
    """
    files = source.read_files()
    folder = user_sources(home) / source.id
    if folder.exists():
        if _read_files(folder) == files:
            return open_source(folder, "user")
        if not replaces:
            raise IdTakenError(source.id, str(folder))
    # A dot hides them from the catalogue.
    unfinished = folder.with_name(f".{folder.name}{atomic.TEMPORARY_SUFFIX}")
    before = folder.with_name(f".{folder.name}.before")
    try:
        with atomic.storage_errors(folder):
            shutil.rmtree(unfinished, ignore_errors=True)
            _write_files(unfinished, files)
            _put(unfinished, folder, before)
            atomic.sync_folder(folder.parent)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
        if folder.exists():
            shutil.rmtree(before, ignore_errors=True)
    return open_source(folder, "user")


def _put(new: Path, folder: Path, aside: Path) -> None:
    """Move `new` to the place of `folder`; what was there comes back where that fails."""
    if not folder.exists():
        new.rename(folder)
        return
    shutil.rmtree(aside, ignore_errors=True)
    folder.rename(aside)
    try:
        new.rename(folder)
    except BaseException:
        aside.rename(folder)
        raise


def _read_files(folder: Path) -> Mapping[str, bytes]:
    return {n: (folder / n).read_bytes() for n in archive.MEMBER_LIMITS if (folder / n).is_file()}


def _write_files(folder: Path, files: Mapping[str, bytes]) -> None:
    folder.mkdir(parents=True)
    for name, data in files.items():
        atomic.write_bytes(folder / name, data)


_log = logging.getLogger(__name__)


def add_source(
    path_or_url: str | Path,
    home: Path,
    *,
    sha256: str | None = None,
    options: ImportOptions = DEFAULT_IMPORT,
    report: Report = ignore_progress,
    cancel: CancelToken | None = None,
) -> Source:
    """Check a source, copy it into the user's folder, and return it.

    Parameters
    ----------
    path_or_url
        An exported file; a folder with card and weights; weights as ``.safetensors`` or TorchScript with
        ``card.json`` beside them; a bioimage.io package; or the http(s) address of one of these, a folder's
        with a slash at its end.
    home
        The user's folder, see `user_home`.
    sha256
        Checksum of the file; it is not needed for weights, whose card holds theirs.
    options
        What a package does not say of its network, and whether another source of its id is replaced.

    Raises
    ------
    IdTakenError
        If another source has its id and is to stay.
    InputError
        If it is no source, is damaged or hostile, has another checksum, or cannot be run.
    StorageError
        If the disk is full; then nothing was added.
    Cancelled
        If `cancel` asked for it.
    """
    cancel = cancel or CancelToken()
    if urlsplit(str(path_or_url)).scheme not in ("http", "https"):
        path = Path(os.path.expanduser(path_or_url))
        _refuse_other_checksum(path, sha256)
        return _add_file(path, home, options, cancel)
    url = str(path_or_url)
    folder = home / "downloads" / hashlib.sha256(url.encode()).hexdigest()[:16]
    path = _download(url, folder, sha256, partial(download, report=report, cancel=cancel))
    added = _add_file(path, home, options, cancel)
    shutil.rmtree(folder, ignore_errors=True)
    return added


def _add_file(path: Path, home: Path, options: ImportOptions, cancel: CancelToken) -> Source:
    refuse_missing(path, f"source {str(path)!r} is missing: check the path")
    if not os.path.isdir(path):
        _refuse_irregular(path)
    with staging_folder(home) as folder:
        source = import_file(path, folder, options)
        source.load_weights()
        source.load_fingerprint()
        if not source.card.spec.is_trainable:
            try_source(source, cancel)
        return install(source, home, replaces=options.replaces)


def _refuse_irregular(path: Path) -> None:
    """Refuse a pipe or a device before anything looks into it."""
    try:
        refuse_irregular(path, follow_links=True)
    except (OSError, DamagedFileError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise InputError(
            f"source {str(path)!r} cannot be added ({reason}): give the path of a file"
        ) from None


def _refuse_other_checksum(path: Path, sha256: str | None) -> None:
    if sha256 is None or not path.is_file():
        return
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != sha256.lower():
        raise InputError(f"{str(path)!r} has the SHA-256 {found} and not {sha256}: get the file again")


def _download(url: str, folder: Path, sha256: str | None, fetch: Callable[..., Path]) -> Path:
    """Bring the files of a source into `folder`, and return the path to open it by."""
    is_folder = urlsplit(url).path.endswith("/")
    if urlsplit(url).path.endswith(torchscript_file.SUFFIXES):
        return _download_torchscript(url, folder, sha256, fetch)
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


def _download_torchscript(url: str, folder: Path, sha256: str | None, fetch: Callable[..., Path]) -> Path:
    """Bring a TorchScript file, and the card beside it where there is one: else it must be inside."""
    try:
        card = read_document(SourceCard, fetch(urljoin(url, archive.CARD), folder), "card")
    except InputError as error:
        _log.debug("no card beside %s: %s", url, error)
        return fetch(url, folder, sha256=sha256)
    return fetch(url, folder, sha256=sha256 or card.weights_sha256)
