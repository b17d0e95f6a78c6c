"""Commands about sources: list, show, map, add, export, train."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from napari_graft.cli.console import in_words, print_facts, print_json, print_rows, progress, stderr
from napari_graft.cli.types import Device, Json, OutFolder, Overwrite

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
            "is_weak": source.card.is_weak,
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
    shown = [row | _words(row) for row in rows]
    print_rows(shown, ("id", "title", "structure", "pixel_size", "license", "origin"))
    if any(row["is_weak"] for row in rows):
        stderr.print("* weak: finds little of its own kind of image; sources list --scores says how much")


def _words(row: Mapping[str, object]) -> dict[str, object]:
    licence = "research use only" if row["research_only"] else row["license"]
    return {"license": licence, "title": f"{row['title']}{' *' if row['is_weak'] else ''}"}


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
    print_facts(card, 16)


@app.command(name="map")
def draw_map(
    project: Path | None = None,
    *,
    out: Annotated[Path | None, Parameter(name="--out")] = None,
    device: Device = "auto",
    overwrite: Overwrite = False,
    json: Json = False,
) -> None:
    """Map the sources by how alike their training images look, and tell what their distances follow.

    Example: `napari-graft sources map cortex.graft --out map.png`

    Parameters
    ----------
    project
        Folder of a project, whose image is placed among the sources.
    out
        Picture (.png) or numbers (.json).
    device
        Where the encoder of all sources runs.
    overwrite
        Replace a file that is no earlier map; never an input or a project.
    json
        Print one JSON document.
    """
    from napari_graft.cli.commands.source_map import map_command

    map_command(project, out, device, overwrite=overwrite, as_json=json)


@app.command
def add(
    source: str,
    *,
    sha256: str | None = None,
    outputs: str | None = None,
    structure: str | None = None,
    replace: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """Add a source to your own, from a file, a folder or a URL.

    It may be a source exported by napari-graft, a bioimage.io package, or a TorchScript or safetensors file
    with its card beside it.

    Example: `napari-graft sources add colleague.graftsource`

    Example: `napari-graft sources add package.zip --outputs foreground,boundary --structure nuclei`

    Parameters
    ----------
    source
        File, folder or URL.
    sha256
        Checksum that the file must have; with it a download that was cut off goes on where it stopped.
    outputs
        What the channels of a package's network mean, where it does not say: foreground, boundary,
        background, distance or unused for each, separated by commas.
    structure
        What a package's network finds, where it does not say: nuclei, cells, neurites, and so on.
    replace
        Put it in the place of another source of your own that has its id.
    """
    from napari_graft.exchange.import_options import ImportOptions
    from napari_graft.session.sources import add_to_user
    from napari_graft.sources.foreign_spec import ForeignSpec

    options = ImportOptions.of_words(outputs, structure, replaces=replace)
    with progress() as (report, cancel):
        added = add_to_user(source, sha256=sha256, options=options, report=report, cancel=cancel)
    stderr.print(f"added {added.id}: {added.card.title}", markup=False)
    spec = added.card.spec
    if isinstance(spec, ForeignSpec) and outputs is None:
        stderr.print(f"its answer is taken as {', '.join(spec.outputs)}: look at it before you rely on it")
    if added.card.structure == "any":
        stderr.print(
            "what it finds is not known, so it is not ranked: add it again with --structure and --replace"
        )


@app.command
def export(source: str, *, out: Path, format: str = "graftsource", overwrite: Overwrite = False) -> None:
    """Write a source, or a run of a project, into one file that others can add.

    Example: `napari-graft sources export cortex.graft:0001 --out cortex.graftsource`

    Example: `napari-graft sources export rat-axons-sem --out axons.zip --format bioimageio`

    Parameters
    ----------
    source
        Id of a source, or PROJECT:RUN.
    out
        The file.
    format
        graftsource, for napari-graft; bioimageio, a package for other programs, which comes back as it was;
        or torchscript, the bare network with its card inside, which can be run and no longer trained.
    overwrite
        Replace a file that is no earlier export of the same; never an input or a project.
    """
    from napari_graft.session.sources import export_reference

    export_reference(source, out, format, overwrite=overwrite)
    stderr.print(f"wrote {out}", markup=False)


@app.command(name="train")
def train_recipe(
    recipe: Annotated[Path, Parameter()],
    *,
    out: OutFolder,
    rescore: Annotated[bool, Parameter(negative="")] = False,
    fingerprint: Annotated[bool, Parameter(negative="")] = False,
    device: Device = "auto",
    overwrite: Overwrite = False,
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
    overwrite
        Replace a source in OUT that another recipe has made; never an input or a project.
    """
    from napari_graft.core.errors import Cancelled
    from napari_graft.recipes.fingerprinting import renew_fingerprints
    from napari_graft.recipes.scoring import rescore_source
    from napari_graft.session.training.recipe_training import train_from_recipe

    if rescore:
        with progress() as (report, cancel):
            measured = rescore_source(recipe, out, device=device, report=report, cancel=cancel)
        stderr.print(f"measured {measured.id}: {in_words(measured.card.validation)}", markup=False)
        return
    if fingerprint:
        with progress() as (report, cancel):
            renewed = renew_fingerprints(recipe, out, device=device, report=report, cancel=cancel)
        stderr.print(f"summed up the images of {renewed.id}", markup=False)
        return
    with progress() as (report, cancel):
        source = train_from_recipe(
            recipe, out, device=device, overwrite=overwrite, report=report, cancel=cancel
        )
    if source is None:
        raise Cancelled("stopped on request")
    stderr.print(f"trained {source.id}: {in_words(source.card.validation)}", markup=False)
