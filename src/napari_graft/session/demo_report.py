"""Turn what a demonstration found into its report."""

from __future__ import annotations

import platform
import sys
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from math import ceil
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_graft.core.tile import Tile
from napari_graft.io.writers.outputs import NO_INPUTS, Outputs
from napari_graft.report import LoopRecord, Overview, Panel, SuggestedTile, write_report
from napari_graft.session.demo import LONGER, Demo, DemoRequest
from napari_graft.session.projects.project_image import intensity_of

_OVERVIEW_SIDE = 640
_PANEL_SIDE = 384
_N_PANELS = 2
_WORDS = {None: "objects", "any": "objects"}


def write_demo_report(demo: Demo, outputs: Outputs = NO_INPUTS) -> Path:
    """Write ``report.html``, ``report.json`` and the pictures of a demonstration; return the page's path.

    Raises
    ------
    InputError
        If something else has come there, see `Outputs`.
    StorageError
        If the disk is full.
    """
    return write_report(_record(demo), demo.request.out, outputs)


def _record(demo: Demo) -> LoopRecord:
    manifest, result = demo.project.manifest, demo.result
    overviews, index = _overviews(demo)
    tiles = [
        SuggestedTile(number, tile.start, tile.shape, score, reason, index[_slice_of(tile)])
        for number, tile, score, reason in result.suggestions
    ]
    last = result.held_out[f"round {len(result.rounds)}"]
    return LoopRecord(
        title=f"{Path(manifest.image).stem}: {len(tiles)} annotated tiles",
        image_name=Path(demo.request.named or manifest.image).as_posix(),
        shape=manifest.shape,
        axes=manifest.axes,
        pixel_size=manifest.pixel_size,
        unit=manifest.unit,
        structure=manifest.structure or "any",
        structure_words=_WORDS.get(manifest.structure, manifest.structure or "objects"),
        ranking=tuple(ranked.as_dict() for ranked in result.ranking),
        rounds=tuple(result.rounds),
        zero_shot=result.zero_shot,
        scratch=result.scratch[0],
        seconds=result.seconds,
        scratch_rounds=tuple(result.scratch),
        scratch_longer=result.scratch_longer,
        excluded=tuple(result.excluded),
        held_out=_held_out(last),
        tiles=tuple(tiles),
        overviews=tuple(overviews),
        panels=tuple(_panels(demo)),
        facts=_facts(demo),
        notes=tuple(_notes(demo)),
        source_map=result.source_map,
    )


def _held_out(validation: dict[str, float]) -> dict[str, dict[str, float]]:
    parts: dict[str, dict[str, float]] = {"new": {}, "previous": {}, "source": {}}
    for name, value in validation.items():
        stem, _, owner = name.rpartition("_")
        known = owner in parts and owner != "new"
        parts[owner if known else "new"][stem if known else name] = value
    return {name: scores for name, scores in parts.items() if scores}


def _slice_of(tile: Tile) -> int | None:
    return tile.start[0] if tile.ndim == 3 else None


def _overviews(demo: Demo) -> tuple[list[Overview], dict[int | None, int]]:
    slices = sorted({_slice_of(tile) for _, tile, _, _ in demo.result.suggestions}, key=lambda z: z or 0)
    overviews = []
    for z in slices:
        shape = demo.project.manifest.shape
        whole = Tile((0,) * 2, shape) if z is None else Tile((z, 0, 0), (1, *shape[1:]))
        image = _grey(demo, whole)
        step = max(1, ceil(max(image.shape) / _OVERVIEW_SIDE))
        overviews.append(Overview(np.ascontiguousarray(image[::step, ::step]), z, float(step)))
    return overviews, {z: i for i, z in enumerate(slices)}


def _grey(demo: Demo, tile: Tile) -> NDArray[np.uint8]:
    normalised = intensity_of(demo.project).normalise(demo.project.volume.read(tile))
    grey = np.clip((normalised + 1) * 127.5, 0, 255).astype(np.uint8)
    return np.asarray(grey.reshape(grey.shape[-2:]))


def _panels(demo: Demo) -> list[Panel]:
    """Show the middle of the first and the last test tile: chosen before anyone knew the scores there."""
    tests = demo.split.test
    panels = []
    for i in sorted({0, len(tests) - 1})[:_N_PANELS]:
        middle = _middle(tests[i].shape)
        cut = tests[i].shift([-a for a in tests[i].start])
        inner = Tile(tuple(a + b for a, b in zip(cut.start, middle.start, strict=True)), middle.shape)
        place = f"slice {tests[i].start[0]}" if tests[i].ndim == 3 else "bottom of the image"
        panels.append(
            Panel(
                f"{place}, test part",
                _grey(demo, inner.shift(tests[i].start)),
                _plane(demo.truth(tests[i]), inner),
                {name: _plane(found[i], inner) for name, found in demo.result.segments.items()},
            )
        )
    return panels


def _middle(shape: tuple[int, ...]) -> Tile:
    side = tuple(min(n, _PANEL_SIDE) if axis >= len(shape) - 2 else n for axis, n in enumerate(shape))
    return Tile(tuple((n - m) // 2 for n, m in zip(shape, side, strict=True)), side)


def _plane(segments: NDArray[np.uint32], tile: Tile) -> NDArray[np.uint32]:
    cut = segments[tile.slices]
    return cut.reshape(cut.shape[-2:])


def _facts(demo: Demo) -> dict[str, str]:
    request = demo.request
    n_steps = sum(int(str(row["steps"])) for row in demo.result.rounds)
    libraries = [f"{name} {_version(name)}" for name in ("torch", "numpy")]
    return {
        "Command": " ".join(["napari-graft", *sys.argv[1:]]),
        "Version": _version("napari-graft"),
        "Seed": str(request.seed),
        "Device": str(demo.device),
        "Training": f"{_budget_in_words(request)} a round, {n_steps} steps in all",
        "From scratch": "the same tiles and as many steps as the adapted model had in all, "
        f"and at last {LONGER} times as many",
        "Test part": f"{len(demo.split.test)} × {demo.split.test[0].shape}, never annotated",
        "Libraries": ", ".join([*libraries, f"Python {platform.python_version()}"]),
        "Date": datetime.now(UTC).strftime("%Y-%m-%d"),
    }


def _budget_in_words(request: DemoRequest) -> str:
    parts = [] if request.seconds is None else [f"{request.seconds:g} s"]
    return " or ".join(parts if request.steps is None else [*parts, f"{request.steps} steps"])


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:  # run from a checkout that was not installed
        return "unknown"


def _notes(demo: Demo) -> list[str]:
    notes = []
    if demo.request.is_embedded:
        notes.append(
            "The image is generated by napari-graft, as is its truth: this shows that the loop works, "
            "not how well it does on tissue."
        )
    if demo.project.manifest.pixel_size is None:
        notes.append(
            "The pixel size is unknown, so the image was used as it is and not brought to each source's."
        )
    if demo.project.manifest.structure is None:
        notes.append(
            "What to segment was not said (--structure), so sources of every structure compete by distance."
        )
    best = demo.result.ranking[0]
    if best.score.advice is not None:
        notes.append(f"{best.source.card.title}: {best.score.advice}.")
    notes += [f"With {row['n_tiles']} tiles: {row['choice']}." for row in demo.result.rounds if row["choice"]]
    not_kept = [str(row["n_tiles"]) for row in demo.result.rounds if not row["kept"]]
    if not_kept:
        notes.append(
            f"With {' and '.join(not_kept)} tiles the new model was worse on the held-out part, "
            "so the one before stayed in use."
        )
    return notes
