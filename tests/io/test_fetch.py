"""Downloads from a server on this machine that can be made to misbehave."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from napari_graft.core.errors import Cancelled, InputError, StorageError
from napari_graft.core.progress import CancelToken, Progress
from napari_graft.io.fetch import CHUNK_BYTES, download

CONTENT = np.random.default_rng(0).bytes(3 * CHUNK_BYTES + 5)
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@dataclass
class Behaviour:
    n_sent: int | None = None
    knows_ranges: bool = True
    sends_length: bool = True
    requested: list[str | None] = field(default_factory=list)


class Handler(BaseHTTPRequestHandler):
    behaviour: ClassVar[Behaviour]

    def do_GET(self) -> None:
        behaviour = self.behaviour
        wanted = self.headers.get("Range")
        behaviour.requested.append(wanted)
        if self.path != "/models/cells%20v1.bin":
            self.send_error(404)
            return
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and behaviour.knows_ranges else 0
        if start >= len(CONTENT):
            self.send_error(416)
            return
        self.send_response(206 if start else 200)
        if behaviour.sends_length:
            self.send_header("Content-Length", str(len(CONTENT) - start))
        self.end_headers()
        self.wfile.write(CONTENT[start : behaviour.n_sent])

    def log_message(self, format: str, *args: object) -> None:
        return


@pytest.fixture
def behaviour(monkeypatch: pytest.MonkeyPatch) -> Behaviour:
    monkeypatch.setenv("no_proxy", "*")
    Handler.behaviour = Behaviour()
    return Handler.behaviour


@pytest.fixture
def url(behaviour: Behaviour) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/models/cells%20v1.bin"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("sends_length", [True, False])
def test_a_file_is_fetched_and_progress_is_told(
    tmp_path: Path, url: str, behaviour: Behaviour, sends_length: bool
) -> None:
    behaviour.sends_length = sends_length
    told: list[Progress] = []
    path = download(url, tmp_path / "new" / "folder", sha256=SHA256.upper(), report=told.append)
    assert path == tmp_path / "new" / "folder" / "cells v1.bin"
    assert path.read_bytes() == CONTENT
    assert os.listdir(path.parent) == ["cells v1.bin"]
    assert [progress.done for progress in told] == sorted(progress.done for progress in told)
    assert told[0].done == 0
    assert told[-1].done == len(CONTENT)
    assert told[-1].total == (len(CONTENT) if sends_length else None)


def test_a_file_that_is_there_already_is_not_fetched_again(
    tmp_path: Path, url: str, behaviour: Behaviour
) -> None:
    for _ in range(2):
        download(url, tmp_path, sha256=SHA256)
    assert len(behaviour.requested) == 1
    (tmp_path / "cells v1.bin").write_bytes(b"spoilt")
    assert download(url, tmp_path, sha256=SHA256).read_bytes() == CONTENT


def test_a_download_that_was_cut_off_goes_on_where_it_stopped(
    tmp_path: Path, url: str, behaviour: Behaviour
) -> None:
    behaviour.n_sent = CHUNK_BYTES + 10
    with pytest.raises(InputError, match=rf"stopped after {CHUNK_BYTES + 10} of {len(CONTENT)} bytes"):
        download(url, tmp_path, sha256=SHA256)
    assert os.listdir(tmp_path) == ["cells v1.bin.partial"]
    behaviour.n_sent = None
    assert download(url, tmp_path, sha256=SHA256).read_bytes() == CONTENT
    assert behaviour.requested == [None, f"bytes={CHUNK_BYTES + 10}-"]
    assert os.listdir(tmp_path) == ["cells v1.bin"]


@pytest.mark.parametrize("sha256", [SHA256, None])
def test_a_part_that_cannot_be_continued_is_fetched_anew(
    tmp_path: Path, url: str, behaviour: Behaviour, sha256: str | None
) -> None:
    behaviour.knows_ranges = sha256 is None
    (tmp_path / "cells v1.bin.partial").write_bytes(b"of something else")
    assert download(url, tmp_path, sha256=sha256).read_bytes() == CONTENT


def test_a_whole_part_is_only_checked(tmp_path: Path, url: str, behaviour: Behaviour) -> None:
    (tmp_path / "cells v1.bin.partial").write_bytes(CONTENT)
    assert download(url, tmp_path, sha256=SHA256).read_bytes() == CONTENT
    assert behaviour.requested == []


def test_a_part_longer_than_the_file_is_fetched_anew(tmp_path: Path, url: str, behaviour: Behaviour) -> None:
    (tmp_path / "cells v1.bin.partial").write_bytes(CONTENT + b"!")
    assert download(url, tmp_path, sha256=SHA256).read_bytes() == CONTENT
    assert behaviour.requested == [f"bytes={len(CONTENT) + 1}-", None]


def test_another_checksum_is_refused_and_nothing_is_kept(tmp_path: Path, url: str) -> None:
    with pytest.raises(InputError, match=f"has the SHA-256 {SHA256} and not {'0' * 64}"):
        download(url, tmp_path, sha256="0" * 64)
    assert os.listdir(tmp_path) == []


def test_a_cancelled_download_stops_and_can_go_on(tmp_path: Path, url: str, behaviour: Behaviour) -> None:
    cancel = CancelToken()

    def stop(progress: Progress) -> None:
        if progress.done >= CHUNK_BYTES:
            cancel.cancel()

    with pytest.raises(Cancelled):
        download(url, tmp_path, sha256=SHA256, report=stop, cancel=cancel)
    assert download(url, tmp_path, sha256=SHA256).read_bytes() == CONTENT
    assert behaviour.requested == [None, f"bytes={CHUNK_BYTES}-"]


def test_what_is_not_there_is_told(tmp_path: Path, url: str) -> None:
    with pytest.raises(InputError, match=r"answered 404 Not Found: check the address"):
        download(url.replace("cells", "nuclei"), tmp_path)
    assert os.listdir(tmp_path) == []


def test_a_server_that_is_not_there_is_told(tmp_path: Path, behaviour: Behaviour) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.server_close()
    with pytest.raises(InputError, match="cannot be reached"):
        download(f"http://127.0.0.1:{server.server_port}/a.bin", tmp_path)


def test_a_file_url_is_copied(tmp_path: Path) -> None:
    (tmp_path / "a b.bin").write_bytes(CONTENT)
    path = download((tmp_path / "a b.bin").as_uri(), tmp_path / "copy", sha256=SHA256)
    assert path.read_bytes() == CONTENT
    with pytest.raises(InputError, match="cannot be reached"):
        download((tmp_path / "gone.bin").as_uri(), tmp_path / "copy")


@pytest.mark.parametrize("url", ["ftp://host/a.bin", "a.bin", "s3://bucket/a.bin"])
def test_other_kinds_of_urls_are_refused(tmp_path: Path, url: str) -> None:
    with pytest.raises(InputError, match="must begin with http, https, file"):
        download(url, tmp_path)


@pytest.mark.parametrize("url", ["http://host/", "http://host", "http://host/a/..", "http://host/a/%2E%2E"])
def test_urls_without_a_file_name_are_refused(tmp_path: Path, url: str) -> None:
    with pytest.raises(InputError, match="does not end in a file name"):
        download(url, tmp_path)


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path, url: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="cannot write"):
        download(url, tmp_path / "file")
