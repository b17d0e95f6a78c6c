"""What goes wrong outside the program, in words: names, permissions, disks, and faults of our own."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Sequence

from napari_graft.core.errors import InputError

_REMEDIES = {
    errno.EACCES: "you may not read or write it: change its permissions, or choose another place",
    errno.EPERM: "you may not change it: choose another place",
    errno.EROFS: "the disk can only be read: choose another place",
    errno.ENAMETOOLONG: "the name is too long: choose one of fewer than 200 letters",
    errno.ELOOP: "the link points to itself: name the file that is meant",
    errno.ENOENT: "it does not exist: check the path",
    errno.ENOTDIR: "a part of the path is a file, not a folder: check the path",
    errno.EISDIR: "it is a folder, where a file is needed: check the path",
    errno.EEXIST: "it exists already: choose another name",
    errno.ENOSPC: "the disk is full: make room, then run the same command again",
    errno.EDQUOT: "your quota is used up: make room, then run the same command again",
    errno.EFBIG: "the file would be larger than is allowed: choose another place, or raise the limit",
    errno.EMFILE: "too many files are open: raise the limit with 'ulimit -n', then try again",
    errno.EIO: "the disk cannot read or write it: copy the file to another disk",
    errno.ESTALE: "the network drive was lost: connect it again",
}


def tell_system_error(error: OSError) -> str:
    """Return what the system refused, on which file, and what to do, in one line."""
    name = error.filename2 or error.filename
    where = "" if name is None else f"{os.fsdecode(name) if isinstance(name, bytes) else name}: "
    remedy = _REMEDIES.get(error.errno or 0)
    if remedy is None:
        return f"{where}{error.strerror or error or type(error).__name__}: check the path and the disk"
    return f"{where}{remedy}" if where else f"{error.strerror}: {remedy}"


def refuse_undecodable(arguments: Sequence[str]) -> None:
    """Refuse what was typed, or a folder to work in, where its bytes are no UTF-8 text.

    Such a name cannot be written into a project.

    Raises
    ------
    InputError
        If so; with the bytes escaped.
    """
    for text, what in (*((one, "the name") for one in arguments), (_here(), "the name of the folder")):
        try:
            text.encode("utf-8")
        except UnicodeEncodeError:
            shown = os.fsencode(text).decode("utf-8", errors="backslashreplace")
            raise InputError(
                f"{what} {shown!r} is no text in UTF-8, so that no project can keep it: rename it "
                "(convmv -f latin1 -t utf8 does so for many)"
            ) from None


def _here() -> str:
    try:
        return os.getcwd()
    except OSError:
        return ""


def replace_unprintable() -> None:
    """Let letters that the terminal or file cannot show be replaced instead of ending the command."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace" if stream is sys.stderr else "replace")
