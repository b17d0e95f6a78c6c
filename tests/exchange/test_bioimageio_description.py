"""Descriptions as they are published: whole, odd, old, or of what segments nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from foreign import ANY_ANSWER, Constant, make_package, rezip

from napari_graft.core.errors import InputError
from napari_graft.exchange.bioimageio.read import import_source
from napari_graft.exchange.import_options import DEFAULT_IMPORT, ImportOptions
from napari_graft.sources.foreign_spec import ForeignSpec

Change = Callable[[dict[str, Any]], None]


def _old_description() -> dict[str, Any]:
    """Return a description of format 0.4 of one channel that is not named, as they were published."""
    return {
        "format_version": "0.4.9",
        "type": "model",
        "name": "Small network",
        "description": "A network for segmentation",
        "timestamp": "2022-01-01T00:00:00",
        "authors": [{"name": "A Person"}],
        "cite": [{"text": "Person 2020", "doi": "10.1000/xyz123"}],
        "license": "CC-BY-4.0",
        "documentation": "README.md",
        "test_inputs": ["input.npy"],
        "test_outputs": ["output.npy"],
        "inputs": [
            {
                "name": "input0",
                "axes": "bcyx",
                "data_type": "float32",
                "shape": {"min": [1, 1, 16, 16], "step": [0, 0, 8, 8]},
            }
        ],
        "outputs": [
            {
                "name": "output0",
                "axes": "bcyx",
                "data_type": "float32",
                "shape": {"reference_tensor": "input0", "scale": [1, 1, 1, 1], "offset": [0, 0, 0, 0]},
            }
        ],
        "weights": {"torchscript": {"source": "network.pt"}},
    }


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("described")
    shown, answer = ANY_ANSWER[:, :1], ANY_ANSWER[:, :1]
    return make_package(folder / "p.zip", Constant(0.5, 1), shown, answer, channels=("channel0",))


def _old(package: Path, out: Path, change: Change = lambda _: None) -> Path:
    description = _old_description()
    change(description)

    def replace(files: dict[str, bytes]) -> None:
        files["rdf.yaml"] = yaml.safe_dump(description, sort_keys=False).encode()

    return rezip(package, out / "old.zip", replace)


def _spec(package: Path, out: Path, options: ImportOptions = DEFAULT_IMPORT) -> ForeignSpec:
    folder = out / "source"
    folder.mkdir()
    spec = import_source(package, folder, options).card.spec
    assert isinstance(spec, ForeignSpec)
    return spec


def _weights_of_others(description: dict[str, Any]) -> None:
    description["weights"]["torchscript"]["parent"] = "pytorch_state_dict"
    description["weights"]["pytorch_state_dict"] = {
        "source": "https://example.org/files/weights.pt/content",
        "architecture": "https://example.org/files/unet.py:UNet2d/content",
    }


def _halo_wider_than_the_smallest_window(description: dict[str, Any]) -> None:
    description["outputs"][0]["halo"] = [0, 0, 32, 32]


def _fixed_size_with_a_halo(description: dict[str, Any]) -> None:
    description["inputs"][0]["shape"] = [1, 1, 32, 32]
    description["outputs"][0] |= {"shape": [1, 1, 32, 32], "halo": [0, 0, 8, 8]}


def _one_gain_for_all_axes(description: dict[str, Any]) -> None:
    kwargs = {"axes": "yx", "gain": 1 / 255, "offset": 0}
    description["inputs"][0]["preprocessing"] = [{"name": "scale_linear", "kwargs": kwargs}]


def _weights_by_their_older_name(description: dict[str, Any]) -> None:
    description["format_version"] = "0.3.6"
    weights = description["weights"]
    weights["pytorch_script"] = weights.pop("torchscript")
    weights["onnx"] = {"source": "network.onnx", "parent": "pytorch_script"}


@pytest.mark.parametrize(
    "change",
    [
        _weights_of_others,
        _halo_wider_than_the_smallest_window,
        _fixed_size_with_a_halo,
        _one_gain_for_all_axes,
        _weights_by_their_older_name,
    ],
)
def test_what_is_not_used_of_a_description_cannot_stop_it(
    package: Path, tmp_path: Path, change: Change
) -> None:
    assert _spec(_old(package, tmp_path, change), tmp_path).outputs == ("foreground",)


def test_a_halo_of_the_newer_format_is_not_used_either(package: Path, tmp_path: Path) -> None:
    def halo(files: dict[str, bytes]) -> None:
        description = yaml.safe_load(files["rdf.yaml"])
        for axis in description["outputs"][0]["axes"]:
            if axis["type"] == "space":
                axis["halo"] = 64
        description["description"] = "segmentation"
        files["rdf.yaml"] = yaml.safe_dump(description).encode()

    assert _spec(rezip(package, tmp_path / "halo.zip", halo), tmp_path).smallest == (16, 16)


def _of(**fields: Any) -> Change:
    return lambda description: description.update(fields)


@pytest.mark.parametrize(
    ("change", "outputs"),
    [
        (_of(description="Trained to predict the cell boundaries in confocal stacks"), ("boundary",)),
        (_of(name="CellsSegmentationBoundaryModel"), ("boundary",)),
        (_of(tags=["unet", "cell-membrane", "semantic-segmentation"]), ("boundary",)),
        (_of(description="Segmentation of nuclei"), ("foreground",)),
    ],
)
def test_a_single_channel_without_a_name_means_what_the_package_speaks_of(
    package: Path, tmp_path: Path, change: Change, outputs: tuple[str, ...]
) -> None:
    assert _spec(_old(package, tmp_path, change), tmp_path).outputs == outputs


@pytest.mark.parametrize(
    "change",
    [
        _of(description="Super-resolution of microtubules", tags=["image-restoration"]),
        _of(description="Label-free prediction of fluorescence from bright field"),
        _of(description="Prediction enhancer for segmenting mitochondria"),
    ],
)
def test_a_network_that_does_not_segment_an_image_is_taken_at_a_person_s_word_alone(
    package: Path, tmp_path: Path, change: Change
) -> None:
    made = _old(package, tmp_path, change)

    with pytest.raises(InputError, match=r"does not say that it segments images.*--outputs"):
        import_source(made, tmp_path, DEFAULT_IMPORT)
    assert _spec(made, tmp_path, ImportOptions(("boundary",))).outputs == ("boundary",)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_of(weights={"keras_hdf5": {"source": "x.h5"}}, license="BSD 3"), "Keras.*ask for TorchScript"),
        (_of(weights={"pytorch_state_dict": {"source": "x"}}, cite="nobody"), "would run code"),
        (_of(type="dataset"), "holds a dataset and no model"),
        (_of(type=None, format_version="0.1.0"), "of format 0.1.0.*newer package"),
        (_of(weights={}), "has no weights"),
        (_of(weights="network.pt"), "is not valid.*weights"),
        (_of(cite="nobody"), "is not valid.*cite"),
    ],
)
def test_the_first_reason_given_is_one_that_matters(
    package: Path, tmp_path: Path, change: Change, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        import_source(_old(package, tmp_path, change), tmp_path, DEFAULT_IMPORT)


def test_a_description_without_its_files_is_refused_by_name(package: Path, tmp_path: Path) -> None:
    from napari_graft.exchange.formats import import_file

    folder = tmp_path / "unpacked"
    folder.mkdir()
    (folder / "rdf.yaml").write_text(yaml.safe_dump(_old_description()))

    for path in (folder, folder / "rdf.yaml"):
        with pytest.raises(InputError, match="not in it: download the whole package"):
            import_file(path, tmp_path, DEFAULT_IMPORT)


def test_a_description_may_refer_to_parts_of_itself_but_not_without_end(
    package: Path, tmp_path: Path
) -> None:
    shared = yaml.safe_dump(_old_description(), sort_keys=False)
    axes, size = "  axes: bcyx", "[1, 1, 32, 32]"
    shared = shared.replace(axes, "  axes: &axes bcyx", 1).replace(f"{axes}\n", "  axes: *axes\n", 1)
    assert "*axes" in shared

    def described(text: str, name: str) -> Path:
        return rezip(package, tmp_path / name, lambda files: files.update({"rdf.yaml": text.encode()}))

    assert _spec(described(shared, "shared.zip"), tmp_path).ndim == 2
    laughs = [f"l{i}: &l{i} [{', '.join([f'*l{i - 1}'] * 9) if i else size}]" for i in range(9)]
    for text in ("\n".join(laughs), "itself: &itself [*itself]"):
        with pytest.raises(InputError, match="YAML aliases"):
            import_source(described(f"{shared}\n{text}\n", "immense.zip"), tmp_path, DEFAULT_IMPORT)


def test_a_description_that_is_a_list_is_refused(package: Path, tmp_path: Path) -> None:
    def listed(files: dict[str, bytes]) -> None:
        files["rdf.yaml"] = b"- a\n- b\n"

    with pytest.raises(InputError, match="is not valid"):
        import_source(rezip(package, tmp_path / "list.zip", listed), tmp_path, DEFAULT_IMPORT)


def test_outputs_of_another_size_are_refused_where_the_description_says_so(
    package: Path, tmp_path: Path
) -> None:
    def twice(description: dict[str, Any]) -> None:
        description["outputs"][0]["shape"]["scale"] = [1, 1, 2, 2]

    with pytest.raises(InputError, match="another size than the image"):
        import_source(_old(package, tmp_path, twice), tmp_path, DEFAULT_IMPORT)
