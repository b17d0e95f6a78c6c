from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest
from bioimageio.core import predict, test_model
from bioimageio.spec import load_model_description
from foreign import grey_image, rezip

from napari_graft.core.progress import CancelToken
from napari_graft.core.tile import Tile
from napari_graft.exchange.add import add_source
from napari_graft.exchange.bioimageio import write as bioimageio_write
from napari_graft.nets.build import trainable
from napari_graft.session.models import model_of_source
from napari_graft.session.prediction import segment_tiles
from napari_graft.session.projects.creation import ImageOptions, make_project
from napari_graft.sources.archive import MEMBER_LIMITS
from napari_graft.sources.card import SourceCard
from napari_graft.sources.catalogue import Catalogue
from napari_graft.sources.foreign_spec import ForeignSpec

test_model.__test__ = False  # it is a function of theirs and no test


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("written") / "nuclei.zip"
    bioimageio_write.write(Catalogue().get("tiny-nuclei"), out)
    return out


def test_the_package_passes_the_test_of_bioimageio_core(package: Path) -> None:
    summary = test_model(package, weight_format="torchscript", devices=["cpu"])

    assert summary.status == "passed", summary.format()


def test_the_package_tells_the_words_of_the_card(package: Path) -> None:
    model = load_model_description(package, format_version="latest", perform_io_checks=False)

    assert model.name == "Source tiny-nuclei"
    assert str(model.license) == "CC0-1.0"
    assert "nuclei" in model.tags
    channels = model.outputs[0].axes[1].channel_names
    assert channels[:2] == ["foreground", "affinity_m1_0"]
    with zipfile.ZipFile(package) as archive:
        assert b"# Validation" in archive.read("README.md")


def test_the_package_comes_back_as_the_source_that_it_was(package: Path, tmp_path: Path, image: Path) -> None:
    ours = Catalogue().get("tiny-nuclei")

    back = add_source(package, tmp_path)

    assert back.read_files() == ours.read_files()
    models = [model_of_source(one) for one in (ours, back)]
    assert trainable(models[1].network, "it").spec == ours.card.spec
    with make_project(tmp_path / "p.graft", ImageOptions(str(image))) as project:
        tiles = [Tile((0, 0), (128, 128))]
        first, second = (
            segment_tiles(project, model, tiles, device="cpu", cancel=CancelToken()) for model in models
        )
    np.testing.assert_array_equal(first[0], second[0])
    assert first[0].max() > 0


def test_without_its_attachments_it_is_a_finished_network_that_answers_the_same(
    package: Path, tmp_path: Path
) -> None:
    def strip(files: dict[str, bytes]) -> None:
        for name in MEMBER_LIMITS:
            files.pop(name, None)

    bare = add_source(rezip(package, tmp_path / "bare.zip", strip), tmp_path / "home")

    assert isinstance(bare.card.spec, ForeignSpec)
    assert bare.card.structure == "nuclei"
    shown = grey_image((64, 64)).astype(np.float32)
    model = load_model_description(package, format_version="latest", perform_io_checks=False)
    theirs = predict(model=model, inputs={"image": shown}).members["maps"].data.to_numpy()
    import torch

    from napari_graft.imaging.intensity import IntensityRange

    low, high = np.percentile(shown, (0.5, 99.5))
    network = model_of_source(bare).network
    with torch.inference_mode():
        ours = network.ask(torch.from_numpy(IntensityRange(low, high).normalise(shown))).numpy()
    np.testing.assert_allclose(ours, theirs, atol=1e-4)


def test_an_imported_network_can_be_passed_on(bright_package: Path, tmp_path: Path) -> None:
    source = add_source(bright_package, tmp_path / "home")
    bioimageio_write.write(source, tmp_path / "again.zip")

    again = add_source(tmp_path / "again.zip", tmp_path / "other")

    assert again.card.spec == source.card.spec
    assert test_model(tmp_path / "again.zip", devices=["cpu"]).status == "passed"


@pytest.mark.parametrize(
    ("words", "research_only", "expected"),
    [
        ("BSD-3-Clause (HHMI)", False, "BSD-3-Clause"),
        ("CC0-1.0 and MIT", False, "LICENSE.md"),
        ("MIT", True, "LICENSE.md"),
        ("research use only: unknown, cite", True, "LICENSE.md"),
        ("non-commercial (Apache-2.0 with Commons Clause)", False, "LICENSE.md"),
    ],
)
def test_a_licence_becomes_an_identifier_only_where_it_says_it_all(
    words: str, research_only: bool, expected: str
) -> None:
    from napari_graft.exchange.bioimageio.write import license_of

    card = Catalogue().get("tiny-nuclei").card
    changed: SourceCard = card.model_copy(update={"license": words, "research_only": research_only})

    assert str(license_of(changed)) == expected
