"""What can be asked on the command line can be asked of the worker, and so from a window and from Python."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable
from typing import get_type_hints

import pytest

from napari_graft.cli.commands.auto import auto
from napari_graft.cli.commands.bridging import bridge
from napari_graft.cli.commands.exporting import export
from napari_graft.cli.commands.loop import compare, rank, suggest
from napari_graft.cli.commands.merging import merge
from napari_graft.cli.commands.prediction import predict
from napari_graft.cli.commands.training import train
from napari_graft.cli.commands.trials import trial
from napari_graft.jobs.registry import BUILT_IN, JOBS

COMMANDS: dict[str, Callable[..., None]] = {
    "train": train,
    "trial": trial,
    "merge": merge,
    "bridge": bridge,
    "predict": predict,
    "rank": rank,
    "suggest": suggest,
    "compare": compare,
    "export": export,
    "auto": auto,
}
SAID_OTHERWISE = {"time_budget": "seconds", "tiles": "n_tiles"}
"""A duration in words is seconds in a request; a number is called one."""
NOT_OF_THE_JOB = {"json"}
"""How the result is printed."""
OF_THE_PLAN = {"trial": {"n_tiles"}}
"""How many tiles a person means to paint, from which a plan follows."""
OF_A_WINDOW = {
    "is_delegate": "it holds the project while the worker trains",
    "is_inside": "it keeps a round's segmentation in the project",
    "avoid": "tiles of its queue",
    "within": "the part in sight",
    "with_uncertainty": "it colours the tiles",
    "with_map": "it draws the map of the sources",
    "stops_when_flat": "a tick in the tab Train",
}
"""What only a window asks for, and why."""


def options_of(command: Callable[..., None]) -> set[str]:
    """Return the options of a command, those of option classes among them."""
    hints = get_type_hints(command)
    found: set[str] = set()
    for name in inspect.signature(command).parameters:
        if dataclasses.is_dataclass(hints[name]):
            found |= {field.name for field in dataclasses.fields(hints[name])}
        else:
            found.add(name)
    return {SAID_OTHERWISE.get(name, name) for name in found - NOT_OF_THE_JOB}


@pytest.mark.parametrize("kind", COMMANDS)
def test_a_command_and_the_request_of_its_job_have_the_same_options(kind: str) -> None:
    fields = set(JOBS[kind].request.model_fields)

    assert options_of(COMMANDS[kind]) - OF_THE_PLAN.get(kind, set()) == fields - set(OF_A_WINDOW)


@pytest.mark.parametrize("kind", BUILT_IN)
def test_a_job_explains_every_field_of_its_request(kind: str) -> None:
    from napari_graft.jobs.base import field_help

    told = field_help(JOBS[kind].request)
    assert set(JOBS[kind].request.model_fields) <= set(told)
    assert all(told.values())
