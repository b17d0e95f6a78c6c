"""A web server on this machine that can be slow, cut a file short, or know no ranges."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from napari_graft.samples.public import PublicFile

PATIENCE_SECONDS = 30


@dataclass
class Loopback:
    """Serve `files`, by path; `n_sent` cuts them short, `go_on` holds them back after half of their bytes."""

    port: int
    files: dict[str, bytes] = field(default_factory=dict)
    n_sent: int | None = None
    go_on: threading.Event | None = None
    requested: list[tuple[str, str | None]] = field(default_factory=list)

    def add(self, path: str, content: bytes) -> PublicFile:
        """Serve a file, and describe it as the registry of public samples does."""
        self.files[path] = content
        url = f"http://127.0.0.1:{self.port}{path}"
        return PublicFile(url, hashlib.sha256(content).hexdigest(), len(content))


class _Handler(BaseHTTPRequestHandler):
    loopback: Loopback

    def do_GET(self) -> None:
        loopback = self.loopback
        wanted = self.headers.get("Range")
        loopback.requested.append((self.path, wanted))
        content = loopback.files.get(self.path)
        if content is None:
            self.send_error(404)
            return
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted else 0
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        content = content[start : loopback.n_sent]
        half = len(content) // 2
        self.wfile.write(content[:half])
        if loopback.go_on is not None and not loopback.go_on.wait(PATIENCE_SECONDS):
            return
        self.wfile.write(content[half:])

    def log_message(self, format: str, *args: object) -> None:
        return


@pytest.fixture
def loopback(monkeypatch: pytest.MonkeyPatch) -> Iterator[Loopback]:
    """Give a server that ends with the test."""
    monkeypatch.setenv("no_proxy", "*")
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    served = Loopback(server.server_port)
    server.RequestHandlerClass = type("Handler", (_Handler,), {"loopback": served})
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield served
    if served.go_on is not None:
        served.go_on.set()
    server.shutdown()
    thread.join()
    server.server_close()
