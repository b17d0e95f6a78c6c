from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Graft = Callable[..., Any]

COMMANDS = (
    "demo", "new", "info", "rank", "plan", "trial", "compare", "suggest", "annotate", "train", "predict",
    "evaluate", "export", "benchmark", "sources list", "sources show", "sources map", "sources add",
    "sources export", "sources train",
)  # fmt: skip
OPTIONS = {
    "demo": "--out --image --labels --exclude --rounds --tiles --time-budget --steps --seed",
    "new": "--image --pixel-size --unit --axes --structure",
    "info": "--json",
    "sources list": "--scores --json",
    "sources show": "--json",
    "sources map": "--out --json",
    "sources add": "--sha256 --outputs --structure --replace",
    "sources export": "--out --format",
    "sources train": "--out --rescore",
    "rank": "--exclude --include-seen --json",
    "plan": "--exclude --tiles --time-budget --device --json",
    "trial": "--sources --tiles --time-budget --steps --device --seed --json",
    "compare": "--sources --out",
    "suggest": "--n --tile --strategy --source --seed --json",
    "annotate": "--labels --tiles --sparse",
    "train": "--source --time-budget --steps --device --seed --json",
    "predict": "--run --source --out --region --uncertainty --scheduler",
    "evaluate": "--json --per-slice",
    "export": "--to --out --run --image --axes --mask --pixel-size --unit --labels-only --overwrite --json",
    "benchmark": "--quick --seeds --out --data",
}


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_a_command_shows_an_example_and_its_options(graft: Graft, command: str) -> None:
    answer = graft(*command.split(), "--help")

    assert answer.code == 0
    assert "Example" in answer.out
    assert f"napari-graft {command}" in answer.out
    for option in OPTIONS.get(command, "").split():
        assert option in answer.out


def test_the_help_lists_the_commands(graft: Graft) -> None:
    answer = graft("--help")

    assert answer.code == 0
    assert {command.split()[0] for command in COMMANDS} <= set(answer.out.split())


def test_the_version_is_told(graft: Graft) -> None:
    answer = graft("--version")

    assert answer.code == 0
    assert answer.out.strip()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("trian x.graft", ["trian"]),
        ("train", ["project"]),
        ("train x.graft --step 3", ["--step"]),
        ("train x.graft --steps three", ["three"]),
        ("train x.graft --device tpu", ["tpu"]),
        ("new x.graft", ["--image"]),
        ("new x.graft --image a.tif --structure brains", ["brains", "neurites"]),
        ("benchmark speed", ["speed", "throughput"]),
        ("info a.graft b.graft", ["b.graft"]),
        ("demo --time-budget soon", ["'soon'", "60s"]),
        ("train x.graft --time-budget 0s", ["'0s'", "60s"]),
    ],
)
def test_a_mistyped_command_is_answered_in_words(graft: Graft, arguments: str, words: list[str]) -> None:
    assert graft(*arguments.split()).refuses(*words)
