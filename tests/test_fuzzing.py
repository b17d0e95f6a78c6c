"""The damage that other tests do to files: the same for the same seed, and what a fault looks like."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from fuzzing import fuzz_file, limited_memory, limited_time, mutate, refuses_or_reads
from napari_graft.core.errors import InputError

CONTENT = bytes(range(256)) * 4


def test_the_same_seed_does_the_same_damage() -> None:
    assert [mutate(CONTENT, seed) for seed in range(50)] == [mutate(CONTENT, seed) for seed in range(50)]
    assert len({mutate(CONTENT, seed) for seed in range(50)}) == 50
    assert isinstance(mutate(b"", 0), bytes)


def test_the_original_is_there_again_afterwards(tmp_path: Path) -> None:
    folder = tmp_path / "a"
    folder.mkdir()
    for name in ("one", "two"):
        (folder / name).write_bytes(CONTENT)
    seen = []
    fuzz_file(folder, lambda path: seen.append([(path / name).read_bytes() for name in ("one", "two")]), n=6)
    assert all((one == CONTENT) != (two == CONTENT) for one, two in seen)
    assert (folder / "one").read_bytes() == (folder / "two").read_bytes() == CONTENT


def test_only_words_and_success_are_no_fault() -> None:
    def refuse() -> None:
        raise InputError("it is damaged: make a new copy")

    def fail() -> None:
        raise ZeroDivisionError("division by zero")

    assert refuses_or_reads(lambda: None, "good")
    assert not refuses_or_reads(refuse, "bad")
    with pytest.raises(AssertionError, match=r"seed 3: ZeroDivisionError"):
        refuses_or_reads(fail, "seed 3")


def test_a_hang_and_a_glutton_are_stopped() -> None:
    with pytest.raises(BaseException, match="no end within"), limited_time(0.05):
        while True:
            time.monotonic()
    with pytest.raises(MemoryError), limited_memory(1 << 28):
        bytearray(1 << 30)
