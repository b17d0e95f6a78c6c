"""What a bridge was made of, as the record of a run keeps it, and what its pairs promised."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Finite = Annotated[float, Field(allow_inf_nan=False)]
DEFAULT_METHOD = "tgmb-tgkt"
"""Name in `BRIDGE_METHODS`: the translator, then the student."""


class Suitability(BaseModel):
    """What a set of pairs promises for a source and an image, before anything is trained.

    Parameters
    ----------
    n_pairs, n_held_out
        Pairs, and those of them that nothing was learned from.
    explained_by_view
        Share of the variance of held-out partners that the best view explains: gain, offset and sign.
    explained
        The same of a translator that was learned on the other pairs.
    z_before, z_after
        Distance of the image from the training images of the source, as it is and translated; None without a
        fingerprint of the source.
    z_pairs
        Distance of the image from the pairs in its own modality, in the encoder of the source; None where
        there is too little of either.
    consistency_before, consistency_after
        Agreement of the objects in the image with those in changed copies of it: in the best view, and
        translated.
    helps
        Whether the translator explains clearly more than the view.
    words
        What that means.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    n_pairs: int = Field(ge=1)
    n_held_out: int = Field(ge=1)
    explained_by_view: Finite
    explained: Finite
    z_before: Finite | None = None
    z_after: Finite | None = None
    z_pairs: Finite | None = None
    consistency_before: Finite | None = None
    consistency_after: Finite | None = None
    helps: bool
    words: str

    @property
    def gain(self) -> float:
        """What the translator explains beyond the best view."""
        return self.explained - self.explained_by_view


class BridgeRecord(BaseModel):
    """What a bridge was made of, and what it was judged by.

    Parameters
    ----------
    method
        Name in `BRIDGE_METHODS`.
    source
        Id or path of the source, or a run, as the user named it.
    pairs
        The two folders: of the modality of the image, and of that of the source.
    n_pairs
        Number of pairs.
    view
        View of the image that suited the source best before the bridge, in words; empty for it as it is.
    suitability
        What they promised; None for a method that uses none of them.
    consistency, consistency_of_view
        Agreement of the objects with those in changed copies of the image: of the bridged source, and of the
        best view of the untouched one.
    source_id
        Id of the source that was made of it among the user's own, empty where none was.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    method: str
    source: str
    pairs: tuple[str, str]
    n_pairs: int = Field(ge=1)
    view: str = ""
    suitability: Suitability | None = None
    consistency: Finite | None = None
    consistency_of_view: Finite | None = None
    source_id: str = ""

    def asks_the_same_as(self, other: BridgeRecord) -> bool:
        """Say whether the same source is bridged in the same way, whatever came of it."""
        mine, its = ((one.method, one.source, one.pairs, one.n_pairs) for one in (self, other))
        return mine == its
