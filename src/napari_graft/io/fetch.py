"""Download a file over http(s) or from a file URL, going on where an earlier attempt stopped."""

from __future__ import annotations

import http.client
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast
from urllib.error import HTTPError, URLError
from urllib.parse import unquote, urlsplit
from urllib.request import Request, urlopen

from napari_graft.core.errors import InputError
from napari_graft.core.progress import CancelToken, Progress, Report, ignore_progress
from napari_graft.io.atomic import publish_file, storage_errors

if TYPE_CHECKING:
    from urllib.response import addinfourl

CHUNK_BYTES = 1 << 18
TIMEOUT_SECONDS = 30
SCHEMES = ("http", "https", "file")
USER_AGENT = "napari-graft"


def download(
    url: str,
    folder: Path,
    *,
    sha256: str | None = None,
    report: Report = ignore_progress,
    cancel: CancelToken | None = None,
) -> Path:
    """Bring a file into `folder`, under the name that it has in the URL, and return its path.

    With a checksum, a file that is there already and fits is not fetched again, and a download that was cut
    off goes on where it stopped. Without one it starts anew, as nothing would tell whether the parts fit.

    Raises
    ------
    InputError
        If the URL is of another kind, cannot be reached, is not there, or its content has another checksum.
    StorageError
        If the file cannot be written.
    Cancelled
        If `cancel` asked for it; what was fetched is kept.
    """
    target = folder / _file_name(url)
    if sha256 is not None and target.is_file() and _checksum(target) == sha256.lower():
        return target
    partial = target.with_name(target.name + ".partial")
    with storage_errors(target):
        folder.mkdir(parents=True, exist_ok=True)
        if sha256 is None:
            partial.unlink(missing_ok=True)
        if sha256 is None or not partial.exists() or _checksum(partial) != sha256.lower():
            _fetch(url, partial, report, cancel or CancelToken())
        if sha256 is not None:
            _refuse_mismatch(partial, sha256.lower(), url)
        publish_file(partial, target)
    return target


def _file_name(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in SCHEMES:
        raise InputError(f"URL {url!r} cannot be downloaded: it must begin with {', '.join(SCHEMES)}")
    name = unquote(parts.path).replace("\\", "/").rsplit("/", 1)[-1]
    if name in ("", ".", ".."):
        raise InputError(f"URL {url!r} does not end in a file name: give the address of a file")
    return name


def _checksum(path: Path) -> str:
    import pooch

    return str(pooch.file_hash(str(path), alg="sha256"))


def _refuse_mismatch(partial: Path, sha256: str, url: str) -> None:
    found = _checksum(partial)
    if found != sha256:
        partial.unlink()
        raise InputError(
            f"what {url} gave has the SHA-256 {found} and not {sha256}: try again, or check the address"
        )


def _fetch(url: str, partial: Path, report: Report, cancel: CancelToken) -> None:
    """Append to `partial` what it lacks, or write all of it where the server cannot send a part."""
    n_kept = partial.stat().st_size if partial.exists() else 0
    with _reach(url), _open(url, n_kept) as response:
        is_rest = response.status == http.client.PARTIAL_CONTENT
        n_kept = n_kept if is_rest else 0
        length = response.headers.get("Content-Length")
        total = n_kept + int(length) if length is not None else None
        with partial.open("ab" if is_rest else "wb") as file:
            n_done = _copy(response, file, Progress(n_kept, total, f"Downloading {url}"), report, cancel)
    if total is not None and n_done != total:
        raise InputError(f"{url} stopped after {n_done} of {total} bytes: run again")


def _open(url: str, n_kept: int) -> addinfourl:
    headers = {"User-Agent": USER_AGENT}
    if n_kept and not url.startswith("file:"):
        headers["Range"] = f"bytes={n_kept}-"
    try:
        return cast("addinfourl", urlopen(Request(url, headers=headers), timeout=TIMEOUT_SECONDS))
    except HTTPError as error:
        if error.code != http.client.REQUESTED_RANGE_NOT_SATISFIABLE or not n_kept:
            raise
        return _open(url, 0)


@contextmanager
def _reach(url: str) -> Iterator[None]:
    """Turn the failures of a network into an `InputError`."""
    try:
        yield
    except HTTPError as error:
        raise InputError(f"{url} answered {error.code} {error.reason}: check the address") from error
    except (URLError, TimeoutError, ConnectionError, ssl.SSLError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", None) or error or type(error).__name__
        raise InputError(f"{url} cannot be reached ({reason}): check the address and the network") from error


def _copy(
    source: IO[bytes] | addinfourl, file: IO[bytes], start: Progress, report: Report, cancel: CancelToken
) -> int:
    n_done = int(start.done)
    report(start)
    while True:
        cancel.raise_if_cancelled()
        chunk = source.read(CHUNK_BYTES)
        if not chunk:
            return n_done
        file.write(chunk)
        n_done += len(chunk)
        report(Progress(n_done, start.total, start.message))
