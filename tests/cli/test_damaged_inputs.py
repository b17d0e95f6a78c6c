"""Commands that are given damaged files: words and exit code 2, or a result; the files stay as they are."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import tifffile
import zarr
from PIL import Image

from fuzzing import fuzz_file
from napari_graft.core.errors import InputError

Graft = Callable[..., Any]
Write = Callable[[Path], Path]

LABELS = np.kron(np.random.default_rng(0).integers(0, 5, (8, 8)), np.ones((16, 16), int)).astype(np.uint16)
N_SHORT, N_LONG = 4, 120


def _tiff(folder: Path) -> Path:
    tifffile.imwrite(folder / "a.tif", LABELS, compression="zlib", rowsperstrip=16)
    return folder / "a.tif"


def _palette(folder: Path) -> Path:
    picture = Image.fromarray(LABELS.astype(np.uint8), "P")
    picture.putpalette([9 * i % 256 for i in range(768)])
    picture.save(folder / "a.png")
    return folder / "a.png"


def _one_bit(folder: Path) -> Path:
    Image.fromarray((LABELS > 2).astype(np.uint8) * 255).convert("1").save(folder / "a.png")
    return folder / "a.png"


def _hdf5(folder: Path) -> Path:
    with h5py.File(folder / "a.h5", "w") as file:
        data = file.create_dataset("labels", data=LABELS[..., None], chunks=(32, 32, 1), compression="gzip")
        data.attrs["axistags"] = json.dumps({"axes": [{"key": key, "typeFlags": 2} for key in "yxc"]})
    return folder / "a.h5"


def _zarr(folder: Path) -> Path:
    zarr.create_array(folder / "a.zarr", data=LABELS, chunks=(64, 64))
    return folder / "a.zarr"


FORMATS: dict[str, Write] = {
    "TIFF": _tiff,
    "palette": _palette,
    "one bit": _one_bit,
    "HDF5": _hdf5,
    "zarr": _zarr,
}


def answered(graft: Graft, *arguments: object) -> None:
    """Run a command; raise the error that it told in words, if it told one."""
    answer = graft(*arguments)
    if answer.code == 2:
        assert answer.err.splitlines()[-1].startswith("error: "), answer.err
        raise InputError(answer.err)
    assert answer.code == 0, answer.err


def fuzz_commands(graft: Graft, folder: Path, name: str, *, n: int, seed: int) -> None:
    """Give a damaged label image, or image, to `evaluate`, `annotate` and `new`."""
    tifffile.imwrite(folder / "truth.tif", LABELS)
    tifffile.imwrite(folder / "image.tif", LABELS * 20)
    (folder / "t.json").write_text('[{"start": [0, 0], "shape": [64, 64]}]')
    assert graft("new", folder / "p.graft", "--image", folder / "image.tif").code == 0
    file = FORMATS[name](folder)

    def new(path: Path) -> None:
        shutil.rmtree(folder / "q.graft", ignore_errors=True)
        answered(graft, "new", folder / "q.graft", "--image", path)

    def annotate(path: Path) -> None:
        tiles = folder / "t.json"
        answered(
            graft, "annotate", folder / "p.graft", "--labels", path, "--tiles", tiles, "--mask", "pieces"
        )

    def evaluate(path: Path) -> None:
        answered(graft, "evaluate", path, folder / "truth.tif", "--mask", "pieces")

    for place, command in enumerate((new, annotate, evaluate)):
        fuzz_file(file, command, n=n, seed=seed + place * n)
    assert graft("info", folder / "p.graft", "--json").document["shape"] == [128, 128]


@pytest.mark.parametrize("name", FORMATS)
def test_a_damaged_file_is_taken_or_refused_in_words(graft: Graft, tmp_path: Path, name: str) -> None:
    fuzz_commands(graft, tmp_path, name, n=N_SHORT, seed=100)


@pytest.mark.slow
@pytest.mark.bench
@pytest.mark.parametrize("name", FORMATS)
def test_a_file_damaged_in_many_ways_is_taken_or_refused_in_words(
    graft: Graft, tmp_path: Path, name: str
) -> None:
    fuzz_commands(graft, tmp_path, name, n=N_LONG, seed=1000)


@pytest.mark.parametrize("n", [N_SHORT, pytest.param(N_LONG, marks=[pytest.mark.slow, pytest.mark.bench])])
def test_a_damaged_list_of_tiles_is_taken_or_refused_in_words(graft: Graft, tmp_path: Path, n: int) -> None:
    tifffile.imwrite(tmp_path / "image.tif", LABELS * 20)
    tifffile.imwrite(tmp_path / "labels.tif", LABELS)
    assert graft("new", tmp_path / "p.graft", "--image", tmp_path / "image.tif").code == 0
    tiles = tmp_path / "t.json"
    tiles.write_text('[{"start": [0, 0], "shape": [64, 64]}, {"start": [64, 64], "shape": [32, 64]}]')
    labels = tmp_path / "labels.tif"
    fuzz_file(
        tiles,
        lambda path: answered(graft, "annotate", tmp_path / "p.graft", "--labels", labels, "--tiles", path),
        n=n,
    )
