"""Weights: what was saved comes back, and nothing but safetensors is ever loaded."""

from __future__ import annotations

import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from napari_graft.core.errors import InputError
from napari_graft.io.weights import load_tensors, save_tensors

arrays = hnp.arrays(
    st.sampled_from([np.float16, np.float32, np.float64, np.int64, np.uint8]),
    hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4),
)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


names = texts.filter(lambda name: name != "__metadata__")


@settings(deadline=None, max_examples=30)
@given(st.dictionaries(names, arrays, min_size=1, max_size=3), st.dictionaries(texts, texts, max_size=3))
def test_arrays_and_metadata_come_back(
    tmp_path_factory: pytest.TempPathFactory, tensors: dict[str, np.ndarray], metadata: dict[str, str]
) -> None:
    path = tmp_path_factory.mktemp("weights") / "a.safetensors"
    save_tensors(path, tensors, metadata)
    loaded, words = load_tensors(path)
    assert words == metadata
    assert loaded.keys() == tensors.keys()
    for name, tensor in tensors.items():
        assert loaded[name].dtype == tensor.dtype
        np.testing.assert_array_equal(loaded[name], tensor)


def test_arrays_in_another_memory_order_come_back(tmp_path: Path) -> None:
    kernel = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    save_tensors(tmp_path / "a", {"t": kernel.T, "step": kernel[:, ::2]}, {})
    loaded, _ = load_tensors(tmp_path / "a")
    np.testing.assert_array_equal(loaded["t"], kernel.T)
    np.testing.assert_array_equal(loaded["step"], kernel[:, ::2])


class Trap:
    """Leave a trace when unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[Path]]:
        return Path.touch, (self.path,)


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_a_pickle_is_refused_and_not_loaded(tmp_path: Path, protocol: int) -> None:
    (tmp_path / "a.safetensors").write_bytes(pickle.dumps(Trap(tmp_path / "trace"), protocol))
    with pytest.raises(InputError, match="are a pickle, which could run code and is never loaded"):
        load_tensors(tmp_path / "a.safetensors")
    assert not (tmp_path / "trace").exists()


def test_a_zip_archive_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.pt", "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps(Trap(tmp_path / "trace")))
    with pytest.raises(InputError, match="are a zip archive, perhaps a PyTorch checkpoint"):
        load_tensors(tmp_path / "a.pt")
    assert not (tmp_path / "trace").exists()


def test_a_file_that_was_cut_short_anywhere_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    save_tensors(path, {"kernel": np.arange(50, dtype=np.float32)}, {"id": "a"})
    content = path.read_bytes()
    for n_left in range(1, len(content)):
        path.write_bytes(content[:n_left])
        with pytest.raises(InputError, match="are truncated or no safetensors file: make a new copy"):
            load_tensors(path)


def test_missing_and_empty_weights_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="do not exist"):
        load_tensors(tmp_path / "gone")
    (tmp_path / "empty").touch()
    with pytest.raises(InputError, match="are empty"):
        load_tensors(tmp_path / "empty")


def test_numbers_that_numpy_lacks_are_refused(tmp_path: Path) -> None:
    header = b'{"kernel":{"dtype":"BF16","shape":[2],"data_offsets":[0,4]}}'
    (tmp_path / "a").write_bytes(len(header).to_bytes(8, "little") + header + bytes(4))
    with pytest.raises(InputError, match=r"numbers that numpy lacks.*float16 or float32"):
        load_tensors(tmp_path / "a")
