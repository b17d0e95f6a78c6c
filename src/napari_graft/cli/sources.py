"""Commands about sources: list, show, add, export, train."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from napari_graft.cli.console import print_json, progress, stderr
from napari_graft.cli.tables import print_rows
from napari_graft.cli.types import Device, Json, OutFolder

_SCORES = ("vi", "vi_split", "vi_merge", "ap50", "dice")

app = App(name="sources", help="The pretrained models to start from.")


@app.command(name="list")
def list_sources(*, scores: Annotated[bool, Parameter(negative="")] = False, json: Json = False) -> None:
    """List the sources at hand.

    Example: `napari-graft sources list`

    Parameters
    ----------
    scores
        Show how each does on the held-out part of its own images, and for how many steps it was trained.
    json
        Print one JSON document.
    """
    from napari_graft.sources.catalogue import Catalogue

    sources = Catalogue().sources()
    rows: list[dict[str, object]] = [
        {
            "id": source.id,
            "title": source.card.title,
            "structure": source.card.structure,
            "species": source.card.species,
            "instrument": source.card.instrument,
            "pixel_size": source.card.pixel_size,
            "license": source.card.license,
            "research_only": source.card.research_only,
            "origin": source.origin,
            "steps": source.card.training.steps,
            "validation": source.card.validation,
        }
        for source in sources
    ]
    if json:
        print_json(rows)
        return
    if scores:
        measured = [
            dict.fromkeys(_SCORES, "") | row | source.card.validation
            for row, source in zip(rows, sources, strict=True)
        ]
        print_rows(measured, ("id", *_SCORES, "steps"))
        return
    shown = [
        row | {"license": "research use only" if row["research_only"] else row["license"]} for row in rows
    ]
    print_rows(shown, ("id", "title", "structure", "pixel_size", "license", "origin"))


@app.command
def show(source: str, *, json: Json = False) -> None:
    """Show the card of a source.

    Example: `napari-graft sources show fly-medulla-fibsem`

    Parameters
    ----------
    source
        Id, or path of an exported source.
    json
        Print one JSON document.
    """
    from napari_graft.sources.catalogue import Catalogue

    card = Catalogue().get(source).card.model_dump(mode="json")
    if json:
        print_json(card)
        return
    for name, value in card.items():
        print(f"{name:16} {value}")


@app.command
def add(source: str, *, sha256: str | None = None) -> None:
    """Add a source to your own: an exported file, a folder, a safetensors file with its card, or a URL.

    Example: `napari-graft sources add colleague.graftsource`

    Parameters
    ----------
    source
        File, folder or URL.
    sha256
        Checksum that the downloaded file must have.
    """
    from napari_graft.session.sources import add_to_user

    with progress() as (report, cancel):
        added = add_to_user(source, sha256=sha256, report=report, cancel=cancel)
    stderr.print(f"added {added.id}: {added.card.title}", markup=False)


@app.command
def export(source: str, *, out: Path) -> None:
    """Write a source, or a run of a project, into one file that others can add.

    Example: `napari-graft sources export cortex.graft:0001 --out cortex.graftsource`

    Parameters
    ----------
    source
        Id of a source, or PROJECT:RUN.
    out
        The file.
    """
    from napari_graft.session.sources import export_reference

    export_reference(source, out)
    stderr.print(f"wrote {out}", markup=False)


@app.command(name="train")
def train_recipe(
    recipe: Annotated[Path, Parameter()],
    *,
    out: OutFolder,
    rescore: Annotated[bool, Parameter(negative="")] = False,
    fingerprint: Annotated[bool, Parameter(negative="")] = False,
    device: Device = "auto",
) -> None:
    """Train a source from labelled images as a recipe says; a stopped training goes on when called again.

    Example: `napari-graft sources train recipes/rat-axons-sem.yaml --out my-sources/rat-axons-sem`

    Parameters
    ----------
    recipe
        YAML file.
    out
        Folder of the source.
    rescore
        Train nothing: tune the decoding of the finished source in OUT and score it anew, on the same parts of
        the images as before.
    fingerprint
        Train nothing: make the fingerprints of the finished source in OUT anew.
    device
        Where to train.
    """
    from napari_graft.core.errors import Cancelled
    from napari_graft.recipes.fingerprinting import renew_fingerprints
    from napari_graft.recipes.rescore import rescore_source
    from napari_graft.recipes.run import train_source

    if rescore:
        with progress() as (report, cancel):
            measured = rescore_source(recipe, out, device=device, report=report, cancel=cancel)
        stderr.print(f"measured {measured.id}: {measured.card.validation}", markup=False)
        return
    if fingerprint:
        with progress() as (report, cancel):
            renewed = renew_fingerprints(recipe, out, device=device, report=report, cancel=cancel)
        stderr.print(f"summed up the images of {renewed.id}", markup=False)
        return
    with progress() as (report, cancel):
        source = train_source(recipe, out, device=device, report=report, cancel=cancel)
    if source is None:
        raise Cancelled("stopped on request")
    stderr.print(f"trained {source.id}: {source.card.validation}", markup=False)
