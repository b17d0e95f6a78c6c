"""Promises of time, which only a run that was asked to judges: other work on a machine changes them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

import pytest


class Promised(Protocol):
    """Hold what is done in a context to so many seconds."""

    def __call__(self, seconds: float) -> AbstractContextManager[None]: ...


@pytest.fixture
def promised(request: pytest.FixtureRequest) -> Promised:
    """Return a context that fails, under ``--judge-time``, where what is done in it takes too long."""

    @contextmanager
    def within(seconds: float) -> Iterator[None]:
        began = time.monotonic()
        yield
        taken = time.monotonic() - began
        print(f"{request.node.name}: {taken:.3g} s where {seconds:g} s are promised")
        if request.config.getoption("judge_time"):
            assert taken < seconds

    return within
