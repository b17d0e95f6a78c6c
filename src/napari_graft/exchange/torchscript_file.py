"""TorchScript files: with the card inside, as we write them, or beside them; sources of foreign networks."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np

from napari_graft.core.errors import InputError
from napari_graft.exchange.import_options import ImportOptions
from napari_graft.imaging.intensity import LARGEST_NORMALISED
from napari_graft.io import atomic
from napari_graft.io.documents import parse_document, read_document, write_document
from napari_graft.io.regular_files import read_named
from napari_graft.io.untrusted import names_in_zip
from napari_graft.io.weights import save_tensors
from napari_graft.sources.archive import CARD, WEIGHTS
from napari_graft.sources.card import SourceCard
from napari_graft.sources.foreign_spec import Clip, ForeignSpec, Meaning
from napari_graft.sources.network_spec import ModelSpec
from napari_graft.sources.source import Source, open_source
from napari_graft.sources.torchscript import (
    CARD_IN_ARCHIVE,
    MAX_BYTES,
    TENSOR,
    check_torchscript,
    is_torchscript,
    read_extra,
)


def write_foreign_source(folder: Path, card: SourceCard, program: bytes) -> Source:
    """Write a source whose weights are a TorchScript program that was checked, and open it.

    The program lies in the safetensors file as one array of bytes: so all sources consist of the same files.

    Raises
    ------
    StorageError
        If the disk is full.
    """
    save_tensors(folder / WEIGHTS, {TENSOR: np.frombuffer(program, np.uint8)}, {})
    digest = hashlib.sha256((folder / WEIGHTS).read_bytes()).hexdigest()
    write_document(folder / CARD, card.model_copy(update={"weights_sha256": digest}))
    return open_source(folder, "file")


SUFFIXES = (".pt", ".pts", ".ts", ".torchscript")
_NO_CHECKSUM = "0" * 64
"""In a card inside the file that it describes."""


def recognises(path: Path) -> bool:
    """Say whether a file is a TorchScript archive."""
    return is_torchscript(names_in_zip(path))


def import_source(path: Path, folder: Path, options: ImportOptions) -> Source:
    """Make a source of a TorchScript file and its card.

    Raises
    ------
    InputError
        If the file is damaged or holds what a network does not need, or if the card is missing or another's.
    """
    data = read_named(path, limit=MAX_BYTES, title="TorchScript file")
    program = check_torchscript(data, repr(str(path)))
    text = read_extra(data, CARD_IN_ARCHIVE)
    if text is not None:
        card = parse_document(SourceCard, text, f"the card inside {str(path)!r}")
    else:
        card = _card_beside(path, data)
    spec = card.spec
    if not isinstance(spec, ForeignSpec):
        raise InputError(
            f"the card of {str(path)!r} describes a {spec.architecture!r} and not a network of TorchScript: "
            'its spec must say "architecture": "torchscript" and name the outputs'
        )
    if options.outputs:
        spec = ForeignSpec.model_validate(spec.model_dump() | {"outputs": options.outputs})
    structure = options.structure or card.structure
    card = card.model_copy(update={"spec": spec, "structure": structure})
    return write_foreign_source(folder, card, program)


def write(source: Source, out: Path) -> None:
    """Write the network of a source as one TorchScript file with the card inside.

    Raises
    ------
    InputError
        If its files are damaged.
    StorageError
        If the disk is full.
    """
    _, data = as_program(source)
    atomic.write_bytes(out, data)


def as_program(source: Source) -> tuple[SourceCard, bytes]:
    """Return a source as a finished network: a card that says how to ask it, and its TorchScript file.

    The program of one of ours ends in probabilities and takes images of any size.
    """
    from napari_graft.nets.build import load_network
    from napari_graft.nets.foreign import to_torchscript

    spec = source.card.spec
    foreign = spec if isinstance(spec, ForeignSpec) else spec_of_traced(spec)
    card = source.card.model_copy(update={"spec": foreign, "weights_sha256": _NO_CHECKSUM, "ancestor": None})
    network = load_network(spec, source.load_weights())
    return card, to_torchscript(network, {CARD_IN_ARCHIVE: card.model_dump_json(indent=2)})


def spec_of_traced(spec: ModelSpec) -> ForeignSpec:
    """Describe a network of ours as others see it, once it is traced."""
    affinities: list[Meaning] = ["affinity" for _ in spec.offsets]
    return ForeignSpec(
        architecture="torchscript",
        ndim=spec.ndim,
        offsets=spec.offsets,
        pixel_size=spec.pixel_size,
        object_diameter=spec.object_diameter,
        contrast_window=spec.contrast_window,
        inverted=spec.inverted,
        stain=spec.stain,
        zoom=spec.zoom,
        outputs=("foreground", *affinities),
        smallest=spec.total_stride,
        step=spec.total_stride,
        intensity=(-1.0, 1.0),
        normalisation=(Clip(low=-LARGEST_NORMALISED, high=LARGEST_NORMALISED),),
    )


def _card_beside(path: Path, data: bytes) -> SourceCard:
    if not path.with_name(CARD).is_file():
        raise InputError(
            f"{str(path)!r} comes without a card: put a {CARD} beside it that says what the network is shown "
            "and what its outputs mean (see 'Bring your own model' in the documentation)"
        )
    card = read_document(SourceCard, path.with_name(CARD), "card", follow_links=True)
    if card.weights_sha256 != hashlib.sha256(data).hexdigest():
        raise InputError(
            f"{str(path)!r} does not match the checksum of the {CARD} beside it: it is damaged or of another "
            "network; get it again"
        )
    return card
