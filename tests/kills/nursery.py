"""Keep all libraries loaded, and fork a process for each job that is to be killed.

It reads orders from stdin and answers on stdout, a JSON document each. It computes nothing itself: torch does
not survive a fork once it has. What a job loads that nobody kills is loaded here as well, for the next ones.
"""

from __future__ import annotations

import json
import os
import select
import signal
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from importlib import import_module
from itertools import count
from pathlib import Path
from typing import Any

import painting
import torch

from napari_graft.bridging import learning, suitability
from napari_graft.cli.app import run
from napari_graft.engine import client
from napari_graft.jobs.base import Request
from napari_graft.jobs.running import run_job
from napari_graft.segmentation import calibrate
from napari_graft.session import pretraining
from napari_graft.session.training import fitting
from napari_graft.sources import catalogue

Order = dict[str, Any]
CHANGES = {"open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate", "graft.fsync"}
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT


class _EngineHere:
    """Do in this process what the worker process does: there is one process to kill."""

    def __enter__(self) -> _EngineHere:
        return self

    def __exit__(self, *details: object) -> None:
        pass

    def run(self, request: Request[Any], **ears: Any) -> Any:
        return run_job(request, ears["report"], ears["cancel"])


def prepare() -> None:
    torch.set_num_threads(1)
    client.Engine = _EngineHere  # type: ignore[assignment, misc]
    fitting.TrainConfig = partial(fitting.TrainConfig, checkpoint_seconds=0.0)  # type: ignore[assignment, misc]
    fitting.PATCH, fitting.BATCH = {2: (32, 32), 3: (8, 32, 32)}, {2: 1, 3: 1}
    calibrate.STAGES = ()
    learning.PATCH, learning.BATCH = {2: (32, 32), 3: (4, 32, 32)}, {2: 1, 3: 1}
    suitability.STEPS = 30
    pretraining.PretrainConfig = partial(  # type: ignore[assignment, misc]
        pretraining.PretrainConfig, self_supervised_steps=1, replay_steps=1, checkpoint_seconds=0.0
    )
    pretraining.PATCH, pretraining.PLACE = {2: (32, 32)}, {2: (48, 48)}  # type: ignore[assignment]
    pretraining.N_PLACES, pretraining.BATCH = {2: 2}, {2: 1}
    os.fsync = lambda descriptor: sys.audit("graft.fsync", descriptor)  # the disk is not what is tested


def watch(root: str, at: int | None, numbers: count[int]) -> None:
    """Count what is done to the disk below `root`; be killed right before the change number `at`."""

    def see(event: str, arguments: tuple[Any, ...]) -> None:
        if event not in CHANGES:
            return
        if event == "open" and not (isinstance(arguments[2], int) and arguments[2] & WRITING):
            return
        if event != "graft.fsync" and not str(arguments[0]).startswith(root):
            return
        if next(numbers) == at:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(see)


def work(order: Order, results: int) -> None:
    """Do the job of an order, as a process of its own."""
    root, numbers = order["root"], count()
    for number, name in ((1, "out"), (2, "err")):
        with open(f"{root}/{name}.txt", "w") as file:
            os.dup2(file.fileno(), number)
    sources, home = Path(order["sources"]), Path(root) / "home"
    os.environ["NAPARI_GRAFT_HOME"] = str(home)
    catalogue.default_folders = lambda: [(sources, "user"), (home / "sources", "user")]
    watch(root, order["at"], numbers)
    job: Callable[[], int] = partial(run, order["arguments"])
    if order["arguments"][0] == "paint":
        job = partial(painting.paint, Path(order["arguments"][1]))
    code = job()
    sys.stdout.flush()
    n_changes = next(numbers)
    Path(root, "modules.json").write_text(json.dumps(list(sys.modules)))
    os.write(results, json.dumps({"code": code, "n_changes": n_changes}).encode())
    os._exit(0)


def fork(order: Order) -> Order:
    """Fork a child for an order, kill it when its time has come, and return how it ended."""
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            work(order, write_end)
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(1)
    os.close(write_end)
    with open(read_end, "rb", closefd=True) as results:
        watcher = os.pidfd_open(child)
        if not select.select([watcher], [], [], order["after"] or order["patience"])[0]:
            os.kill(child, signal.SIGKILL)
        os.close(watcher)
        _, status = os.waitpid(child, 0)
        answer = results.read()
    is_killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
    ended: Order = json.loads(answer) if answer else {"code": None, "n_changes": 0}
    return ended | {"is_killed": is_killed, "status": status}


def load(root: str) -> None:
    """Load what a job has loaded that was not killed."""
    for name in json.loads(Path(root, "modules.json").read_text()):
        if name not in sys.modules:
            # Some are made by others, and are no files.
            with suppress(Exception):
                import_module(name)


def main() -> None:
    prepare()
    answers = os.fdopen(os.dup(1), "w")
    for line in sys.stdin:
        order = json.loads(line)
        answer = fork(order)
        if answer["code"] == 0:
            load(order["root"])
        answers.write(json.dumps(answer) + "\n")
        answers.flush()
    os._exit(0)  # to take down all libraries one by one takes seconds


if __name__ == "__main__":
    main()
