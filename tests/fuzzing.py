"""Damage files on purpose, in the same way for the same seed, and hold their readers to words.

A reader of files that strangers made may succeed or raise `InputError`, whatever the bytes are. Anything
else, a hang, or more memory than the file can be worth is a fault of ours::

    def test_a_damaged_tile_is_refused_in_words(tmp_path: Path) -> None:
        fuzz_file(make_tile(tmp_path / "tile.tif"), read_tile, n=50, seed=0)
"""

from __future__ import annotations

import resource
import shutil
import signal
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import numpy as np

from napari_graft.core.errors import InputError

Read = Callable[[Path], object]
Mutation = Callable[[bytes, np.random.Generator], bytes]

EXTRA_MEMORY = 2 << 30
SECONDS = 120.0
EXTREMES = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, (1 << 62), (1 << 64) - 1)


class Hangs(BaseException):
    """Say that a reader did not end; no `except Exception` keeps it."""


def _flip_bits(content: bytes, rng: np.random.Generator) -> bytes:
    changed = bytearray(content)
    for place in _places(content, rng):
        changed[place] ^= 1 << int(rng.integers(8))
    return bytes(changed)


def _replace_bytes(content: bytes, rng: np.random.Generator) -> bytes:
    changed = bytearray(content)
    for place in _places(content, rng):
        changed[place] = int(rng.integers(256))
    return bytes(changed)


def _put_extreme_number(content: bytes, rng: np.random.Generator) -> bytes:
    width = int(rng.choice([1, 2, 4, 8]))
    number = EXTREMES[int(rng.integers(len(EXTREMES)))] & ((1 << 8 * width) - 1)
    place = next(_places(content, rng))
    order = "little" if rng.integers(2) else "big"
    return content[:place] + number.to_bytes(width, order) + content[place + width :]


def _insert(content: bytes, rng: np.random.Generator) -> bytes:
    place = next(_places(content, rng))
    return content[:place] + rng.bytes(int(rng.integers(1, 17))) + content[place:]


def _remove(content: bytes, rng: np.random.Generator) -> bytes:
    place = next(_places(content, rng))
    return content[:place] + content[place + int(rng.integers(1, 65)) :]


def _cut(content: bytes, rng: np.random.Generator) -> bytes:
    return content[: int(rng.integers(len(content)))]


def _repeat(content: bytes, rng: np.random.Generator) -> bytes:
    place = next(_places(content, rng))
    return content[:place] + content[max(0, place - int(rng.integers(1, 129))) :]


MUTATIONS: tuple[Mutation, ...] = (
    _flip_bits,
    _replace_bytes,
    _put_extreme_number,
    _insert,
    _remove,
    _cut,
    _repeat,
)


def _places(content: bytes, rng: np.random.Generator) -> Iterator[int]:
    """Yield up to four places, half of them near an end: headers and directories are there."""
    for _ in range(int(rng.integers(1, 5))):
        near = min(len(content), 512)
        choices = (rng.integers(len(content)), rng.integers(near), len(content) - 1 - rng.integers(near))
        yield int(choices[int(rng.integers(3))])


def mutate(content: bytes, seed: int) -> bytes:
    """Return bytes with one or two kinds of damage, which `seed` decides."""
    rng = np.random.default_rng(seed)
    for _ in range(int(rng.integers(1, 3))):
        content = MUTATIONS[int(rng.integers(len(MUTATIONS)))](content or b"\0", rng)
    return content


@contextmanager
def limited_memory(extra: int = EXTRA_MEMORY) -> Iterator[None]:
    """Let the process take no more than `extra` bytes of address space on top of what it has."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    earlier = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + extra, earlier[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, earlier)


@contextmanager
def limited_time(seconds: float = SECONDS) -> Iterator[None]:
    """Raise `Hangs` where the block takes longer; main thread only."""

    def ring(number: int, frame: FrameType | None) -> None:
        raise Hangs(f"no end within {seconds} s")

    earlier = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, earlier)


def refuses_or_reads(read: Callable[[], object], what: str) -> bool:
    """Return whether `read` succeeded, False where it raised `InputError`.

    Raises
    ------
    AssertionError
        If it raised anything else, hung, or took too much memory; `what` is in the message.
    """
    try:
        with limited_memory(), limited_time(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            read()
    except InputError as error:
        assert str(error), f"{what}: an error without words"
        return False
    except (KeyboardInterrupt, GeneratorExit):
        raise
    except BaseException as error:  # whatever else comes out is the fault that is looked for
        raise AssertionError(f"{what}: {type(error).__name__}: {error}") from error
    return True


def fuzz_file(path: Path, read: Read, *, n: int, seed: int = 0) -> int:
    """Damage a file, or one file of a folder, in `n` ways, read it each time, and return how many were read.

    What `path` holds is the valid original; it is there again afterwards. The number behind ``seed`` in a
    failure makes the same damage again: ``mutate(content, seed)``.
    """
    is_folder = path.is_dir()
    parts = sorted(p for p in path.rglob("*") if p.is_file()) if is_folder else [path]
    contents = {part: part.read_bytes() for part in parts}
    n_read = 0
    for number in range(seed, seed + n):
        part = parts[number % len(parts)]
        try:
            part.unlink()  # a new file: a reader may have mapped the old one
            part.write_bytes(mutate(contents[part], number))
            what = f"{part.relative_to(path.parent)}, seed {number}"
            n_read += refuses_or_reads(lambda: read(path), what)
        finally:
            if is_folder:
                part.parent.mkdir(parents=True, exist_ok=True)
            part.unlink(missing_ok=True)
            part.write_bytes(contents[part])
    return n_read


def copy_of(path: Path, folder: Path) -> Path:
    """Copy a file or folder into another folder, to be damaged there."""
    target = folder / path.name
    return Path(shutil.copytree(path, target)) if path.is_dir() else Path(shutil.copy(path, target))
