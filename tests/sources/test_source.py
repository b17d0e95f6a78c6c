from __future__ import annotations

import hashlib
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from napari_graft.core.errors import InputError
from napari_graft.sources.fingerprint import Fingerprint
from napari_graft.sources.source import export_source, open_source

MakeSource = Callable[..., Path]


def _places(folder: Path) -> list[Path]:
    """The same source as a folder, as one file, and as bare weights beside their card."""
    exported = folder.parent / "one.graftsource"
    export_source(open_source(folder, "user"), exported)
    return [folder, exported, folder / "weights.safetensors"]


def test_weights_and_fingerprint_load_alike_from_all_kinds_of_place(
    tmp_path: Path, make_source: MakeSource, weights: dict[str, np.ndarray], fingerprint: Fingerprint
) -> None:
    for place in _places(make_source(tmp_path, "one")):
        source = open_source(place, "file")
        loaded = source.load_weights()
        remembered = source.load_fingerprint()

        assert source.id == "one"
        assert loaded.keys() == weights.keys()
        assert loaded["stem.weight"].dtype == np.float32
        assert loaded["n"].dtype == weights["n"].dtype
        np.testing.assert_array_equal(loaded["stem.weight"], weights["stem.weight"])
        assert remembered is not None
        np.testing.assert_array_equal(remembered.mean_embedding, fingerprint.mean_embedding)


def test_a_source_without_a_fingerprint_says_so(tmp_path: Path, make_source: MakeSource) -> None:
    for place in _places(make_source(tmp_path, "one", fingerprint=False)):
        assert open_source(place, "file").load_fingerprint() is None


def test_weights_that_are_not_those_of_the_card_are_refused(tmp_path: Path, make_source: MakeSource) -> None:
    folder = make_source(tmp_path, "one")
    data = bytearray((folder / "weights.safetensors").read_bytes())
    data[-1] ^= 1
    (folder / "weights.safetensors").write_bytes(data)
    source = open_source(folder, "user")

    with pytest.raises(InputError, match="checksum"):
        source.load_weights()
    with pytest.raises(InputError, match="checksum"):
        export_source(source, tmp_path / "out.graftsource")
    assert not (tmp_path / "out.graftsource").exists()


def test_truncated_weights_are_refused(tmp_path: Path, make_source: MakeSource) -> None:
    folder = make_source(tmp_path, "one")
    data = (folder / "weights.safetensors").read_bytes()
    (folder / "weights.safetensors").write_bytes(data[: len(data) // 2])

    with pytest.raises(InputError, match="checksum"):
        open_source(folder, "user").load_weights()


class _Bomb:
    def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
        return pytest.fail, ("a pickle was loaded",)


def test_a_pickle_in_place_of_weights_or_fingerprint_is_never_loaded(
    tmp_path: Path, make_source: MakeSource
) -> None:
    bomb = pickle.dumps(_Bomb())
    digest = hashlib.sha256(bomb).hexdigest()
    folder = make_source(tmp_path, "one", weights_sha256=digest)
    (folder / "weights.safetensors").write_bytes(bomb)
    (folder / "fingerprint.safetensors").write_bytes(bomb)

    for place in _places(folder):
        source = open_source(place, "file")
        with pytest.raises(InputError, match="never loaded") as caught:
            source.load_weights()
        with pytest.raises(InputError, match="never loaded"):
            source.load_fingerprint()
        assert str(place) in str(caught.value)


def test_missing_weights_are_told_on_opening(tmp_path: Path, make_source: MakeSource) -> None:
    folder = make_source(tmp_path, "one")
    (folder / "weights.safetensors").unlink()

    with pytest.raises(InputError, match="weights of source 'one' are missing"):
        open_source(folder, "user")


def test_a_folder_or_file_without_a_card_is_no_source(tmp_path: Path, make_source: MakeSource) -> None:
    folder = make_source(tmp_path, "one")
    (folder / "card.json").unlink()

    for place in (folder, folder / "weights.safetensors"):
        with pytest.raises(InputError, match=r"card\.json is missing"):
            open_source(place, "file")


def test_loading_leaves_nothing_in_the_temporary_folder(
    tmp_path: Path, make_source: MakeSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))

    open_source(make_source(tmp_path, "one"), "user").load_weights()

    assert not list(temporary.iterdir())
