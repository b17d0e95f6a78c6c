"""Write a source as a bioimage.io package that other programs can run."""

from __future__ import annotations

import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_graft.core.errors import InputError
from napari_graft.exchange.bioimageio_card import authors_of, citations_of, license_of, readme_of
from napari_graft.exchange.bioimageio_spec import CONFIG
from napari_graft.exchange.bioimageio_tensors import PERCENTILES, describe_input, describe_output
from napari_graft.exchange.torchscript_file import as_program
from napari_graft.io import atomic
from napari_graft.samples.cells import generate_cells
from napari_graft.samples.em import generate_neuropil
from napari_graft.sources.archive import MEMBER_LIMITS
from napari_graft.sources.foreign_spec import ForeignSpec
from napari_graft.sources.source import Source

if TYPE_CHECKING:
    from bioimageio.spec.model.v0_5 import ModelDescr

_PROGRAM, _README, _LICENSE = "weights.pt", "README.md", "LICENSE.md"
_TEST_INPUT, _TEST_OUTPUT = "test-input.npy", "test-output.npy"
_OF_NAMES = " _+-()"
_TEST_LENGTH = {2: 128, 3: 32}


def write(source: Source, out: Path) -> None:
    """Write a source as a package: the network as TorchScript, a test on a generated image, and its card.

    The files of a source of ours are attached, so that it comes back as it was and can be trained.

    Raises
    ------
    InputError
        If its files are damaged, or bioimageio.core is not installed.
    StorageError
        If the disk is full.
    """
    try:
        from bioimageio.spec import ValidationContext, save_bioimageio_package
    except ImportError:
        raise InputError(
            "bioimage.io packages need bioimageio.core: install it with pip install bioimageio.core"
        ) from None
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        spec = _write_files(source, folder)
        with (
            ValidationContext(root=folder, perform_io_checks=True, log_warnings=False),
            warnings.catch_warnings(),
        ):
            # It says so of every file while it tries which kind of file it is.
            warnings.filterwarnings("ignore", "Found mapping with 'source'", UserWarning)
            package = save_bioimageio_package(
                _describe(source, spec, folder), output_path=folder / "package.zip"
            )
        atomic.write_bytes(out, Path(package).read_bytes())


def _write_files(source: Source, folder: Path) -> ForeignSpec:
    """Write all files of the package but its description, and return how others ask the network."""
    card, program = as_program(source)
    spec = card.spec
    assert isinstance(spec, ForeignSpec)
    (folder / _PROGRAM).write_bytes(program)
    (folder / _README).write_text(readme_of(source.card), encoding="utf-8")
    if isinstance(license_of(source.card), Path):
        text = f"# Licence of the images that the network was trained on\n\n{source.card.license}\n"
        (folder / _LICENSE).write_text(text, encoding="utf-8")
    shown = _generated_image(spec)
    np.save(folder / _TEST_INPUT, shown)
    np.save(folder / _TEST_OUTPUT, _answer(spec, program, shown))
    for name, data in source.read_files().items():
        if source.card.spec.is_trainable:
            (folder / name).write_bytes(data)
    return spec


def _generated_image(spec: ForeignSpec) -> NDArray[np.float32]:
    """Return a generated image (1, C, *spatial): no image of anyone travels with a network."""
    lengths = [
        smallest + -(-max(_TEST_LENGTH[spec.ndim] - smallest, 0) // step) * step if step else smallest
        for smallest, step in zip(spec.smallest, spec.step, strict=True)
    ]
    rng = np.random.default_rng(0)
    depth, height, width = (1, *lengths)[-3:]
    stack = [generate_cells((height, width), rng).image] if spec.ndim == 2 else None
    image = np.stack(stack) if stack else generate_neuropil((depth, height, width), rng).image
    shown = np.broadcast_to(image.astype(np.float32).reshape(lengths), (1, spec.n_input_channels, *lengths))
    return np.ascontiguousarray(shown)


def _answer(spec: ForeignSpec, program: bytes, shown: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return what the package answers to the test input, its steps before and after included."""
    import torch

    from napari_graft.nets.foreign import ForeignNetwork

    low, high = np.percentile(shown, PERCENTILES)
    normalised = (2 * (shown[:, :1] - low) / (high - low + 1e-6) - 1).astype(np.float32)
    network = ForeignNetwork(spec, program)
    with torch.inference_mode():
        answer: NDArray[np.float32] = network.finish(network.ask(torch.from_numpy(normalised))).numpy()
    return answer


def _describe(source: Source, spec: ForeignSpec, folder: Path) -> ModelDescr:
    import torch
    from bioimageio.spec.model import v0_5

    card = source.card
    license_name = license_of(card)
    attached = [name for name in MEMBER_LIMITS if (folder / name).is_file()]
    return v0_5.ModelDescr(
        name=plain_name(card.title),
        description=f"{card.title}: foreground and affinities of {card.structure}"[:1024],
        authors=authors_of(card),
        cite=citations_of(card),
        license=v0_5.FileDescr(source=folder / _LICENSE) if isinstance(license_name, Path) else license_name,
        documentation=v0_5.FileDescr(source=folder / _README),
        tags=[card.structure, "segmentation", f"{spec.ndim}d", "pytorch", "napari-graft"],
        attachments=[v0_5.FileDescr(source=folder / name) for name in attached],
        inputs=[describe_input(spec, folder / _TEST_INPUT)],
        outputs=[describe_output(spec, folder / _TEST_OUTPUT)],
        weights=v0_5.WeightsDescr(
            torchscript=v0_5.TorchscriptWeightsDescr(
                source=folder / _PROGRAM, pytorch_version=v0_5.Version(torch.__version__.split("+")[0])
            )
        ),
        config=v0_5.Config.model_validate({CONFIG: {"spec": spec.model_dump(mode="json")}}),
    )


def plain_name(text: str) -> str:
    """Return text with the characters alone that the name of a model may have."""
    kept = "".join(c if (c.isascii() and c.isalnum()) or c in _OF_NAMES else " " for c in text)
    return " ".join(kept.split())[:128]
