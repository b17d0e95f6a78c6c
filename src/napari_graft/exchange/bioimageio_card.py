"""The words of a card in a bioimage.io description: documentation, licence, citation, authors."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote_plus

from napari_graft.sources.card import SourceCard

if TYPE_CHECKING:
    from bioimageio.spec.generic.v0_3 import Author, CiteEntry, LicenseId

_SPDX = ("CC0-1.0", "CC-BY-4.0", "CC-BY-SA-4.0", "CC-BY-NC-4.0", "MIT", "BSD-3-Clause", "BSD-2-Clause",
         "Apache-2.0", "GPL-3.0-only", "LGPL-3.0-only")  # fmt: skip
_DOI = re.compile(r"10\.\d{4,9}/[^\s;,]+")
_SEARCH = "https://search.crossref.org/?q="


def license_of(card: SourceCard) -> LicenseId | Path:
    """Return the SPDX identifier of a card's licence; the path of a licence file where it has none.

    Several licences, or one with conditions added, are no single identifier: the words of the card stand.
    """
    from bioimageio.spec.generic.v0_3 import LicenseId

    found = [name for name in _SPDX if re.search(rf"(?<![\w.-]){re.escape(name)}(?![\w.-])", card.license)]
    if len(found) == 1 and not card.research_only and "Commons Clause" not in card.license:
        return LicenseId(found[0])
    return Path("LICENSE.md")


def citations_of(card: SourceCard) -> list[CiteEntry]:
    """Return the citations of a card, each with its DOI where the card tells one."""
    from bioimageio.spec.generic.v0_3 import CiteEntry, Doi, HttpUrl

    entries = []
    for text in filter(None, (part.strip() for part in card.citation.split(";"))):
        doi = _DOI.search(text)
        # An entry needs an address: without a DOI that of a search for its words.
        address = {"doi": Doi(doi.group())} if doi else {"url": HttpUrl(_SEARCH + quote_plus(text))}
        entries.append(CiteEntry(text=text, **address))
    return entries


def authors_of(card: SourceCard) -> list[Author]:
    """Return whom the package names as author: who trained it is on no card."""
    from bioimageio.spec.generic.v0_3 import Author

    return [Author(name="napari-graft user" if card.provenance else "napari-graft contributors")]


def readme_of(card: SourceCard) -> str:
    """Return the card as the documentation of a package, in Markdown."""
    scores = "\n".join(f"| {name} | {value:.3f} |" for name, value in sorted(card.validation.items()))
    lines = [
        f"# {card.title}",
        "",
        f"Segments {card.structure} of {card.species or 'a species that is not stated'}, "
        f"seen by {card.instrument or 'an instrument that is not stated'}. The channels of the answer bear "
        "their meaning in their names. An affinity is the probability that a pixel and the one at the offset "
        "in the name belong to one object; a mutex watershed makes objects of them.",
        "",
        "Exported from napari-graft, which adapts it to other images when this package is added to it.",
        "",
        "## Terms",
        "",
        f"- Licence: {card.license}{' (research use only)' if card.research_only else ''}",
        f"- Cite: {card.citation or 'not stated'}",
        f"- Data: {card.data_origin or 'not stated'}",
        "",
        "# Validation",
        "",
        "Scores on a held-out part of its own training images"
        + (":" if scores else " are not known. Look at its result on your images before you rely on it."),
        "",
        *(["| score | value |", "|---|---|", scores, ""] if scores else []),
    ]
    return "\n".join(lines)
