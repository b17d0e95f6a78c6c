"""Make a source of a bioimage.io package."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from napari_graft.core.errors import InputError
from napari_graft.exchange.bioimageio.package import load_model, open_package, take_own_source
from napari_graft.exchange.bioimageio.spec import foreign_spec_of
from napari_graft.exchange.import_options import ImportOptions
from napari_graft.exchange.torchscript_file import write_foreign_source
from napari_graft.sources.card import SourceCard, Structure
from napari_graft.sources.source import Source, open_source
from napari_graft.sources.torchscript import check_torchscript

if TYPE_CHECKING:
    from bioimageio.spec.model.v0_5 import ModelDescr


_WORDS: dict[Structure, tuple[str, ...]] = {
    "nuclei": ("nuclei", "nucleus", "nuclear"),
    "mitochondria": ("mitochondria", "mitochondrion"),
    "axons": ("axon", "axons", "myelin"),
    "neurites": ("neurites", "neuron", "neurons", "membranes", "neuropil"),
    "organelles": ("organelle", "organelles", "chloroplast"),
    "cells": ("cell", "cells", "bacteria", "ovules"),
}


def import_source(path: Path, folder: Path, options: ImportOptions) -> Source:
    """Make a source of a package: the one that we exported, or a network that is run as it is.

    Raises
    ------
    InputError
        If the package is damaged or hostile, or has no weights that can be run without its code, or if it
        does not say what its outputs mean.
    StorageError
        If the disk is full.
    """
    with open_package(path) as package:
        if take_own_source(package, folder):
            return open_source(folder, "file")
        model = load_model(package)
        weights = model.weights.torchscript
        if weights is None:
            raise InputError(f"package {str(path)!r} has no weights of TorchScript: ask for them")
        program = check_torchscript(
            package.read(str(weights.source), weights.sha256),
            f"{str(weights.source)!r} in package {str(path)!r}",
        )
        spec = foreign_spec_of(model, package, options)
        card = _card(model, options).model_copy(update={"spec": spec})
        return write_foreign_source(folder, card, program)


def _card(model: ModelDescr, options: ImportOptions) -> SourceCard:
    """Return a card whose specification and checksum are still to be set."""
    license_name = model.license if isinstance(model.license, str) else None
    return SourceCard.model_validate(
        {
            "id": _slug(str(model.id or model.name)),
            "title": str(model.name),
            "structure": options.structure or _structure(model),
            "spec": {},
            "license": str(license_name or ("custom, see the package" if model.license else "not stated")),
            "research_only": license_name is None or "-NC" in license_name,
            "citation": "; ".join(_citation(entry.text, entry.doi, entry.url) for entry in model.cite),
            "data_origin": f"bioimage.io package {model.id or model.name}",
            "weights_sha256": "0" * 64,
        }
    )


def _citation(text: str, doi: object, url: object) -> str:
    address = f"doi:{doi}" if doi else str(url or "")
    return text if not address or address in text else f"{text} {address}"


def _structure(model: ModelDescr) -> Structure:
    # the tags first: they are chosen words, while a name or a description may speak of anything
    for text in (" ".join(map(str, model.tags)), str(model.name), str(model.description or "")):
        words = set(re.findall(r"[a-z]+", text.lower()))
        for structure, names in _WORDS.items():
            if words.intersection(names):
                return structure
    return "any"


def _slug(name: str) -> str:
    parts = re.findall(r"[a-z0-9]+", name.lower())
    return "-".join(parts)[:80].strip("-") or "imported"
