"""What the ranking of the sources came to, and which source was chosen."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from napari_graft.sources.document import Document

ROW = (
    "source",
    "title",
    "structure",
    "mmd2",
    "z",
    "p_value",
    "mmd2_general",
    "consistency",
    "few_shot",
    "combined",
    "verdict",
    "same_structure",
    "remedy",
    "remedy_kind",
    "z_after_remedy",
    "research_only",
    "is_trainable",
    "is_weak",
)
"""What ``rank --json`` tells of a source."""


class RankedEntry(BaseModel):
    """Entry of a ranking: what is known of one source, as ``rank --json`` prints it.

    A field of a later version is passed over.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", ser_json_inf_nan="strings")

    source: str
    title: str
    structure: str
    species: str = ""
    instrument: str = ""
    pixel_size: tuple[float, ...] | None = None
    license: str = ""
    research_only: bool = False
    is_trainable: bool = True
    is_weak: bool = False
    z: float | None = None
    p_value: float | None = None
    mmd2: float | None = None
    mmd2_general: float | None = None
    consistency: float | None = None
    few_shot: float | None = None
    combined: float | None = None
    verdict: str
    same_structure: bool = True
    remedy: str | None = None
    remedy_kind: Literal["invert", "rescale", "smooth"] | None = None
    z_after_remedy: float | None = None
    advice: str | None = None

    def as_row(self) -> dict[str, object]:
        """Return the keys and values of ``rank --json``."""
        return self.model_dump(include=set(ROW))


class RankedSoFar(BaseModel):
    """The sources that are measured while a ranking is under way, best first."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    ranking: tuple[RankedEntry, ...]


class StoredMap(BaseModel):
    """Stored distances of the ranked sources, and the image, from one another.

    Parameters
    ----------
    names
        Ids of the sources; that of the image is empty, see `SourceMap`.
    distances
        MMD in the common encoder, one row for each name.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    names: tuple[str, ...]
    distances: tuple[tuple[float, ...], ...]


class StoredRanking(Document):
    """Stored ranking of the sources for a project's image.

    Parameters
    ----------
    entries
        The sources, best first; empty before they were ranked.
    left_out
        Ids of the sources that were trained on the image and therefore not ranked.
    unsuited
        By the id of a 3-D source that was not ranked: why the image has not the depth for it.
    chosen
        Id of the source that the user wants to start from, None before one was chosen.
    map
        Of the ranked sources and the image, None where they could not be mapped.
    """

    entries: tuple[RankedEntry, ...] = ()
    left_out: tuple[str, ...] = ()
    unsuited: dict[str, str] = Field(default_factory=dict)
    chosen: str | None = None
    map: StoredMap | None = None

    @property
    def advised(self) -> RankedEntry | None:
        """The best source of the wanted structure that comes with advice, None where there is none."""
        return next((one for one in self.entries if one.same_structure and one.remedy is not None), None)
