"""What to expect of an untouched source on an image, and whether anything at hand fits it at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

OutlookKind = Literal["serves", "unsure", "nothing"]

CONSISTENT = 0.9
"""Consistency from which on what a source finds untouched may serve."""
BARELY_CONSISTENT = 0.7
"""Consistency below which a source does not know the image, however alike the features."""
N_TILES: dict[OutlookKind, int] = {"serves": 0, "unsure": 4, "nothing": 8}
"""How many tiles to expect to paint."""


class RankedCandidate(Protocol):
    """A ranked source."""

    @property
    def title(self) -> str:
        """What it is called."""
        ...

    @property
    def same_structure(self) -> bool:
        """Whether it finds what is wanted, or something of its family."""
        ...

    @property
    def consistency(self) -> float | None:
        """Consistency of what it finds, 0 to 1; None where that was not measured."""
        ...

    @property
    def few_shot(self) -> float | None:
        """Its score on annotated tiles; None before there is one."""
        ...


@dataclass(frozen=True, slots=True)
class Outlook:
    """Expectation of a ranking before anything is annotated.

    Parameters
    ----------
    kind
        ``serves``: what the first source finds untouched may do; ``unsure``: it finds something that a little
        noise changes; ``nothing``: no source at hand knows such an image.
    words
        The same for the user.
    """

    kind: OutlookKind
    words: str


def outlook(
    ranked: Sequence[RankedCandidate], wanted: str | None = None, wider: float | None = None
) -> Outlook | None:
    """Return what to expect of the best of some ranked sources.

    None where consistency was not measured, and once a tile is annotated, for the score on it says more.

    The distance of the images does not tell it: a source can lie near and find nothing that is right. Whether
    what it finds stays when noise, contrast and gamma change a little foretells far better whether it is
    (`consistency`), so the first source of the wanted structure is judged by that.

    Parameters
    ----------
    ranked
        The sources, best first.
    wanted
        What is to be segmented, None where nobody said.
    wider
        Diameter in pixels of other objects that were found, clearly wider than those that are taken to be
        wanted; None where there are none. Which of them are wanted no consistency can tell.
    """
    suited = [one for one in ranked if one.same_structure]
    if not suited:
        return Outlook("nothing", f"No source here finds {wanted or 'this'}: {_expect('nothing')}.")
    consistency = suited[0].consistency
    if consistency is None or suited[0].few_shot is not None:
        return None
    kind = kind_of(consistency)
    if kind == "serves" and wider is not None:
        return Outlook(
            "unsure",
            f"“{suited[0].title}” is consistent on this image, but objects about {wider:.0f} pixels wide are "
            f"seen as well: say how wide those are that you want, or {_expect('unsure')}.",
        )
    if kind == "serves":
        return Outlook(
            kind,
            f"“{suited[0].title}” is consistent on this image: see what it finds before you paint anything.",
        )
    if kind == "unsure":
        return Outlook(kind, f"“{suited[0].title}” is not sure of this image: {_expect(kind)}.")
    return Outlook(kind, f"Nothing here has seen anything like this: {_expect(kind)}.")


def kind_of(consistency: float) -> OutlookKind:
    """Return what to expect of a source by its consistency."""
    if consistency >= CONSISTENT:
        return "serves"
    return "unsure" if consistency >= BARELY_CONSISTENT else "nothing"


def _expect(kind: OutlookKind) -> str:
    return f"expect to paint about {N_TILES[kind]} tiles"
