"""Run a network of another program once, in a process of its own, before it is added."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

from napari_graft.core.errors import InputError
from napari_graft.core.progress import CancelToken
from napari_graft.sources.source import Source, open_source

_SECONDS = 600
_POLL_SECONDS = 0.1
_LENGTHS = {2: ((64, 96), (150, 130)), 3: ((16, 48, 64), (20, 70, 50))}


def try_source(source: Source, cancel: CancelToken) -> None:
    """Let a process of its own load a network and show it two generated images.

    So a program that breaks, hangs or never ends does that to nobody, and no network is loaded in a window.

    Raises
    ------
    InputError
        If it cannot be loaded, takes too long, or answers with other channels, other sizes or values that
        are not finite.
    Cancelled
        When asked to stop.
    """
    command = [sys.executable, "-m", "napari_graft.exchange.trial", str(source.path)]
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        try:
            answer = _wait(process, cancel)
        finally:
            process.kill()
    if process.returncode != 0 or not answer:
        raise InputError(f"the network of {source.id!r} broke the process that tried it: not added")
    refusal = json.loads(answer.splitlines()[-1])["refusal"]
    if refusal is not None:
        raise InputError(f"{source.id!r} cannot be used: {refusal}")


def _wait(process: subprocess.Popen[bytes], cancel: CancelToken) -> bytes:
    deadline = time.monotonic() + _SECONDS
    while True:
        cancel.raise_if_cancelled()
        try:
            return process.communicate(timeout=_POLL_SECONDS)[0]
        except subprocess.TimeoutExpired:
            if time.monotonic() > deadline:
                raise InputError(f"the network did not answer within {_SECONDS} seconds: not added") from None


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
    except InputError as error:
        return str(error)
    return None


if __name__ == "__main__":
    print(json.dumps({"refusal": run_once(Path(sys.argv[1]))}))
