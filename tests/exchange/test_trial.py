from __future__ import annotations

import threading
from pathlib import Path

import pytest
import torch
from foreign import Bright, program_of
from torch import nn

from napari_graft.core.errors import Cancelled, InputError
from napari_graft.core.progress import CancelToken
from napari_graft.exchange.sandbox import try_source
from napari_graft.exchange.torchscript_file import write_foreign_source
from napari_graft.sources.card import SourceCard
from napari_graft.sources.source import Source


class _Endless(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        while bool(x.sum() > -1e30):
            x = x + 0.0
        return x


def _source(folder: Path, module: nn.Module, *outputs: str) -> Source:
    folder.mkdir()
    card = SourceCard.model_validate(
        {
            "id": "theirs",
            "title": "Theirs",
            "structure": "nuclei",
            "license": "MIT",
            "spec": {"architecture": "torchscript", "outputs": outputs, "activation": "logit"},
            "weights_sha256": "0" * 64,
        }
    )
    return write_foreign_source(folder, card, program_of(module))


def test_a_process_of_its_own_says_why_a_network_cannot_be_used(tmp_path: Path, own_process: None) -> None:
    try_source(_source(tmp_path / "a", Bright(), "foreground", "boundary"), CancelToken())

    with pytest.raises(InputError, match="answers with 2 channels where its card names 1"):
        try_source(_source(tmp_path / "b", Bright(), "foreground"), CancelToken())


def test_a_network_that_never_ends_is_stopped_on_request(tmp_path: Path, own_process: None) -> None:
    cancel = CancelToken()
    timer = threading.Timer(1.0, cancel.cancel)
    timer.start()

    with pytest.raises(Cancelled):
        try_source(_source(tmp_path / "a", _Endless(), "foreground"), cancel)
    timer.join()
