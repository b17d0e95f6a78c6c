"""What every job keeps: what is asked for and answered crosses a pipe unchanged."""

from __future__ import annotations

import json
from typing import Any

import pytest

from napari_graft.core.errors import Cancelled
from napari_graft.core.progress import CancelToken, Progress
from napari_graft.jobs.base import Job, Request
from napari_graft.jobs.registry import JOBS
from napari_graft.jobs.running import run_job


class JobContract:
    """Tests of a `Job`: set `job`, and let `request` be a fixture of what it can be asked for.

    The job must be registered, as the worker process looks it up by name.
    """

    job: Job[Any]

    @pytest.fixture
    def request_for_job(self) -> Request[Any]:
        """Return a request that the job can answer in a few seconds; override it."""
        raise NotImplementedError

    def test_it_is_found_by_the_name_in_its_request(self, request_for_job: Request[Any]) -> None:
        assert JOBS[request_for_job.kind] is self.job
        assert JOBS.of(request_for_job) is self.job

    def test_what_is_asked_for_crosses_a_pipe(self, request_for_job: Request[Any]) -> None:
        line = json.dumps(request_for_job.model_dump(mode="json"))

        assert self.job.request.model_validate(json.loads(line)) == request_for_job

    def test_it_answers_with_its_result_and_tells_how_far_it_is(self, request_for_job: Request[Any]) -> None:
        told: list[Progress] = []
        answer = run_job(request_for_job, told.append, CancelToken())

        assert isinstance(answer, self.job.result)
        line = json.dumps(answer.model_dump(mode="json"))
        assert self.job.result.model_validate(json.loads(line)) == answer
        assert told

    def test_it_stops_when_asked_to(self, request_for_job: Request[Any]) -> None:
        if self.job.keeps_its_best:
            pytest.skip("it brings home what it has")
        token = CancelToken()
        token.cancel()
        with pytest.raises(Cancelled):
            run_job(request_for_job, lambda _: None, token)
