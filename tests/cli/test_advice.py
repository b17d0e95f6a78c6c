"""What a message tells the user to type is there to be typed."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import tifffile
import zarr
from tiny_loop import make_sample

Graft = Callable[..., Any]
PIXELS = make_sample((96, 96)).image


def _channels(folder: Path) -> str:
    tifffile.imwrite(folder / "four.tif", np.stack([PIXELS] * 4), imagej=True, metadata={"axes": "CYX"})
    return str(folder / "four.tif")


def _time(folder: Path) -> str:
    tifffile.imwrite(folder / "time.tif", np.stack([PIXELS] * 5), imagej=True, metadata={"axes": "TYX"})
    return str(folder / "time.tif")


def _planes(folder: Path) -> str:
    tifffile.imwrite(folder / "planes.tif", np.stack([PIXELS] * 3))
    return str(folder / "planes.tif")


def _last(folder: Path) -> str:
    zarr.create_array(folder / "last.zarr", data=np.stack([PIXELS] * 4, axis=-1))
    return str(folder / "last.zarr")


def _five(folder: Path) -> str:
    zarr.create_array(folder / "five.zarr", data=np.zeros((2, 3, 4, 16, 16), np.uint8))
    return str(folder / "five.zarr")


def _angles(folder: Path) -> str:
    zarr.create_array(folder / "a.zarr", data=np.stack([PIXELS] * 5), dimension_names=("angle", "y", "x"))
    return str(folder / "a.zarr")


def _datasets(folder: Path) -> str:
    with h5py.File(folder / "two.h5", "w") as file:
        file["one"], file["two"] = PIXELS, PIXELS
    return str(folder / "two.h5")


UNCLEAR = (_channels, _time, _planes, _last, _five, _angles, _datasets)


@pytest.mark.parametrize("write", UNCLEAR)
@pytest.mark.parametrize("command", ["new", "annotate", "evaluate", "demo"])
def test_a_command_has_the_options_that_its_messages_name(
    graft: Graft, tmp_path: Path, command: str, write: Callable[[Path], str]
) -> None:
    unclear, good = write(tmp_path), str(tmp_path / "good.tif")
    tifffile.imwrite(good, PIXELS)
    assert graft("new", tmp_path / "p.graft", "--image", good).code == 0
    answer = {
        "new": lambda: graft("new", tmp_path / "q.graft", "--image", unclear),
        "annotate": lambda: graft("annotate", tmp_path / "p.graft", "--labels", unclear),
        "evaluate": lambda: graft("evaluate", unclear, good),
        "demo": lambda: graft("demo", "--out", tmp_path / "d", "--image", unclear, "--labels", good),
    }[command]()
    assert answer.code == 2, answer.err
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", answer.err))
    told = graft(command, "--help").out
    assert all(re.search(rf"{option}\b", told) for option in named), (named, answer.err)


@pytest.mark.parametrize(("write", "options"), [
    (_channels, ("--channel", "2")),
    (_channels, ("--channel", "rgb")),
    (_channels, ("--axes", "zyx")),
    (_time, ("--axes", "zyx")),
    (_planes, ("--axes", "zyx")),
    (_planes, ("--axes", "cyx", "--channel", "rgb")),
    (_planes, ("--channel", "0")),
    (_last, ("--axes", "yxz")),
    (_last, ("--axes", "yxc", "--channel", "rgb")),
    (_angles, ("--axes", "zyx")),
])  # fmt: skip
def test_the_advice_of_new_works(
    graft: Graft, tmp_path: Path, write: Callable[[Path], str], options: tuple[str, ...]
) -> None:
    unclear = write(tmp_path)
    refused = graft("new", tmp_path / "p.graft", "--image", unclear)
    assert refused.code == 2
    assert options[0] in refused.err
    made = graft("new", tmp_path / "p.graft", "--image", unclear, *options)
    assert made.code == 0, made.err
    assert graft("info", tmp_path / "p.graft").code == 0
    with_network = graft("suggest", tmp_path / "p.graft", "--n", "1", "--tile", "32")
    assert with_network.code == 0, with_network.err
