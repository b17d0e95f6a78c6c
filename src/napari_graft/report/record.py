"""What a finished loop leaves behind to report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from napari_graft.core.errors import InputError
from napari_graft.fingerprints.source_map import SourceMap

Row = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class SuggestedTile:
    """Where annotation was suggested, and why.

    Parameters
    ----------
    round
        Round of the loop that asked for it, the first is 1.
    start, shape
        The tile, in pixels of the image.
    score
        How much the strategy wanted it; only compared within one round.
    reason
        Why, in words.
    overview_index
        Which of the record's overviews shows it.
    """

    round: int
    start: tuple[int, ...]
    shape: tuple[int, ...]
    score: float
    reason: str
    overview_index: int


@dataclass(frozen=True, slots=True)
class Overview:
    """A small picture of the image, or of one of its slices, on which tiles are drawn.

    Parameters
    ----------
    image
        uint8, (y, x).
    z
        Slice that it shows, None for a 2-D image.
    scale
        Pixels of the image per pixel of the overview: 2 where the overview has half the size.
    """

    image: NDArray[np.uint8]
    z: int | None = None
    scale: float = 1.0

    def __post_init__(self) -> None:
        if self.image.ndim != 2 or not self.scale > 0:
            raise InputError(
                f"an overview of shape {self.image.shape} at scale {self.scale} cannot be drawn: "
                "give a (y, x) image and a positive scale"
            )


@dataclass(frozen=True, slots=True)
class Panel:
    """One place of the test part, and what each model makes of it.

    Parameters
    ----------
    place
        Where it is, in words.
    image
        uint8, (y, x).
    truth
        Integers, the shape of `image`, 0 is background.
    segmentations
        The same, by the name that the page shows, in the order in which it shows them.
    """

    place: str
    image: NDArray[np.uint8]
    truth: NDArray[np.integer]
    segmentations: Mapping[str, NDArray[np.integer]]

    def __post_init__(self) -> None:
        shapes = {self.image.shape, self.truth.shape, *(s.shape for s in self.segmentations.values())}
        if len(shapes) > 1 or self.image.ndim != 2:
            raise InputError(
                f"the pictures of {self.place} have shapes {sorted(shapes)}: give one (y, x) shape"
            )


@dataclass(frozen=True, slots=True)
class LoopRecord:
    """All that a report shows.

    Rows are mappings by the keys of ``report.json``; a missing score, None, NaN or infinity is shown as "–".

    Parameters
    ----------
    title
        Heading of the page.
    image_name, shape, axes, pixel_size, unit
        The image; `axes` as ``"zyx"``.
    structure, structure_words
        What is segmented: as the catalogue calls it, and as a sentence calls many of them.
    ranking
        As ``rank --json``, best first; a source of another structure has ``same_structure`` False.
    rounds
        Each round's ``n_tiles``, ``source``, ``seconds``, ``steps`` and test scores as ``evaluate``; ``kept``
        False where the new model was worse on the held-out part; ``share`` and ``choice`` say how much of the
        training was kept, and why not all.
    zero_shot
        Test scores of the first round's source as it is.
    scratch
        As a round, trained without a source, on as many tiles as one of the rounds.
    seconds
        Duration of the whole loop.
    scratch_rounds
        The same at other numbers of tiles; may repeat `scratch`.
    excluded
        Sources that were left out on request.
    held_out
        Scores on the held-out part of the annotated tiles, by ``new``, ``previous`` and ``source``.
    tiles, overviews, panels
        What is drawn.
    facts
        What was run, by name, in order. ``Version``, ``Seed`` and ``Device`` also enter the methods.
    notes
        Things to know, each a sentence.
    strategy
        Name of the strategy that suggested the tiles.
    source_map
        The ranked sources and the image, None where they could not be mapped.
    """

    title: str
    image_name: str
    shape: tuple[int, ...]
    axes: str
    pixel_size: tuple[float, ...] | None
    unit: str
    structure: str
    structure_words: str
    ranking: tuple[Row, ...]
    rounds: tuple[Row, ...]
    zero_shot: Row
    scratch: Row
    seconds: float
    scratch_rounds: tuple[Row, ...] = ()
    excluded: tuple[str, ...] = ()
    held_out: Mapping[str, Row] = field(default_factory=dict)
    tiles: tuple[SuggestedTile, ...] = ()
    overviews: tuple[Overview, ...] = ()
    panels: tuple[Panel, ...] = ()
    facts: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    strategy: str = "auto"
    source_map: SourceMap | None = None

    def __post_init__(self) -> None:
        counts = [row.get("n_tiles") for row in self.rounds]
        if self.scratch.get("n_tiles") not in counts or None in counts:
            raise InputError(
                f"training from scratch used {self.scratch.get('n_tiles')} tiles and the rounds {counts}: "
                "compare at a number of tiles that one of the rounds used"
            )
        missing = {t.overview_index for t in self.tiles} - set(range(len(self.overviews)))
        if missing:
            raise InputError(f"tiles are drawn on the overviews {sorted(missing)}, which are not given")

    @property
    def source_id(self) -> str:
        """Source that the first round started from."""
        return str(self.rounds[0]["source"])

    @property
    def titles(self) -> dict[str, str]:
        """Titles of the ranked sources by id."""
        return {str(row["source"]): str(row["title"]) for row in self.ranking}

    @property
    def source_title(self) -> str:
        """Title of that source, or its id where the ranking does not list it."""
        return self.titles.get(self.source_id, self.source_id)

    @property
    def compared_round(self) -> Row:
        """The round with as many tiles as training from scratch."""
        return next(row for row in self.rounds if row["n_tiles"] == self.scratch["n_tiles"])

    @property
    def all_scratch(self) -> tuple[Row, ...]:
        """All trainings from scratch, each number of tiles once, by rising number."""
        rows = {str(row["n_tiles"]): row for row in (*self.scratch_rounds, self.scratch)}
        return tuple(sorted(rows.values(), key=lambda row: float(str(row["n_tiles"]))))
