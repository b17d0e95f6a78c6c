from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_loop import PIXEL_NM, make_annotated

from napari_graft.core.errors import InputError
from napari_graft.core.progress import CancelToken, ignore_progress
from napari_graft.project.opening import open_project
from napari_graft.segmentation.settings import DecodeSettings
from napari_graft.session.models import decode_settings, fresh_spec, load_model
from napari_graft.session.projects.creation import ImageOptions, make_project
from napari_graft.session.ranking.rank import rank_sources, unseen_sources
from napari_graft.session.sources import add_to_user, export_reference
from napari_graft.session.training import fitting
from napari_graft.session.training.fitting import Budget
from napari_graft.session.training.train import TrainingTask
from napari_graft.sources.catalogue import Catalogue
from napari_graft.sources.source import open_source


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, image: Path, labels: Path) -> Path:
    folder = tmp_path_factory.mktemp("models") / "My cortex.graft"
    make_annotated(folder, image, labels, structure="nuclei", pixel_size=(PIXEL_NM, PIXEL_NM))
    with open_project(folder, write=True) as project, pytest.MonkeyPatch.context() as patch:
        patch.setattr(fitting, "choose", lambda candidates: candidates[-1])  # else it may stay as it was
        TrainingTask(project, Catalogue(), ignore_progress, CancelToken()).run(
            "tiny-nuclei", Budget(None, 2, "cpu")
        )
    return folder


def _weights(folder: Path, reference: str, seed: int = 0) -> dict[str, torch.Tensor]:
    with open_project(folder) as project:
        return load_model(reference, project, Catalogue(), seed=seed).network.state_dict()


def _same(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> bool:
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


def test_a_run_has_several_names(trained: Path) -> None:
    named = [_weights(trained, name) for name in ("latest", "run 0001", "run 1", f"{trained}:0001")]

    assert all(_same(named[0], other) for other in named[1:])
    assert not _same(named[0], _weights(trained, "tiny-nuclei"))


def test_a_source_is_found_by_id_by_folder_and_by_exported_file(
    trained: Path, sources: Path, tmp_path: Path
) -> None:
    export_reference("tiny-nuclei", tmp_path / "exported.graftsource")

    named = [
        _weights(trained, name)
        for name in ("tiny-nuclei", str(sources / "tiny-nuclei"), str(tmp_path / "exported.graftsource"))
    ]

    assert _same(named[0], named[1])
    assert _same(named[0], named[2])


def test_fresh_weights_follow_their_seed_and_the_pixel_size_of_the_image(trained: Path) -> None:
    assert _same(_weights(trained, "scratch"), _weights(trained, "scratch"))
    assert not _same(_weights(trained, "scratch"), _weights(trained, "scratch", seed=1))
    with open_project(trained) as project:
        assert fresh_spec(project).pixel_size == (PIXEL_NM, PIXEL_NM)


def test_stored_decode_settings_come_back_and_unknown_ones_are_refused() -> None:
    stored = {"foreground_threshold": 0.4, "attraction_bias": 0.1, "min_size": 30.0}

    assert decode_settings(stored) == DecodeSettings(0.4, 0.1, 30)
    with pytest.raises(InputError, match="update napari-graft"):
        decode_settings({"sharpness": 1.0})


def test_an_exported_run_is_a_source_that_others_can_add_and_rank(trained: Path, tmp_path: Path) -> None:
    out = tmp_path / "cortex.graftsource"
    export_reference(f"{trained}:0001", out)

    added = add_to_user(str(out), report=ignore_progress, cancel=CancelToken())
    try:
        assert added.id == "my-cortex-run-0001"
        assert added.card.provenance is not None
        assert (added.card.provenance.parent, added.card.provenance.n_tiles) == ("tiny-nuclei", 2)
        assert added.card.structure == "nuclei"
        assert added.id in [source.id for source in Catalogue().sources()]
        with open_project(trained) as project:
            (ranked,) = rank_sources(
                project, [added], device="cpu", report=ignore_progress, cancel=CancelToken()
            )
            assert added in unseen_sources(project, Catalogue())[1]
        assert ranked.score.verdict == "like its own data"
        half = {name: value.half().float() for name, value in _weights(trained, "latest").items()}
        assert _same(half, _weights(trained, added.id))
    finally:
        shutil.rmtree(added.path)


@pytest.mark.parametrize("run", ["0009", "nine", ""])
def test_a_run_that_is_not_there_is_not_exported(trained: Path, tmp_path: Path, run: str) -> None:
    with pytest.raises(InputError, match=f"no run '{run}'"):
        export_reference(f"{trained}:{run}", tmp_path / "x.graftsource")

    assert not (tmp_path / "x.graftsource").exists()


def test_an_image_smaller_than_a_tile_can_be_exported_from(trained: Path, tmp_path: Path) -> None:
    export_reference(f"{trained}:1", tmp_path / "x.graftsource")

    fingerprint = open_source(tmp_path / "x.graftsource", "file").load_fingerprint()
    assert fingerprint is not None
    assert np.isfinite(fingerprint.mean_embedding).all()


def test_weights_of_a_broken_source_are_never_used(trained: Path, sources: Path, tmp_path: Path) -> None:
    shutil.copytree(sources / "tiny-nuclei", tmp_path / "broken")
    weights = tmp_path / "broken" / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])

    with pytest.raises(InputError, match="checksum"):
        _weights(trained, str(tmp_path / "broken"))


def test_a_project_cannot_be_made_where_something_is(tmp_path: Path, image: Path) -> None:
    (tmp_path / "p.graft").mkdir()
    (tmp_path / "p.graft" / "notes.txt").write_text("mine")

    with pytest.raises(InputError, match="exists already"):
        make_project(tmp_path / "p.graft", ImageOptions(str(image)))

    assert (tmp_path / "p.graft" / "notes.txt").read_text() == "mine"
