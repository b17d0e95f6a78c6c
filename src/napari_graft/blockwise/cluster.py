"""Segment blocks on the workers of a running dask cluster."""

from __future__ import annotations

import queue
import threading
import time
import uuid
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.util import find_spec
from itertools import islice
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from napari_graft.blockwise.block import BlockResult, BlockSegmenter, Seconds
from napari_graft.blockwise.plan import BlockPlan
from napari_graft.core.errors import InputError
from napari_graft.core.process import run_parallel
from napari_graft.core.progress import CancelToken, Progress, Report
from napari_graft.inference.predictor import Predictor
from napari_graft.inference.view import ModelView
from napari_graft.nets.build import load_network
from napari_graft.nets.device import choose_device
from napari_graft.segmentation.settings import DecodeSettings
from napari_graft.sources.network_spec import NetworkSpec

if TYPE_CHECKING:
    from distributed import Client, Future
    from distributed.utils import LoopRunner

Answer = tuple[int, BlockResult, Seconds]

_PACKAGE = "napari_graft"
_TIMEOUT = "10s"
_POLL_SECONDS = 0.1
_PER_THREAD = 2
"""Blocks on their way for each thread of a worker: it never waits, and results do not pile up in memory."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """Segmenter of blocks on the workers of a cluster; its scheduler and workers have napari-graft as well.

    Finished blocks come back over the network, so that the workers need to read the image and to write
    nothing.

    Parameters
    ----------
    address
        Of the scheduler, such as ``tcp://host:8786``.
    open_view
        Opens the image on a worker. It is sent there, so it must be possible to pickle it.
    device
        Where a worker runs the network: ``auto``, ``cpu`` or ``cuda``.
    """

    address: str
    open_view: Callable[[], ModelView]
    device: str = "auto"

    def segment(
        self, segmenter: BlockSegmenter, numbers: Sequence[int], report: Report, cancel: CancelToken
    ) -> Iterator[Answer]:
        """Yield the number, the objects and the seconds of each block, as they come.

        Parameters
        ----------
        segmenter
            Does the same here; its network, settings and plan are sent to the workers.
        numbers
            The blocks.

        Raises
        ------
        InputError
            If dask.distributed is missing here, the scheduler cannot be reached, its environment is another,
            or a worker cannot read the image or dies time and again.
        Cancelled
            When asked to stop: blocks that workers are at are dropped.
        """
        job = _Job.of(self, segmenter)
        with _connected(self.address, cancel) as client, self._noticing_its_end():
            self._wait_for_workers(client, report, cancel)
            self._refuse_without_package(client)
            yield from self._collect(client, job, numbers, cancel)

    def _wait_for_workers(self, client: Client, report: Report, cancel: CancelToken) -> None:
        while not client.nthreads():
            report(Progress(0, None, f"waiting for a worker of {self.address}"))
            cancel.raise_if_cancelled()
            time.sleep(_POLL_SECONDS)

    def _refuse_without_package(self, client: Client) -> None:
        """Refuse a cluster that cannot load what it is sent: it would break off without a word."""
        places = [client.run_on_scheduler(find_spec, _PACKAGE), *client.run(find_spec, _PACKAGE).values()]
        if None in places:
            raise InputError(
                f"the scheduler or a worker at {self.address} has no napari-graft: "
                "start all of them in the environment of this command"
            )

    def _collect(
        self, client: Client, job: _Job, numbers: Sequence[int], cancel: CancelToken
    ) -> Iterator[Answer]:
        finished: queue.SimpleQueue[Future[Answer]] = queue.SimpleQueue()
        running: dict[Hashable, Future[Answer]] = {}
        waiting = iter(numbers)
        shared = client.submit(_hand_over, job, pure=False)
        while True:
            # At least one, so that something waits for a worker when all of them are gone.
            n_wanted = max(1, _PER_THREAD * sum(client.nthreads().values()))
            for number in islice(waiting, max(0, n_wanted - len(running))):
                future = client.submit(_segment_on_worker, shared, number, pure=False)
                running[future.key] = future
                future.add_done_callback(finished.put)
            if not running:
                return
            cancel.raise_if_cancelled()
            try:
                future = finished.get(timeout=_POLL_SECONDS)
            except queue.Empty:
                continue
            del running[future.key]
            yield self._answer(future)

    def _answer(self, future: Future[Answer]) -> Answer:
        from distributed import KilledWorker

        # One that was cancelled, because the scheduler is gone, raises `CancelledError`.
        error = future.exception() if future.status == "error" else None
        if error is None:
            return future.result()
        if isinstance(error, KilledWorker):
            raise InputError(
                f"workers of {self.address} died time and again over one block: give them more memory, "
                "or fewer threads each; the finished blocks are kept"
            )
        if isinstance(error, (InputError, OSError)):
            raise InputError(
                f"a worker of {self.address} cannot do its part: {error}; "
                "all workers must read the image at the same path as this computer"
            )
        raise error

    @contextmanager
    def _noticing_its_end(self) -> Iterator[None]:
        try:
            yield
        except (CancelledError, OSError):
            raise InputError(
                f"the scheduler at {self.address} is gone; the finished blocks are kept: "
                "start it and predict again to go on"
            ) from None


@contextmanager
def _connected(address: str, cancel: CancelToken) -> Iterator[Client]:
    try:
        from distributed import Client
    except ImportError:
        raise InputError(
            "a scheduler needs dask.distributed: install it with pip install distributed"
        ) from None

    def open_client(address: str, cancel: CancelToken) -> Client:
        return Client(address, loop=runner.loop, timeout=_TIMEOUT, set_as_default=False)

    runner = start_loop(cancel)
    with ExitStack() as closed:
        closed.callback(runner.stop)
        try:
            # In a thread of its own: whoever wants to stop waits for no scheduler that does not answer.
            (client,) = run_parallel([address], open_client, 1, cancel)
        except (OSError, TypeError, ValueError) as error:
            raise InputError(
                f"no scheduler answers at {address!r} ({_first_line(error)}): "
                "give the address that 'dask scheduler' prints, such as tcp://host:8786"
            ) from None
        closed.enter_context(closing(client))
        yield client


def start_loop(cancel: CancelToken) -> LoopRunner:
    """Start the event loop of a client or a cluster, in a thread of its own.

    distributed gives up, with a failed assertion, where that thread has not come to run within ten seconds,
    and nothing sets these. On a computer whose cores are all busy that happens, and the next try succeeds.

    Raises
    ------
    Cancelled
        When asked to stop, between two tries.
    """
    from distributed.utils import LoopRunner

    while True:
        cancel.raise_if_cancelled()
        runner = LoopRunner()
        try:
            runner.start()
        except AssertionError:
            continue
        return runner


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


@dataclass(frozen=True, slots=True)
class _Job:
    """All that a worker needs to segment blocks; jobs are told apart by their key alone."""

    key: str
    spec: NetworkSpec = field(compare=False)
    weights: Mapping[str, NDArray[Any]] = field(compare=False)
    settings: DecodeSettings = field(compare=False)
    plan: BlockPlan = field(compare=False)
    wants_uncertainty: bool = field(compare=False)
    cluster: Cluster = field(compare=False)

    @classmethod
    def of(cls, cluster: Cluster, segmenter: BlockSegmenter) -> _Job:
        network = segmenter.predictor.network
        return cls(
            uuid.uuid4().hex,
            network.spec,
            network.stored_weights(),
            segmenter.settings,
            segmenter.plan,
            segmenter.wants_uncertainty,
            cluster,
        )


def _hand_over(job: _Job) -> _Job:
    """Make the job a result of its own, which workers pass on to each other, once for all blocks."""
    return job


_preparing = threading.Lock()


@lru_cache(maxsize=1)
def _prepare(job: _Job) -> BlockSegmenter:
    predictor = Predictor(load_network(job.spec, job.weights), choose_device(job.cluster.device))
    return BlockSegmenter(predictor, job.cluster.open_view(), job.settings, job.plan, job.wants_uncertainty)


def _segment_on_worker(job: _Job, number: int) -> Answer:
    with _preparing:  # once for all threads of a worker
        segmenter = _prepare(job)
    result, seconds = segmenter.segment(number, CancelToken())
    return number, result, seconds
