"""Kill every job at random moments and before random changes on the disk: nothing is lost, and all goes on.

A few kills of each job run with the other tests; a thousand with ``-m slow``, in parts that can be run alone.
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

N_SHORT, N_PARTS, N_IN_PART = 2, 8, 7
"""Kills of each job in one test, and parts of the thousand."""


@pytest.fixture(scope="module")
def ground(sources: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    with make_ground(tmp_path_factory.mktemp("kills"), sources) as made:
        yield made


def _kill_often(ground: Ground, name: str, seed: int, n: int) -> None:
    chance = random.Random(f"{name} {seed}")
    for _ in range(n):
        ground.kill_and_check(name, VICTIMS[name], chance)


@pytest.mark.parametrize("name", VICTIMS)
def test_a_job_that_is_killed_loses_nothing_and_goes_on(ground: Ground, name: str) -> None:
    _kill_often(ground, name, seed=0, n=N_SHORT)


@pytest.mark.slow
@pytest.mark.parametrize("part", range(1, N_PARTS + 1))
@pytest.mark.parametrize("name", VICTIMS)
def test_a_thousand_kills_lose_nothing(ground: Ground, name: str, part: int) -> None:
    _kill_often(ground, name, seed=part, n=N_IN_PART)
