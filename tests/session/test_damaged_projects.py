"""Every file of a project, damaged in every way: words, no hang, and nothing else is lost."""

from __future__ import annotations

import json
import os
import shutil
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from complete_project import complete, look_at_everything
from tiny_loop import make_annotated

from fuzzing import limited_memory, limited_time, mutate
from napari_graft.core.errors import GraftError

N_SHORT, N_LONG, SLICE = 100, 3000, 150
"""Files to damage: in the short run, in the long one, and in one test of the long one."""
SMALL = {
    "suggestions.json": "suggestions",
    "queue.json": "queue",
    "ranking.json": "ranking",
    "desk.json": "window state",
    "runs/trial.json": "trial",
    "cache/candidates.json": "candidates",
    "results/round-0001.json": "result",
}
"""Files whose damage costs what stands behind them, and nothing else."""
LEAVES = (
    10**400,
    -1,
    2**63,
    1e308,
    float("nan"),
    "",
    "../../etc",
    "a\0b",
    "x" * 10_000,
    None,
    True,
    [],
    {},
    [[]] * 9,
)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, image: Path, labels: Path) -> Path:
    return complete(make_annotated(tmp_path_factory.mktemp("whole") / "p.graft", image, labels))


def _files(folder: Path) -> list[Path]:
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return [path.relative_to(folder) for path in files if not path.name.startswith("lock")]


def _leaf(content: bytes, rng: np.random.Generator) -> bytes:
    """Put something extreme in the place of a value of a document without a checksum."""
    try:
        values = json.loads(content)
    except ValueError:
        return mutate(content, int(rng.integers(2**31)))
    values.pop("checksum", None)
    place = values
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        if not keys:
            return json.dumps(values).encode()
        key = keys[int(rng.integers(len(keys)))]
        if not isinstance(place[key], dict | list) or rng.integers(3) == 0:
            place[key] = LEAVES[int(rng.integers(len(LEAVES)))]
            return json.dumps(values).encode()
        place = place[key]


def _twice(content: bytes, rng: np.random.Generator) -> bytes:
    """Repeat a line: a key of a document, an entry of a log."""
    lines = content.splitlines(keepends=True)
    number = int(rng.integers(len(lines)))
    return b"".join([*lines[:number], lines[number], *lines[number:]])


def _damage(folder: Path, name: Path, rng: np.random.Generator, outside: Path) -> str:
    """Damage one file, and say how."""
    path, content = folder / name, (folder / name).read_bytes()
    kinds: dict[str, Callable[[], object]] = {
        "bytes": lambda: path.write_bytes(mutate(content, int(rng.integers(2**31)))),
        "bit": lambda: path.write_bytes(_flip(content, rng)),
        "leaf": lambda: path.write_bytes(_leaf(content, rng)),
        "twice": lambda: path.write_bytes(_twice(content, rng)),
        "other": lambda: shutil.copy(folder / _other(folder, name, rng), path),
        "pipe": lambda: (path.unlink(), os.mkfifo(path)),
        "folder": lambda: (path.unlink(), path.mkdir()),
        "link": lambda: (path.unlink(), path.symlink_to(outside)),
        "endless": lambda: os.truncate(path, 1 << 40),
        "nothing": lambda: path.write_bytes(b""),
    }
    names = list(kinds) + ["bytes", "bit", "leaf"] * 3
    kind = names[int(rng.integers(len(names)))]
    kinds[kind]()
    return kind


def _flip(content: bytes, rng: np.random.Generator) -> bytes:
    changed = bytearray(content)
    changed[int(rng.integers(len(changed)))] ^= 1 << int(rng.integers(8))
    return bytes(changed)


def _other(folder: Path, name: Path, rng: np.random.Generator) -> Path:
    others = [other for other in _files(folder) if other != name]
    return others[int(rng.integers(len(others)))]


def _check(found: dict[str, object], wanted: dict[str, object], name: Path) -> None:
    """Hold that what stands in the other files was found."""
    own = {SMALL.get(name.as_posix())}
    if name.suffix == ".draft":
        own |= {"draft", "draft value"}
    if name.name == "journal.jsonl":
        own |= {"journal", "votes"}
    if name.parts[0] == "runs" and name.name == "run.json":
        own.add("runs")
    if name.parts[:2] == ("cache", "guesses") or name.name == "project.json":  # guesses depend on it
        own.add("guess")
    if name.parts[0] == "results":
        own.add("result")
    if name.parts[0] == "annotations":
        lost = [tile for tile in wanted["tiles"] if tile not in found["tiles"]]
        assert len(lost) <= 1
        assert all(tile in wanted["tiles"] for tile in found["tiles"])
        own.add("tiles")
    for kind in wanted.keys() - own - {"notes"}:
        assert found[kind] == wanted[kind], kind


def fuzz_project(whole: Path, tmp_path: Path, seeds: range, look: Callable[[Path], object]) -> None:
    """Look at copies of a project in each of which one file was damaged; a seed always damages alike."""
    outside, names = tmp_path / "outside.json", _files(whole)
    outside.write_text("dear diary")
    shutil.copytree(whole, tmp_path / "w" / "p.graft")
    wanted = look_at_everything(tmp_path / "w" / "p.graft")
    for seed in seeds:
        rng, name = np.random.default_rng(seed), names[seed % len(names)]
        folder = tmp_path / str(seed) / "p.graft"
        shutil.copytree(whole, folder)
        (folder.parent / "image.tif").symlink_to(whole.parent / "image.tif")
        damaged = None
        kind = _damage(folder, name, rng, outside)
        if (folder / name).is_file() and not (folder / name).is_symlink() and kind != "endless":
            damaged = (folder / name).read_bytes()
        what = f"{name}, {kind}, seed {seed}"
        try:
            with limited_memory(), limited_time(), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                found = look(folder)
        except GraftError as error:
            assert str(error), what
            found = None
        except Exception as error:
            raise AssertionError(f"{what}: {type(error).__name__}: {error}") from error
        try:
            if isinstance(found, dict):
                _check(found, wanted, name)
            if name.parts[0] == "annotations" and damaged is not None and isinstance(found, dict):
                kept = [path.read_bytes() for path in (folder / "annotations").iterdir()]
                assert damaged in kept, "the damaged file was deleted"
        except AssertionError as error:
            raise AssertionError(f"{what}: {error}") from error
        assert outside.read_text() == "dear diary", what
        shutil.rmtree(folder.parent)


def test_one_damaged_file_costs_its_own_content_alone(whole: Path, tmp_path: Path) -> None:
    fuzz_project(whole, tmp_path, range(N_SHORT), look_at_everything)


@pytest.mark.slow
@pytest.mark.parametrize("first", range(N_SHORT, N_SHORT + N_LONG, SLICE))
def test_thousands_of_damaged_files_cost_their_own_content_alone(
    whole: Path, tmp_path: Path, first: int
) -> None:
    fuzz_project(whole, tmp_path, range(first, first + SLICE), look_at_everything)
