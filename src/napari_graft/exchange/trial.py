"""Run a network of another program once, in a confined process of its own, before it is added."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from math import prod
from pathlib import Path

from napari_graft.core.errors import InputError
from napari_graft.core.progress import CancelToken
from napari_graft.exchange.confinement import die_with_parent, leave_files, leave_network, limit_resources
from napari_graft.sources.archive import WEIGHTS
from napari_graft.sources.foreign_spec import ForeignSpec
from napari_graft.sources.source import Source, open_source

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
    command = [sys.executable, "-P", "-B", "-m", "napari_graft.exchange.trial", str(source.path.resolve())]
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
    from napari_graft.nets.kinds import load_network

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
