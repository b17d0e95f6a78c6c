from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

_TRIES = """
import os, socket, sys
from pathlib import Path
from napari_graft.exchange.sandbox import leave_files, leave_network, limit_resources

marker, kept = Path(sys.argv[1]), Path(sys.argv[2])
has_no_network, has_no_files = leave_network(), leave_files()
limit_resources(2**30, 60)


def attempt(what):
    try:
        what()
    except (OSError, MemoryError):
        return
    print(what.__name__)


def write(): marker.write_bytes(b"x" * 10)
def append():
    with kept.open("ab") as file:
        file.write(b"x")
def cut():
    if has_no_files: os.truncate(kept, 0)
    else: raise OSError
def remove():
    if has_no_files: kept.unlink()
    else: raise OSError
def reach():
    if has_no_network: socket.create_connection(("127.0.0.1", int(sys.argv[3])), 5)
    else: raise OSError
def allocate(): bytearray(2**31)


for what in (write, append, cut, remove, reach, allocate):
    attempt(what)
print("read", len(kept.read_bytes()))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the limits are Linux's")
def test_a_confined_process_writes_nothing_and_reaches_nobody(tmp_path: Path) -> None:
    import socket

    kept = tmp_path / "kept"
    kept.write_bytes(b"abc")
    with socket.create_server(("127.0.0.1", 0)) as server:
        arguments = [str(tmp_path / "marker"), str(kept), str(server.getsockname()[1])]
        said = subprocess.run(
            [sys.executable, "-c", _TRIES, *arguments], check=True, capture_output=True, text=True
        )

    assert said.stdout.split() == ["read", "3"]
    assert not (tmp_path / "marker").exists() or (tmp_path / "marker").stat().st_size == 0


_PARENT = """
import os, subprocess, sys
child = (
    "import os, sys, time\\n"
    "from napari_graft.exchange.sandbox import die_with_parent, leave_network\\n"
    "lifeline = os.dup(0); leave_network(); die_with_parent(int(sys.argv[1]), lifeline)\\n"
    "print(os.getpid(), flush=True); time.sleep(600)\\n"
)
process = subprocess.Popen([sys.executable, "-c", child, str(os.getpid())], stdin=subprocess.PIPE)
process.wait()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_a_trial_ends_with_the_process_that_began_it() -> None:
    with subprocess.Popen([sys.executable, "-c", _PARENT], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = Path("/proc") / parent.stdout.readline().strip()
        assert child.exists()
        parent.kill()

    deadline = time.monotonic() + 20
    while _is_running(child) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _is_running(child)


def _is_running(process: Path) -> bool:
    try:
        return (process / "stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    except OSError:
        return False


@pytest.mark.skipif(sys.platform != "linux", reason="the limits are Linux's")
def test_a_confined_process_may_start_only_so_many_others() -> None:
    said = subprocess.run(
        [
            sys.executable,
            "-c",
            "import resource\n"
            "from napari_graft.exchange.sandbox import limit_resources\n"
            "limit_resources(2**30, 60)\n"
            "print(*resource.getrlimit(resource.RLIMIT_NPROC))",
        ],
        check=True,
        capture_output=True,
        text=True,
    )
    soft, hard = map(int, said.stdout.split())
    assert 0 < soft == hard < 100_000
