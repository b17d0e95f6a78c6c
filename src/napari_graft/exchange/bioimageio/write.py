"""Write a source as a bioimage.io package that other programs can run: its card, tensors and weights."""

from __future__ import annotations

import re
import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus

import numpy as np
from numpy.typing import NDArray

from napari_graft.core.errors import InputError
from napari_graft.exchange.bioimageio.spec import CONFIG
from napari_graft.exchange.torchscript_file import as_program
from napari_graft.io import atomic
from napari_graft.samples.cells import generate_cells
from napari_graft.samples.em import generate_neuropil
from napari_graft.sources.archive import MEMBER_LIMITS
from napari_graft.sources.card import SourceCard
from napari_graft.sources.foreign_spec import Clip, ForeignSpec, ScaleLinear, Step, ZeroMean
from napari_graft.sources.source import Source

if TYPE_CHECKING:
    from bioimageio.spec.generic.v0_3 import Author, CiteEntry, LicenseId
    from bioimageio.spec.model.v0_5 import InputTensorDescr, ModelDescr, OutputTensorDescr


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


PERCENTILES = (0.5, 99.5)
"""Of the image, that become the ends of the intensity range: as for images of ours."""


def describe_input(spec: ForeignSpec, test_tensor: Path) -> InputTensorDescr:
    """Return what a network is shown, the steps before it included."""
    from bioimageio.spec.model import v0_5

    axes: list[Any] = [v0_5.BatchAxis(), _channels([f"grey{i or ''}" for i in range(spec.n_input_channels)])]
    for i, name in enumerate(_names(spec)):
        smallest, step = spec.smallest[i], spec.step[i]
        size = v0_5.ParameterizedSize(min=smallest, step=step) if step else smallest
        unit, scale = _unit(spec, i)
        axes.append(v0_5.SpaceInputAxis(id=v0_5.AxisId(name), size=size, unit=unit, scale=scale))
    return v0_5.InputTensorDescr(
        id=v0_5.TensorId("image"),
        axes=axes,
        test_tensor=v0_5.FileDescr(source=test_tensor),
        preprocessing=_preprocessing(spec),
    )


def describe_output(spec: ForeignSpec, test_tensor: Path) -> OutputTensorDescr:
    """Return what a network answers, each channel by the name of its meaning."""
    from bioimageio.spec.model import v0_5

    axes: list[Any] = [v0_5.BatchAxis(), _channels(_channel_names(spec))]
    for i, name in enumerate(_names(spec)):
        axis_id = v0_5.AxisId(name)
        same = v0_5.SizeReference(tensor_id=v0_5.TensorId("image"), axis_id=axis_id)
        size = same if spec.step[i] else spec.smallest[i]
        unit, scale = _unit(spec, i)
        axes.append(v0_5.SpaceOutputAxis(id=axis_id, size=size, unit=unit, scale=scale))
    finish: dict[str, list[Any]] = {"logit": [v0_5.SigmoidDescr()], "softmax": [v0_5.SoftmaxDescr()]}
    return v0_5.OutputTensorDescr(
        id=v0_5.TensorId("maps"),
        axes=axes,
        test_tensor=v0_5.FileDescr(source=test_tensor),
        postprocessing=finish.get(spec.activation, []),
    )


def _names(spec: ForeignSpec) -> str:
    return "zyx"[-spec.ndim :]


def _unit(spec: ForeignSpec, axis: int) -> tuple[Any, float]:
    return (None, 1.0) if spec.pixel_size is None else ("nanometer", spec.pixel_size[axis])


def _channels(names: list[str]) -> Any:
    from bioimageio.spec.model import v0_5

    return v0_5.ChannelAxis(channel_names=names)


def _channel_names(spec: ForeignSpec) -> list[str]:
    """Return the meaning of each channel; an affinity's has its offset in it."""
    offsets = iter(spec.offsets)
    return [
        "affinity_" + "_".join(str(o).replace("-", "m") for o in next(offsets))
        if meaning == "affinity"
        else f"unused_{i}"
        if meaning == "unused"
        else str(meaning)
        for i, meaning in enumerate(spec.outputs)
    ]


def _preprocessing(spec: ForeignSpec) -> list[Any]:
    from bioimageio.spec.model import v0_5

    means = [i for i, step in enumerate(spec.normalisation) if isinstance(step, ZeroMean)]
    axes = [v0_5.AxisId(name) for name in ("channel", *_names(spec))]
    if means:
        # bioimageio.core takes the mean of the image as it came, whatever steps are before. Without them both
        # agree, and nothing changes unless values were cut off.
        if any(isinstance(step, Clip) for step in spec.normalisation[: means[-1]]):
            raise InputError("a network that cuts values off before it takes their mean cannot be written so")
        return [_step(step, axes) for step in spec.normalisation[means[-1] :]]
    low, high = spec.intensity
    kwargs = v0_5.ScaleRangeKwargs(axes=axes, min_percentile=PERCENTILES[0], max_percentile=PERCENTILES[1])
    steps: list[Any] = [v0_5.ScaleRangeDescr(kwargs=kwargs)]
    if (low, high) != (0.0, 1.0):
        steps.append(v0_5.ScaleLinearDescr(kwargs=v0_5.ScaleLinearKwargs(gain=high - low, offset=low)))
    return steps + [_step(step, axes) for step in spec.normalisation]


def _step(step: Step, axes: list[Any]) -> Any:
    from bioimageio.spec.model import v0_5

    if isinstance(step, Clip):
        return v0_5.ClipDescr(kwargs=v0_5.ClipKwargs(min=step.low, max=step.high))
    if isinstance(step, ScaleLinear):
        gain, offset = list(step.gain), list(step.offset)
        if len(gain) == len(offset) == 1:
            return v0_5.ScaleLinearDescr(kwargs=v0_5.ScaleLinearKwargs(gain=gain[0], offset=offset[0]))
        channel = v0_5.AxisId("channel")
        along = v0_5.ScaleLinearAlongAxisKwargs(axis=channel, gain=gain, offset=offset)
        return v0_5.ScaleLinearDescr(kwargs=along)
    return v0_5.ZeroMeanUnitVarianceDescr(kwargs=v0_5.ZeroMeanUnitVarianceKwargs(axes=axes, eps=step.eps))


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
