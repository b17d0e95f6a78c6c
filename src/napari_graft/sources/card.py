"""The card of a source: what it is, where it comes from, what it was trained on and how well it did."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

from napari_graft.io.documents import Document
from napari_graft.sources.foreign_spec import AnySpec

Structure = Literal["neurites", "mitochondria", "nuclei", "cells", "axons", "organelles", "any"]
STRUCTURES: tuple[Structure, ...] = get_args(Structure)
FILLING_STRUCTURES: frozenset[str | None] = frozenset({"neurites"})
"""Structures whose objects touch everywhere, judged by the variation of information; the others by AP.

Axons are not among them: myelin lies between."""
LeadingScore = Literal["vi", "ap50"]
WEAK_AP50, WEAK_VI = 0.5, 1.0
"""Scores on its own held-out part below which, or for the VI in bits above which, a source is called weak."""
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
# An id names a folder, so it must hold nothing that a path could misread.
Slug = Annotated[str, Field(pattern=r"^[a-z0-9]+([_-][a-z0-9]+)*$", max_length=80)]


def leading_score(structure: str | None) -> LeadingScore:
    """Return the score that says most of a structure: VI where its objects touch everywhere, else AP50."""
    return "vi" if structure in FILLING_STRUCTURES else "ap50"


class CardPretraining(BaseModel):
    """How a source was prepared on images without labels before it was trained on labelled ones.

    Parameters
    ----------
    objective, replay
        Names of the self-supervised objective, and of what kept the head in step meanwhile.
    images
        Patterns of the images without labels, beside those that it was trained on.
    n_images
        Images, or places of them, that were looked at.
    steps, seconds, best_step
        How long it took, and the step whose weights were kept.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    objective: str
    replay: tuple[str, ...]
    images: tuple[str, ...] = ()
    n_images: int = Field(ge=1)
    steps: int = Field(ge=0)
    seconds: float = Field(ge=0)
    best_step: int = Field(ge=0)


class TrainingRecord(BaseModel):
    """Record of how a source was trained and on which images, so that it is never judged on them.

    Parameters
    ----------
    datasets
        Names of the data sets that it was trained on.
    image_sha256s
        Checksums of the image files that it was trained on.
    related_datasets
        Names of data sets that are not independent of those, such as others of one collection.
    steps, seconds, device, seed, recipe
        How it was trained.
    versions
        Versions of the libraries that trained it, by name.
    pretraining
        How it was prepared before, None where it was not.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings")

    datasets: tuple[str, ...] = ()
    image_sha256s: tuple[Sha256, ...] = ()
    related_datasets: tuple[str, ...] = ()
    steps: int = Field(default=0, ge=0)
    seconds: float = Field(default=0.0, ge=0)
    device: str = ""
    seed: int = 0
    recipe: str = ""
    versions: dict[str, str] = Field(default_factory=dict)
    pretraining: CardPretraining | None = None


class Provenance(BaseModel):
    """Provenance of a user's own source: what it was adapted from, and with how many annotated tiles."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    parent: str
    n_tiles: int = Field(ge=0)


class SourceCard(Document):
    """Card of a source: what it finds, and how it was trained.

    Parameters
    ----------
    id
        Short name in small letters, digits, hyphens and underscores.
    structure
        What its foreground is.
    research_only
        Whether the terms of the training data forbid commercial use.
    weights_sha256
        Checksum of the weights file.
    ancestor
        Id of the source that the training started from; sources of one ancestor can be merged.
    validation
        Scores on its own held-out part, by the keys of ``evaluate``.
    decode
        Settings that turn its output into instances, by name.
    foreground
        Share of the pixels of its training images that belong to objects, 0 to 1; None where nobody measured
        it.
    provenance
        Where an adapted source comes from, None for a trained one.
    """

    id: Slug
    title: str
    structure: Structure
    species: str = ""
    instrument: str = ""
    spec: AnySpec
    license: str
    research_only: bool = False
    citation: str = ""
    data_origin: str = ""
    weights_sha256: Sha256
    ancestor: str | None = None
    training: TrainingRecord = TrainingRecord()
    validation: dict[str, float] = Field(default_factory=dict)
    decode: dict[str, float] = Field(default_factory=dict)
    foreground: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] | None = None
    provenance: Provenance | None = None

    @property
    def is_weak(self) -> bool:
        """Whether it does poorly even on its own held-out part; False where nobody measured it."""
        score = leading_score(self.structure)
        if score not in self.validation:
            return False
        value = self.validation[score]
        return value > WEAK_VI if score == "vi" else value < WEAK_AP50

    @property
    def pixel_size(self) -> tuple[float, ...] | None:
        """Nanometres per pixel along each axis that it was trained at, None where unknown."""
        return self.spec.pixel_size
