"""Take from this process what a network does not need, before it runs one that a stranger made.

Linux alone has all of it. What the system does not allow is left out (namespaces are switched off on some):
the limits on memory, time and files hold on every POSIX system, on Windows nothing but the caller's clock.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
from contextlib import suppress

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
