from __future__ import annotations

import hashlib
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from foreign import Bright, Constant, program_of
from torch import nn

from napari_graft.core.errors import InputError
from napari_graft.exchange import torchscript_file
from napari_graft.exchange.add import add_source
from napari_graft.inference.predictor import Predictor
from napari_graft.session.models import model_of_source
from napari_graft.sources import torchscript
from napari_graft.sources.catalogue import Catalogue
from napari_graft.sources.foreign_spec import ForeignSpec
from napari_graft.sources.network_spec import ModelSpec
from napari_graft.sources.torchscript import check_torchscript

CPU = torch.device("cpu")


def _write(folder: Path, data: bytes, **spec: object) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "network.pt").write_bytes(data)
    card = {
        "id": "theirs",
        "title": "Theirs",
        "structure": "nuclei",
        "license": "MIT",
        "spec": {"architecture": "torchscript", "outputs": ["foreground", "boundary"], "activation": "logit"}
        | spec,
        "weights_sha256": hashlib.sha256(data).hexdigest(),
    }
    (folder / "card.json").write_text(json.dumps(card))
    return folder / "network.pt"


def test_a_torchscript_file_with_its_card_beside_it_is_added(tmp_path: Path) -> None:
    source = add_source(_write(tmp_path / "a", program_of(Bright())), tmp_path / "home")

    assert isinstance(source.card.spec, ForeignSpec)
    assert Predictor(model_of_source(source).network, CPU).predict_array(
        np.zeros((40, 50), np.float32)
    ).shape == (
        1 + len(source.card.spec.offsets),
        40,
        50,
    )


@pytest.mark.usefixtures("single_precision")
def test_an_exported_network_of_ours_answers_as_before_at_any_size(tmp_path: Path) -> None:
    ours = Catalogue().get("tiny-nuclei")
    torchscript_file.write(ours, tmp_path / "ours.pt")

    theirs = add_source(tmp_path / "ours.pt", tmp_path / "home")

    assert isinstance(ours.card.spec, ModelSpec)
    assert isinstance(theirs.card.spec, ForeignSpec)
    assert not theirs.card.spec.is_trainable
    assert theirs.card.license == ours.card.license
    first, second = (Predictor(model_of_source(one).network, CPU) for one in (ours, theirs))
    rng = np.random.default_rng(0)
    for shape in ((16, 16), (64, 96), (50, 131)):
        image = rng.uniform(-1.2, 1.2, shape).astype(np.float32)
        np.testing.assert_allclose(second.predict_array(image), first.predict_array(image), atol=1e-5)


def test_what_a_network_of_ours_is_shown_goes_with_it() -> None:
    spec = ModelSpec(pixel_size=(8, 8), object_diameter=24, contrast_window=48, inverted=True)
    traced = torchscript_file.spec_of_traced(spec)
    for name in ("offsets", "pixel_size", "object_diameter", "contrast_window", "inverted"):
        assert getattr(traced, name) == getattr(spec, name)


def test_a_file_without_or_with_another_card_is_refused(tmp_path: Path) -> None:
    (tmp_path / "alone.pt").write_bytes(program_of(Bright()))
    with pytest.raises(InputError, match="comes without a card"):
        add_source(tmp_path / "alone.pt", tmp_path / "home")

    other = _write(tmp_path / "a", program_of(Bright()))
    other.write_bytes(program_of(Constant(0.5)))
    with pytest.raises(InputError, match="checksum"):
        add_source(other, tmp_path / "home")


class _Writes(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        torch.save(x, "/tmp/graft-test-written")
        return x


class _Maps(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + torch.from_file("/etc/hostname", False, 4)


@pytest.mark.parametrize("module", [_Writes(), _Maps()])
def test_a_program_that_touches_files_is_refused_and_never_loaded(
    tmp_path: Path, module: nn.Module, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = program_of(module)
    monkeypatch.setattr(torch.jit, "load", lambda *a, **k: pytest.fail("it was loaded"))

    with pytest.raises(InputError, match="could touch your files"):
        add_source(_write(tmp_path / "a", data), tmp_path / "home")


def test_code_behind_escapes_and_while_loading_is_found(tmp_path: Path) -> None:
    for hidden in ('getattr(torch, "s\\x61ve")', "def __setstate__(self, state):", "ops.evil.run(x)"):
        path = tmp_path / "x.pt"
        with zipfile.ZipFile(path, "w") as archive:
            for name in ("data.pkl", "constants.pkl", "version"):
                archive.writestr(f"x/{name}", b"x")
            archive.writestr("x/code/__torch__/n.py", f"  y = {hidden}\n")
        with pytest.raises(InputError, match="the program in"):
            check_torchscript(path.read_bytes(), "the file")


def test_truncated_flipped_and_immense_archives_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = program_of(Bright())
    for kept in (len(data) // 2, len(data) - 4):
        with pytest.raises(InputError, match="damaged"):
            check_torchscript(data[:kept], "the file")
    flipped = bytearray(data)
    flipped[data.index(b"PK\x01\x02") // 2] ^= 1
    with pytest.raises(InputError, match=r"damaged|no TorchScript"):
        check_torchscript(bytes(flipped), "the file")
    with zipfile.ZipFile(tmp_path / "bomb.pt", "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("x/data.pkl", "x/constants.pkl", "x/code/n.py"):
            archive.writestr(name, b"x")
        with archive.open("x/data/0", "w", force_zip64=True) as file:
            file.write(bytes(2**21))
    monkeypatch.setattr(torchscript, "MAX_BYTES", 2**20)
    with pytest.raises(InputError, match="would unpack to"):
        check_torchscript((tmp_path / "bomb.pt").read_bytes(), "the file")


def test_a_spec_whose_outputs_are_not_those_of_the_network_is_refused(tmp_path: Path) -> None:
    path = _write(tmp_path / "a", program_of(Bright()), outputs=["foreground"])

    with pytest.raises(InputError, match="answers with 2 channels where its card names 1"):
        add_source(path, tmp_path / "home")
    assert not (tmp_path / "home" / "sources").exists()
