"""Run a network of another program once, in a sandboxed process of its own, before it is added.

Linux alone has all of the sandbox. What the system does not allow is left out (namespaces are switched off
on some): the limits on memory, time and files hold on every POSIX system, on Windows nothing but the
caller's clock.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from math import prod
from pathlib import Path

from napari_graft.core.errors import InputError
from napari_graft.core.progress import CancelToken
from napari_graft.sources.archive import WEIGHTS
from napari_graft.sources.foreign_spec import ForeignSpec
from napari_graft.sources.source import Source, open_source

_PR_SET_PDEATHSIG = 1
_PR_SET_NO_NEW_PRIVS = 38
_CLONE_NEWUSER = 0x10000000
_CLONE_NEWNET = 0x40000000
_CLONE_NEWIPC = 0x08000000
_MAX_OPEN_FILES = 256
_MORE_THREADS = 512
"""Above those that are there: for torch, and for what the user starts meanwhile."""
_LANDLOCK_CREATE, _LANDLOCK_RESTRICT = 444, 446
"""System calls that libraries of C have no names for yet."""
_LANDLOCK_VERSION = 1
_ALL_BUT_READING = {1: 0x1FF2, 2: 0x3FF2, 3: 0x7FF2}
"""By version of Landlock, its rights on files but to execute, read and list: write, remove, make, move."""


def die_with_parent(parent: int, lifeline: int) -> None:
    """End this process as soon as the one that started it is gone.

    Parameters
    ----------
    parent
        Id of that process.
    lifeline
        Descriptor of a pipe whose other end only the parent holds: its end is the parent's.
    """
    if sys.platform == "linux":
        _libc().prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.name == "posix" and os.getppid() != parent:
        os._exit(1)
    threading.Thread(target=_wait_for_end, args=(lifeline,), daemon=True).start()


def leave_network() -> bool:
    """Move this process, which must have but one thread, to a network of its own that leads nowhere.

    Returns
    -------
    bool
        Whether the system allowed it.
    """
    if sys.platform != "linux":
        return False
    libc = _libc()
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    return any(libc.unshare(flags | _CLONE_NEWNET | _CLONE_NEWIPC) == 0 for flags in (_CLONE_NEWUSER, 0))


def leave_files() -> bool:
    """Take from this process, which must have but one thread, the right to change any file or folder.

    Returns
    -------
    bool
        Whether the system could: Linux has Landlock since 5.13.
    """
    if sys.platform != "linux":
        return False
    libc = _libc()
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    version = libc.syscall(_LANDLOCK_CREATE, None, ctypes.c_size_t(0), ctypes.c_uint(_LANDLOCK_VERSION))
    if version < 1:
        return False
    # The first field of the kernel's structure is all that is asked for; no exceptions are made.
    rights = ctypes.c_uint64(_ALL_BUT_READING[min(version, max(_ALL_BUT_READING))])
    rules = libc.syscall(_LANDLOCK_CREATE, ctypes.byref(rights), ctypes.c_size_t(8), ctypes.c_uint(0))
    return bool(rules >= 0 and libc.syscall(_LANDLOCK_RESTRICT, rules, ctypes.c_uint(0)) == 0)


def limit_resources(memory: int, seconds: int) -> None:
    """Bound what this process may take, also of other processes, and let it write no file.

    Parameters
    ----------
    memory
        Bytes that it may allocate.
    seconds
        Time on all processors together.
    """
    if os.name != "posix":
        return
    import resource

    def limit(kind: int, most: int) -> None:
        _, hard = resource.getrlimit(kind)
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (most, most))

    # A write that is refused is to be an error, not a signal that ends the process without words.
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    limit(resource.RLIMIT_CORE, 0)
    limit(resource.RLIMIT_FSIZE, 0)
    limit(resource.RLIMIT_NOFILE, _MAX_OPEN_FILES)
    limit(resource.RLIMIT_CPU, seconds)
    limit(resource.RLIMIT_NPROC, _threads_of_users() + _MORE_THREADS)
    # RLIMIT_AS would count what is only reserved, which is gigabytes where torch comes with CUDA.
    limit(resource.RLIMIT_DATA, memory)


def _threads_of_users() -> int:
    """Return how many threads there are on this computer, as far as the system shows them.

    The limit is on those of one user, who may have another number here than outside.
    """
    count = 0
    for name in os.listdir("/proc") if os.path.isdir("/proc") else ():
        if name.isdigit():
            with suppress(OSError):
                count += len(os.listdir(f"/proc/{name}/task"))
    return count


def _wait_for_end(lifeline: int) -> None:
    while os.read(lifeline, 1):
        pass
    os._exit(1)


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


_SECONDS = 180
_POLL_SECONDS = 0.1
_MOST_WORDS = 2000
_LENGTHS = {2: ((64, 96), (150, 130)), 3: ((16, 48, 64), (20, 70, 50))}
_BYTES = 3 * 2**29
"""For Python, torch and the layers of a small image."""
_COPIES = 6
"""Of the weights, at most, while they are read, checked and given to torch."""
_BYTES_A_PIXEL = 2048
"""For the layers of a network that takes but large images."""


def try_source(source: Source, cancel: CancelToken) -> None:
    """Let a process of its own load a network and show it two generated images.

    So a program that breaks, hangs or never ends does that to nobody, and no network is loaded in a window.
    The process has no network and no way to write files where the system allows that, and limits on memory
    and time; it ends with this one.

    Raises
    ------
    InputError
        If it cannot be loaded, takes too long or too much memory, or answers with other channels, other sizes
        or values that are not finite.
    Cancelled
        When asked to stop.
    """
    # -P: a file in the folder where the user is must not stand in for a module. -B: nothing is to be written.
    command = [sys.executable, "-P", "-B", "-m", "napari_graft.exchange.sandbox", str(source.path.resolve())]
    with subprocess.Popen(
        # What it reads is the sign that this process is there: nothing is ever written.
        [*command, str(os.getpid()), str(memory_for(source))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            answer = _wait(process, cancel)
        finally:
            process.kill()
    refusal = _refusal_in(answer)
    if process.returncode != 0 or refusal is None:
        raise InputError(
            f"the network of {source.id!r} broke the process that tried it ({_end_of(process)}): not added"
        )
    if refusal:
        raise InputError(f"{source.id!r} cannot be used: {refusal}")


def memory_for(source: Source) -> int:
    """Return how many bytes a process may take that tries a network."""
    spec = source.card.spec
    n_pixels = prod(spec.smallest) * spec.n_input_channels if isinstance(spec, ForeignSpec) else 0
    file = source.path / WEIGHTS if source.path.is_dir() else source.path
    return _BYTES + _COPIES * file.stat().st_size + _BYTES_A_PIXEL * n_pixels


def _wait(process: subprocess.Popen[bytes], cancel: CancelToken) -> bytes:
    assert process.stdout is not None
    deadline = time.monotonic() + _SECONDS
    while True:
        cancel.raise_if_cancelled()
        try:
            process.wait(_POLL_SECONDS)
            return process.stdout.read(4 * _MOST_WORDS)
        except subprocess.TimeoutExpired:
            if time.monotonic() > deadline:
                raise InputError(f"the network did not answer within {_SECONDS} seconds: not added") from None


def _refusal_in(answer: bytes) -> str | None:
    """Return why a network was refused, no words where it was not, None where the process did not say."""
    try:
        said = json.loads(answer.splitlines()[-1])["refusal"]
    except (ValueError, LookupError, TypeError):
        return None
    return str(said or "")


def _end_of(process: subprocess.Popen[bytes]) -> str:
    code = process.returncode
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"signal {signal.Signals(-code).name}"
    except ValueError:
        return f"signal {-code}"


def run_once(path: Path) -> str | None:
    """Return why a source cannot be used, None where it can."""
    import numpy as np
    import torch

    from napari_graft.inference.predictor import Predictor
    from napari_graft.nets.build import load_network

    try:
        source = open_source(path, "file")
        predictor = Predictor(load_network(source.card.spec, source.load_weights()), torch.device("cpu"))
        rng = np.random.default_rng(0)
        for shape in _LENGTHS[source.card.spec.ndim]:
            predictor.predict_array(rng.uniform(-1, 1, shape).astype(np.float32))
    except MemoryError:
        return "it needs more memory than a network of its size may take"
    except InputError as error:
        return str(error)[:_MOST_WORDS]
    return None


def _main(path: Path, parent: int, memory: int) -> None:
    """Give up what a network does not need, then try it; the first two ask for a process of one thread."""
    lifeline = os.dup(sys.stdin.fileno())
    leave_network()
    leave_files()
    die_with_parent(parent, lifeline)
    os.dup2(os.open(os.devnull, os.O_RDONLY), sys.stdin.fileno())
    limit_resources(memory, _SECONDS * (os.cpu_count() or 1))
    print(json.dumps({"refusal": run_once(path)}))


if __name__ == "__main__":
    _main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
