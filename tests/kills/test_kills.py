"""Kill every job at random moments and before random changes on the disk: nothing is lost, and all goes on.

A few kills run with the other tests; a thousand with ``-m slow``, in parts that can be run alone (``-k``).
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from ground import Ground, make_ground
from victims import VICTIMS

pytestmark = pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="waits by pidfd")

SHORT = {
    "train": 3,
    "merge": 3,
    "pretrain": 3,
    "bridge": 2,
    "trial": 2,
    "predict": 3,
    "annotate": 8,
    "paint": 10,
    "sources add": 6,
    "new": 6,
}
"""Jobs that are killed with the other tests, and how often."""
N_PARTS, N_IN_PART = 8, 7
"""Each of the twenty jobs so often: a thousand one hundred and twenty in all."""


@pytest.fixture(scope="module")
def ground(sources: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    with make_ground(tmp_path_factory.mktemp("kills"), sources) as made:
        yield made


@pytest.mark.parametrize("name", SHORT)
def test_a_job_that_is_killed_before_a_change_loses_nothing_and_goes_on(ground: Ground, name: str) -> None:
    chance = random.Random(name)
    n_before = ground.n_killed
    for _ in range(SHORT[name]):
        ground.kill_and_check(name, VICTIMS[name], chance, at_a_change=True)

    assert ground.n_killed - n_before == SHORT[name]


@pytest.mark.slow
@pytest.mark.parametrize("part", range(N_PARTS))
@pytest.mark.parametrize("name", VICTIMS)
def test_a_thousand_kills_at_any_moment_lose_nothing(ground: Ground, name: str, part: int) -> None:
    chance = random.Random(f"{name} {part}")
    for _ in range(N_IN_PART):
        ground.kill_and_check(name, VICTIMS[name], chance, at_a_change=chance.random() < 0.5)
