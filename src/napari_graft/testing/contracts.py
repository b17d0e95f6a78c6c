"""What every part that a plugin may provide keeps, whatever it goes by."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from napari_graft.acquisition.candidates import Candidate, Strategy
from napari_graft.core.axes import Axes
from napari_graft.core.errors import Cancelled, InputError
from napari_graft.core.progress import CancelToken, Progress, ignore_progress
from napari_graft.core.tile import Tile
from napari_graft.exchange.formats import Format
from napari_graft.exchange.import_options import ImportOptions
from napari_graft.io import Volume
from napari_graft.jobs.base import Job, Request
from napari_graft.jobs.registry import JOBS
from napari_graft.jobs.running import run_job
from napari_graft.merging.method import MergeContext, MergeMethod
from napari_graft.nets.build import build_network
from napari_graft.nets.residual_unet import ResidualUNet
from napari_graft.scorers.scoring_context import Scorer, ScoringContext
from napari_graft.session.exporting.task import ExportFormat, ExportTask
from napari_graft.sources.network_spec import ModelSpec
from napari_graft.sources.source import Source
from napari_graft.training.config import TrainConfig
from napari_graft.training.examples import Example


def make_candidates(n: int, seed: int = 0) -> list[Candidate]:
    """Return candidates in a row, side by side, with all that a strategy may go by."""
    rng = np.random.default_rng(seed)
    return [
        Candidate(
            Tile((0, 10 * i), (10, 10)),
            contrast=float(rng.uniform(0.1, 1.0)),
            uncertainty=float(rng.uniform()),
            embedding=rng.normal(size=8).astype(np.float32),
            patterns=rng.normal(size=(3, 8)).astype(np.float32),
            foreground=float(rng.uniform()),
        )
        for i in range(n)
    ]


class StrategyContract:
    """Tests of a `Strategy`: set `strategy`."""

    strategy: Strategy

    @pytest.mark.parametrize(("n_candidates", "n"), [(0, 2), (1, 1), (6, 3), (6, 9)])
    def test_it_returns_as_many_free_tiles_as_there_are(self, n_candidates: int, n: int) -> None:
        candidates = make_candidates(n_candidates)
        found = self.strategy.select(candidates, n, np.random.default_rng(0))

        tiles = [one.tile for one in found]
        assert len(tiles) <= min(n, n_candidates)
        assert len(set(tiles)) == len(tiles)
        assert set(tiles) <= {candidate.tile for candidate in candidates}
        assert all(one.reason for one in found)

    def test_it_suggests_nothing_that_overlaps_what_is_annotated(self) -> None:
        candidates = make_candidates(6)
        annotated = [candidates[1], candidates[4]]
        found = self.strategy.select(candidates, 6, np.random.default_rng(0), annotated=annotated)

        assert found
        assert not any(one.tile.overlaps(done.tile) for one in found for done in annotated)

    def test_the_same_generator_gives_the_same_tiles(self) -> None:
        candidates = make_candidates(8)
        first, second = (self.strategy.select(candidates, 4, np.random.default_rng(3)) for _ in range(2))

        assert first == second

    def test_it_refuses_a_negative_number(self) -> None:
        with pytest.raises(InputError):
            self.strategy.select(make_candidates(2), -1, np.random.default_rng(0))


class ScorerContract:
    """Tests of a `Scorer`: set `scorer`, and let `context` be a fixture of a source and an image.

    ``napari_graft.scorers.scoring_context`` says how one is made.
    """

    scorer: Scorer

    @pytest.fixture
    def context(self) -> ScoringContext:
        """Return a source and a target; override it."""
        raise NotImplementedError

    def test_it_has_a_title(self) -> None:
        assert self.scorer.title

    def test_it_measures_a_number_or_nothing_and_the_same_again(self, context: ScoringContext) -> None:
        first, second = (self.scorer.measure(context) for _ in range(2))

        assert first is None or math.isfinite(first)
        assert first == second


def make_members(n: int = 2) -> list[ResidualUNet]:
    """Return small networks of one architecture with random weights."""
    return [build_network(ModelSpec(widths=(8, 16)), seed=seed) for seed in range(n)]


def make_lesson() -> MergeContext:
    """Return an annotated tile of two objects, and two steps to learn from it."""
    rng = np.random.default_rng(0)
    labels = np.ones((64, 64), np.int32)
    labels[8:24, 8:24], labels[36:56, 30:60] = 2, 3
    image = (0.3 * rng.random((64, 64)) + 0.5 * (labels > 1)).astype(np.float32)
    train, validation = labels.copy(), labels.copy()
    train[:28], validation[28:] = 0, 0
    return MergeContext(
        examples=[Example(image, train, validation)],
        config=TrainConfig(time_budget=None, max_steps=2, patch=(32, 32), batch_size=1),
        device=torch.device("cpu"),
        checkpoint=None,
        report=ignore_progress,
        cancel=CancelToken(),
    )


class MergeMethodContract:
    """Tests of a `MergeMethod`: set `method`."""

    method: MergeMethod

    def test_its_share_of_the_budget_leaves_something_for_the_training(self) -> None:
        assert 0 <= self.method.share_of_budget < 1

    def test_it_returns_one_network_of_the_architecture_and_leaves_the_members_alone(self) -> None:
        members = make_members()
        before = [{name: value.copy() for name, value in one.stored_weights().items()} for one in members]
        merged = self.method.merge(members, make_lesson())

        assert merged.network.spec == members[0].spec
        assert all(np.isfinite(value).all() for value in merged.network.stored_weights().values())
        for member, kept in zip(members, before, strict=True):
            for name, value in member.stored_weights().items():
                np.testing.assert_array_equal(value, kept[name])

    def test_two_equal_networks_merge_into_that_network(self) -> None:
        if self.method.share_of_budget:
            pytest.skip("it learns, so what comes out may differ")
        (member,) = make_members(1)
        merged = self.method.merge([member, member], make_lesson())

        for name, value in merged.network.stored_weights().items():
            np.testing.assert_allclose(value, member.stored_weights()[name], rtol=1e-5, atol=1e-6)


class FormatContract:
    """Tests of a `Format`: set `format`, and let `source` be a fixture of a source of our own kind."""

    format: Format

    @pytest.fixture
    def source(self) -> Source:
        """Return a source to be written; override it."""
        raise NotImplementedError

    def test_its_endings_begin_with_a_dot(self) -> None:
        assert self.format.endings
        assert all(ending.startswith(".") for ending in self.format.endings)

    def test_what_it_writes_comes_back_with_the_same_weights(self, source: Source, tmp_path: Path) -> None:
        path, folder = tmp_path / f"written{self.format.endings[0]}", tmp_path / "again"
        folder.mkdir()
        self.format.write(source, path)

        assert self.format.recognises(path)
        again = self.format.import_source(path, folder, ImportOptions())
        before, after = source.load_weights(), again.load_weights()
        assert before.keys() == after.keys()
        for name, value in before.items():
            np.testing.assert_array_equal(value, after[name])


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


class ExportFormatContract:
    """Tests of an `ExportFormat` of objects: set `format`."""

    format: ExportFormat

    def write(self, labels: NDArray[np.integer], out: Path, cancel: CancelToken | None = None) -> int | None:
        """Write labels of 4 nm pixels as the format does."""
        found = Volume(labels, Axes(("z", "y", "x"), (4.0, 4.0, 4.0)))
        return self.format.write(ExportTask(found, cancel=cancel or CancelToken()), out)

    def test_its_endings_begin_with_a_dot(self) -> None:
        assert self.format.endings
        assert all(ending.startswith(".") for ending in self.format.endings)

    def test_it_writes_what_it_is_told_and_tells_how_many_objects_that_are(self, tmp_path: Path) -> None:
        labels = np.zeros((4, 12, 12), np.uint32)
        labels[0:2, 0:5, 0:5], labels[1:4, 6:12, 6:12] = 5, 70_000
        out = tmp_path / f"written{self.format.endings[0]}"

        assert self.write(labels, out) == 2
        assert [one.name for one in tmp_path.iterdir()] == [out.name]

    def test_no_object_is_no_error(self, tmp_path: Path) -> None:
        assert self.write(np.zeros((4, 12, 12), np.uint8), tmp_path / f"a{self.format.endings[0]}") == 0

    def test_what_it_writes_is_known_again_and_another_file_is_not(self, tmp_path: Path) -> None:
        if self.format.kind is None:
            return  # zarr folders are known by a mark of their own
        out, foreign = tmp_path / f"a{self.format.endings[0]}", tmp_path / f"b{self.format.endings[0]}"
        self.write(np.ones((4, 12, 12), np.uint8), out)
        foreign.write_text("of somebody else")
        kind = self.format.kind(ExportTask())

        assert kind.is_ours(out)
        assert not kind.is_ours(foreign)

    def test_it_stops_when_asked_to(self, tmp_path: Path) -> None:
        token = CancelToken()
        token.cancel()
        with pytest.raises(Cancelled):
            self.write(np.ones((4, 12, 12), np.uint8), tmp_path / f"a{self.format.endings[0]}", token)
