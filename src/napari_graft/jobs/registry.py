"""All jobs by name: those of this program, each loaded when it is first asked for, and those of plugins."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from importlib import import_module
from typing import Any, TypeVar

from pydantic import BaseModel

from napari_graft.core.errors import InputError
from napari_graft.jobs.base import Job, Request
from napari_graft.sources.plugins import plugin_parts

A = TypeVar("A", bound=BaseModel)

BUILT_IN = (
    "train", "trial", "auto", "merge", "bridge", "pretrain", "predict", "rank", "suggest", "preview",
    "compare", "export", "device", "affinities", "suspicions",
)  # fmt: skip
HOOK = "napari_graft_jobs"


class _Jobs(Mapping[str, Job[Any]]):
    """The jobs, those of this program first. A plugin cannot take the name of one."""

    def __getitem__(self, kind: str) -> Job[Any]:
        if kind in BUILT_IN:
            return _load(kind)
        try:
            return plugin_jobs()[kind]
        except KeyError:
            raise InputError(f"no job is called {kind!r}: choose one of {', '.join(self)}") from None

    def __iter__(self) -> Iterator[str]:
        yield from BUILT_IN
        yield from plugin_jobs()

    def __len__(self) -> int:
        return len(BUILT_IN) + len(plugin_jobs())

    def __contains__(self, kind: object) -> bool:
        return kind in BUILT_IN or kind in plugin_jobs()

    def of(self, request: Request[A]) -> Job[A]:
        """Return the job that a request is for."""
        return self[request.kind]


JOBS = _Jobs()


@lru_cache(maxsize=len(BUILT_IN))
def _load(kind: str) -> Job[Any]:
    job: Job[Any] = import_module(f"napari_graft.jobs.builtin.{kind}").JOB
    return job


def plugin_jobs() -> dict[str, Job[Any]]:
    """Return the jobs of plugins by name; of two with one name the first."""
    found: dict[str, Job[Any]] = {}
    for job in plugin_parts(HOOK, Job):
        if job.kind not in BUILT_IN:
            found.setdefault(job.kind, job)
    return found
