from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from bioimageio.core import predict
from bioimageio.spec import load_model_description
from bioimageio.spec.model import v0_5
from foreign import ANY_ANSWER, Bright, Constant, OnlySquares, grey_image, make_package, rezip
from tiny_loop import make_sample

from napari_graft.core.errors import InputError
from napari_graft.core.progress import CancelToken
from napari_graft.core.tile import Tile
from napari_graft.exchange.add import add_source
from napari_graft.exchange.import_options import DEFAULT_IMPORT, ImportOptions
from napari_graft.imaging.intensity import IntensityRange
from napari_graft.inference.predictor import Predictor
from napari_graft.metrics import evaluate
from napari_graft.nets.build import trainable
from napari_graft.session.models import model_of_source
from napari_graft.session.prediction import segment_tiles
from napari_graft.session.projects.creation import ImageOptions, make_project
from napari_graft.sources.foreign_spec import ForeignSpec
from napari_graft.sources.source import Source


def _add(package: Path, home: Path, options: ImportOptions = DEFAULT_IMPORT) -> Source:
    return add_source(package, home, options=options)


def _refuses(package: Path, home: Path, message: str, options: ImportOptions = DEFAULT_IMPORT) -> None:
    with pytest.raises(InputError, match=message):
        _add(package, home, options)
    assert not (home / "sources").exists() or not list((home / "sources").iterdir())


def test_a_package_becomes_a_source_with_its_words(bright_package: Path, tmp_path: Path) -> None:
    source = _add(bright_package, tmp_path)

    card, spec = source.card, source.card.spec
    assert (card.id, card.title, card.structure) == ("bright-nuclei", "Bright nuclei", "nuclei")
    assert (card.license, card.research_only) == ("CC-BY-4.0", False)
    assert card.citation == "Person 2020 doi:10.1000/xyz123"
    assert isinstance(spec, ForeignSpec)
    assert (spec.outputs, spec.activation) == (("foreground", "boundary"), "logit")
    assert (spec.smallest, spec.step) == ((16, 16), (8, 8))
    assert sorted(file.name for file in source.path.iterdir()) == ["card.json", "weights.safetensors"]


@pytest.mark.parametrize("name", ["bright_package", "edges_package"])
def test_the_network_sees_and_answers_what_it_does_in_bioimageio_core(
    name: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    package: Path = request.getfixturevalue(name)
    shown = grey_image().astype(np.float32)
    model = load_model_description(package, format_version="latest", perform_io_checks=False)
    theirs = predict(model=model, inputs={"raw": shown}).members["maps"].data.to_numpy()
    if name == "edges_package":
        theirs = 1 / (1 + np.exp(-theirs))

    network = model_of_source(_add(package, tmp_path)).network
    # As for all images: two percentiles become -1 and 1. What is beyond them is cut off at 1.5.
    low, high = np.percentile(shown, (0.5, 99.5))
    ours = torch.from_numpy(IntensityRange(low, high).normalise(shown))
    with torch.inference_mode():
        answer = network.finish(network.ask(ours)).numpy()

    np.testing.assert_allclose(answer, theirs, atol=1e-4)


def test_an_imported_network_segments_tiles_by_the_way_of_all_others(
    bright_package: Path, tmp_path: Path, image: Path
) -> None:
    model = model_of_source(_add(bright_package, tmp_path))

    with make_project(tmp_path / "p.graft", ImageOptions(str(image))) as project:
        (found,) = segment_tiles(
            project, model, [Tile((0, 0), (128, 128))], device="cpu", cancel=CancelToken()
        )

    scores = evaluate(found, make_sample().segments)
    # It cannot part cells that touch, but it finds what is cell.
    assert scores.dice > 0.9


_OLD = """
format_version: 0.4.10
type: model
name: Old nuclei
description: segmentation of nuclei of old
timestamp: '2022-01-01T00:00:00'
authors: [{name: A Person}]
cite: [{text: Person 2020, doi: 10.1000/xyz123}]
license: CC-BY-4.0
documentation: README.md
test_inputs: [input.npy]
test_outputs: [output.npy]
inputs:
- name: raw
  axes: bcyx
  data_type: float32
  shape: {min: [1, 1, 16, 16], step: [0, 0, 8, 8]}
  preprocessing: [{name: zero_mean_unit_variance, kwargs: {axes: cyx, mode: per_sample}}]
outputs:
- name: maps
  axes: bcyx
  data_type: float32
  shape: {reference_tensor: raw, scale: [1, 0, 1, 1], offset: [0, 1, 0, 0]}
  postprocessing: [{name: sigmoid}]
weights:
  torchscript: {source: network.pt, pytorch_version: 1.13.0}
"""


def test_a_package_of_the_older_format_says_the_same(bright_package: Path, tmp_path: Path) -> None:
    def older(files: dict[str, bytes]) -> None:
        files["rdf.yaml"] = _OLD.encode()

    old = _add(rezip(bright_package, tmp_path / "old.zip", older), tmp_path / "home").card
    new = _add(bright_package, tmp_path / "other").card

    assert old.title == "Old nuclei"
    assert old.spec == new.spec


def test_unnamed_channels_are_taken_by_their_number_and_a_person_can_say_otherwise(
    edges_package: Path, tmp_path: Path
) -> None:
    named = _add(edges_package, tmp_path / "a").card.spec
    said = _add(edges_package, tmp_path / "b", ImportOptions(("foreground", "unused"), "cells")).card

    assert isinstance(named, ForeignSpec)
    assert isinstance(said.spec, ForeignSpec)
    assert (named.outputs, named.activation) == (("foreground", "boundary"), "logit")
    assert (said.spec.outputs, said.structure) == (("foreground", "unused"), "cells")


def test_a_network_of_one_size_is_shown_windows_of_that_size(tmp_path: Path) -> None:
    shown = grey_image((64, 64)).astype(np.float32)
    package = make_package(
        tmp_path / "fixed.zip", OnlySquares(64), shown,
        Bright()(torch.from_numpy(shown / 255)).sigmoid().numpy(),
        preprocessing=[v0_5.ScaleLinearDescr(kwargs=v0_5.ScaleLinearKwargs(gain=1 / 255))],
        postprocessing=[v0_5.SigmoidDescr()], size=64,
    )  # fmt: skip

    source = _add(package, tmp_path / "home")

    assert isinstance(source.card.spec, ForeignSpec)
    assert (source.card.spec.smallest, source.card.spec.step) == ((64, 64), (0, 0))
    predictor = Predictor(model_of_source(source).network, torch.device("cpu"))
    for shape in ((150, 130), (64, 64), (20, 100)):
        assert predictor.predict_array(np.zeros(shape, np.float32)).shape == (9, *shape)


def test_channels_that_could_mean_anything_must_be_said(tmp_path: Path) -> None:
    shown = ANY_ANSWER[:, :1]
    package = make_package(
        tmp_path / "three.zip", Constant(0.5, 3), shown, ANY_ANSWER[:, :3],
        channels=("a", "b", "c"),
    )  # fmt: skip

    _refuses(package, tmp_path / "home", "say it with --outputs")
    said = ImportOptions(("background", "foreground", "boundary"))
    assert _add(package, tmp_path / "home", said).id == "bright-nuclei"


@pytest.mark.parametrize(
    ("module", "channels", "message"),
    [
        (Constant(0.5, 3), ("foreground", "boundary"), "answers with 3 channels where its card names 2"),
        (Constant(float("nan")), ("foreground", "boundary"), "NaN or infinite"),
        (Constant(0.5, 2, scale=2), ("foreground", "boundary"), "only outputs of the size of the input"),
    ],
)
def test_a_network_that_answers_otherwise_than_it_says_is_refused(
    tmp_path: Path, module: Constant, channels: tuple[str, ...], message: str
) -> None:
    shown = ANY_ANSWER[:, :1]
    package = make_package(tmp_path / "odd.zip", module, shown, ANY_ANSWER[:, :2], channels=channels)

    _refuses(package, tmp_path / "home", message)


def test_a_package_whose_network_needs_its_own_code_is_refused(tmp_path: Path, bright_package: Path) -> None:
    def only_state_dict(files: dict[str, bytes]) -> None:
        text = files["rdf.yaml"].decode()
        start = text.index("  torchscript:")
        files["rdf.yaml"] = (
            text[:start] + "  pytorch_state_dict:\n    source: network.pt\n    pytorch_version: 2.8.0\n"
            "    architecture: {source: README.md, callable: Net}\n"
        ).encode()

    _refuses(rezip(bright_package, tmp_path / "x.zip", only_state_dict), tmp_path / "home", "would run code")


def test_onnx_and_unknown_weights_are_refused(tmp_path: Path, bright_package: Path) -> None:
    def onnx(files: dict[str, bytes]) -> None:
        text = files["rdf.yaml"].decode()
        start = text.index("  torchscript:")
        files["rdf.yaml"] = (
            text[:start] + "  onnx:\n    source: network.pt\n    opset_version: 15\n"
        ).encode()

    def unknown(files: dict[str, bytes]) -> None:
        files["rdf.yaml"] = files["rdf.yaml"].replace(b"  torchscript:", b"  abacus:")

    _refuses(rezip(bright_package, tmp_path / "a.zip", onnx), tmp_path / "home", "ONNX")
    _refuses(rezip(bright_package, tmp_path / "b.zip", unknown), tmp_path / "home", "is not valid.*weights")


def test_weights_with_another_checksum_are_refused(tmp_path: Path, bright_package: Path) -> None:
    def other(files: dict[str, bytes]) -> None:
        files["network.pt"] += b" "

    _refuses(rezip(bright_package, tmp_path / "x.zip", other), tmp_path / "home", "sha256")


def test_hostile_archives_are_refused_before_they_are_unpacked(tmp_path: Path, bright_package: Path) -> None:
    def outside(files: dict[str, bytes]) -> None:
        files["../evil.txt"] = b"evil"

    def aliases(files: dict[str, bytes]) -> None:
        files["rdf.yaml"] = files["rdf.yaml"] + b"\na: &a [*a, *a]\n"

    _refuses(rezip(bright_package, tmp_path / "a.zip", outside), tmp_path / "home", "leads out of it")
    assert not (tmp_path / "evil.txt").exists()
    _refuses(rezip(bright_package, tmp_path / "b.zip", aliases), tmp_path / "home", "aliases")
    data = bright_package.read_bytes()
    for kept in (len(data) // 3, len(data) - 10):
        (tmp_path / "c.zip").write_bytes(data[:kept])
        _refuses(tmp_path / "c.zip", tmp_path / "home", "unknown format|truncated|damaged")


def test_training_does_not_go_on_from_a_finished_network(bright_package: Path, tmp_path: Path) -> None:
    model = model_of_source(_add(bright_package, tmp_path))

    with pytest.raises(InputError, match="imported as a finished network"):
        trainable(model.network, model.name)
