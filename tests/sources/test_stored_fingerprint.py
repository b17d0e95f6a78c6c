from __future__ import annotations

import numpy as np
import pytest

from napari_graft.core.errors import InputError
from napari_graft.sources.fingerprint import Fingerprint


def example() -> Fingerprint:
    return Fingerprint(
        encoder="ab" * 32,
        n=20,
        bandwidth=3.5,
        location=np.zeros(3, np.float32),
        scale=np.ones(3, np.float32),
        seed=7,
        check=1.25,
        mean_embedding=np.full(8, 0.1, np.float32),
        null_sizes=(4, 8),
        null_draws=np.sort(np.random.default_rng(0).normal(size=(2, 10)).astype(np.float32)),
    )


def test_a_fingerprint_survives_a_safetensors_file(tmp_path):
    numpy_tensors = pytest.importorskip("safetensors.numpy")
    before = example()
    numpy_tensors.save_file(
        before.to_tensors() | {"weight": np.zeros(2, np.float32)}, tmp_path / "a.safetensors"
    )
    after = Fingerprint.from_tensors(numpy_tensors.load_file(tmp_path / "a.safetensors"))
    for name in Fingerprint.__slots__:
        np.testing.assert_array_equal(getattr(after, name), getattr(before, name))
    assert after.n_features == 3


def test_tensors_without_a_fingerprint_are_named_as_such():
    with pytest.raises(InputError, match="no fingerprint here"):
        Fingerprint.from_tensors({"weight": np.zeros(3)})


@pytest.mark.parametrize("name", sorted(example().to_tensors()))
def test_a_missing_part_is_refused(name):
    tensors = example().to_tensors()
    del tensors[name]
    with pytest.raises(InputError, match="fingerprint"):
        Fingerprint.from_tensors(tensors)


@pytest.mark.parametrize(("version", "remedy"), [(1, "make it anew"), (3, "update napari-graft")])
def test_another_format_is_refused_with_what_to_do(version: int, remedy: str) -> None:
    tensors = example().to_tensors() | {"fingerprint.format_version": np.array(version)}
    with pytest.raises(InputError, match=f"version {version}.*{remedy}"):
        Fingerprint.from_tensors(tensors)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("n", np.array(1)),
        ("bandwidth", np.array(0.0)),
        ("bandwidth", np.array(np.nan)),
        ("location", np.full(3, np.nan, np.float32)),
        ("scale", np.zeros(3, np.float32)),
        ("scale", np.ones(4, np.float32)),
        ("check", np.array(np.inf)),
        ("mean_embedding", np.ones((2, 2), np.float32)),
        ("null_sizes", np.array([8, 4])),
        ("null_sizes", np.array([], np.int64)),
        ("null_draws", np.array([[1.0, 0.0], [0.0, 1.0]], np.float32)),
        ("null_draws", np.zeros((3, 10), np.float32)),
    ],
)
def test_impossible_numbers_are_named(name, value):
    with pytest.raises(InputError, match=name):
        Fingerprint.from_tensors(example().to_tensors() | {f"fingerprint.{name}": value})


def test_a_tensor_of_the_wrong_shape_is_refused():
    with pytest.raises(InputError, match="make it anew"):
        Fingerprint.from_tensors(example().to_tensors() | {"fingerprint.n": np.array([1, 2])})
