"""DM3 and DM4 files as DigitalMicrograph writes them, and broken ones."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from nionswift_plugin.DM_IO import parse_dm3

from fuzzing import fuzz_file
from napari_graft.core.errors import InputError
from napari_graft.core.tile import Tile
from napari_graft.io import Volume, open_volume
from napari_graft.io.readers import digital_micrograph

STACK = np.random.default_rng(1).integers(0, 250, (5, 40, 50))
TYPES = {
    "i2": 1,
    "f4": 2,
    "c8": 3,
    "u1": 6,
    "i4": 7,
    "i1": 9,
    "u2": 10,
    "u4": 11,
    "f8": 12,
    "c16": 13,
    "?": 14,
}
XY_NM = [(4.0, "nm"), (4.0, "nm")]
Tags = dict[str, Any]


def image(data: np.ndarray[Any, Any], sizes: Any = (), **changed: Any) -> Tags:
    """Return an entry of the list of images; sizes are those of x, y and z."""
    kind = data.dtype.str[1:].replace("b1", "?")
    if data.dtype.kind == "c":
        stored: Any = parse_dm3.StructArray("ff" if kind == "c8" else "dd")
        stored.raw_data = data.tobytes()
    else:
        stored = parse_dm3.DataChunkWriter(data.view("i1") if data.itemsize == 1 else data)
    content: Tags = {"Data": stored, "DataType": TYPES[kind], "Dimensions": list(data.shape[::-1])}
    content |= {"PixelDepth": data.itemsize, **changed}
    if sizes:
        dimensions = [{"Origin": 0.0, "Scale": scale, "Units": unit} for scale, unit in sizes]
        content["Calibrations"] = {"Dimension": dimensions}
    return {"ImageData": content, "ImageTags": {"Microscope Info": {"Name": "a"}}}


def thumbnail() -> Tags:
    return image(np.full((60, 70), 7, np.int32), DataType=23)


def write(path: Path, *images: Tags, **tags: Any) -> Path:
    with path.open("wb") as file:
        parse_dm3.dm_write_header(
            file, int(path.suffix[-1]), {"ImageList": list(images), "InImageMode": True} | tags
        )
    return path


def all_pixels(volume: Volume) -> np.ndarray[Any, Any]:
    return volume.read_raw(Tile((0,) * len(volume.shape), volume.shape))


@pytest.mark.parametrize("suffix", ["dm3", "dm4"])
@pytest.mark.parametrize("dtype", ["i1", "u1", "i2", "u2", "i4", "u4", "f4", "f8"])
def test_a_stack_is_read_with_its_type_and_size(tmp_path: Path, dtype: str, suffix: str) -> None:
    pixels = (STACK - (128 if dtype == "i1" else 0)).astype(dtype)
    volume = open_volume(write(tmp_path / f"a.{suffix}", image(pixels, [*XY_NM, (40.0, "nm")])))
    assert (volume.axes.names, volume.dtype) == (("z", "y", "x"), np.dtype(dtype))
    np.testing.assert_array_equal(all_pixels(volume), pixels)
    assert volume.axes.pixel_size_in("nm") == pytest.approx((40, 4, 4))
    assert volume.size_note.origin == f"the header of the {suffix.upper()} file"


@pytest.mark.parametrize("suffix", ["dm3", "DM4"])
def test_an_image_smaller_than_its_thumbnail_is_taken(tmp_path: Path, suffix: str) -> None:
    small = image(STACK[0].astype("u2"), [(0.5, "µm"), (0.25, "µm")])
    path = write(tmp_path / f"a.{suffix}", thumbnail(), small, Thumbnails=[{"ImageIndex": 0}])
    volume = open_volume(path)
    assert (volume.axes.names, volume.shape, volume.notes) == (("y", "x"), (40, 50), ())
    np.testing.assert_array_equal(all_pixels(volume), STACK[0])
    assert volume.axes.pixel_size_in("nm") == pytest.approx((250, 500))


def test_a_thumbnail_that_is_not_listed_as_one_is_left_for_the_grey_image(tmp_path: Path) -> None:
    volume = open_volume(write(tmp_path / "a.dm3", thumbnail(), image(STACK[0].astype("u2"))))
    np.testing.assert_array_equal(all_pixels(volume), STACK[0])


def test_of_several_images_the_largest_is_taken_and_this_is_told(tmp_path: Path) -> None:
    volume = open_volume(write(tmp_path / "a.dm4", image(STACK.astype("u1")), image(STACK[0].astype("u2"))))
    assert volume.shape == STACK.shape
    assert "of its 2 images the largest is used" in " ".join(volume.notes)


@pytest.mark.parametrize(
    ("sizes", "doubt"),
    [
        ([], ""),
        ([(1.0, "")] * 3, ""),
        ([*XY_NM, (1.0, "")], "the header of the DM4 file says y 4 nm, x 4 nm, and nothing of z"),
        ([(0.02, "1/nm"), (0.02, "1/nm"), (1.0, "")], "'1/nm', which is not known as a unit"),
        ([(4.0, ""), (4.0, ""), (4.0, "")], "without a unit"),
        ([(1e-5, "nm")] * 3, "too fine"),
        ([(-4.0, "nm")] * 3, "which no pixel is"),
        ([(float("nan"), "nm")] * 3, "which no pixel is"),
        ([(0.0, "nm")] * 3, "which no pixel is"),
        ([(4.0, "nm")] * 2, "nothing of z"),
    ],
)
def test_a_size_that_nobody_measured_is_not_used(tmp_path: Path, sizes: Any, doubt: str) -> None:
    volume = open_volume(write(tmp_path / "a.dm4", image(STACK.astype("u1"), sizes)))
    assert volume.axes.pixel_size is None
    assert doubt in volume.size_note.doubt
    assert bool(doubt) == bool(volume.size_note.doubt)


def test_a_length_in_single_precision_has_seven_digits(tmp_path: Path) -> None:
    sizes = [(float(np.float32(4.2)), "nm")] * 2
    assert open_volume(write(tmp_path / "a.dm3", image(STACK[0].astype("u1"), sizes))).axes.pixel_size == (
        4.2,
        4.2,
    )


def test_a_recording_over_time_is_no_volume(tmp_path: Path) -> None:
    path = write(tmp_path / "a.dm4", image(STACK.astype("u1"), [*XY_NM, (0.1, "s")]))
    with pytest.raises(InputError, match="time"):
        open_volume(path)


def test_spectra_are_refused(tmp_path: Path) -> None:
    by_unit = image(STACK.astype("f4"), [*XY_NM, (0.5, "eV")])
    by_format = image(STACK.astype("f4")) | {"ImageTags": {"Meta Data": {"Format": "Spectrum image"}}}
    for found in (by_unit, by_format):
        with pytest.raises(InputError, match="spectra, not images"):
            open_volume(write(tmp_path / "a.dm4", found))


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (image(STACK.astype("c8")), "complex"),
        (image(STACK.astype("c16")), "complex"),
        (image(STACK > 99), "true and false"),
        (thumbnail(), "type 23, not grey"),
        (image(STACK.reshape(5, 40, 5, 10).astype("u1")), "4 axes"),
        (image(STACK.ravel().astype("u1")), "1 axes"),
        (image(STACK.astype("u1"), Dimensions=[50, 40, 6]), "holds 10000 bytes"),
        (image(STACK.astype("u1"), Dimensions=[50, 40, 2**31 - 9]), "holds 10000 bytes"),
        (image(STACK.astype("u1"), Dimensions=[-50, -40, 5]), "says shape"),
        (image(STACK.astype("u1"), Dimensions=[]), "says shape"),
        (image(STACK.astype("u1"), DataType=10), "holds 10000 bytes"),
        ({"ImageTags": {}}, "holds no image"),
    ],
)
def test_what_is_no_grey_image_is_refused_in_words(tmp_path: Path, found: Tags, words: str) -> None:
    with pytest.raises(InputError, match=words):
        open_volume(write(tmp_path / "a.dm4", found))


@pytest.mark.parametrize("suffix", ["dm3", "dm4"])
def test_a_file_cut_anywhere_is_refused_and_nothing_is_printed(
    tmp_path: Path, suffix: str, capfd: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path / f"a.{suffix}", image(STACK[0, :9, :9].astype("u2"), XY_NM))
    content = path.read_bytes()
    for n in range(1, len(content), 3):
        path.write_bytes(content[:n])
        with pytest.raises(InputError, match=r"a\.dm. is cut short or damaged: .*Fiji"):
            open_volume(path)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("content", [b"II*\0" + bytes(99), b"\0\0\0\5" + bytes(99), b"\0\0\0\4" + bytes(99)])
def test_another_kind_of_file_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.dm4").write_bytes(content)
    with pytest.raises(InputError, match=r"cannot be read as DM4: .*Fiji"):
        open_volume(tmp_path / "a.dm4")


def test_a_file_too_large_to_be_read_whole_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.dm4", image(STACK.astype("u1")))
    with path.open("r+b") as file:
        file.truncate(digital_micrograph.LARGEST_BYTES + 1)  # a hole: nothing is written
    with pytest.raises(InputError, match=r"has 2\.0 GiB, and DM4 files are read whole.*Fiji"):
        open_volume(path)


@pytest.mark.parametrize("suffix", ["dm3", "dm4"])
def test_any_damage_ends_in_words(tmp_path: Path, suffix: str) -> None:
    path = write(
        tmp_path / f"a.{suffix}",
        thumbnail(),
        image(STACK[:2].astype("u2"), XY_NM),
        Thumbnails=[{"ImageIndex": 0}],
    )
    assert fuzz_file(path, lambda one: all_pixels(open_volume(one)), n=150) > 0


def test_files_of_both_versions_can_be_read_at_the_same_time(tmp_path: Path) -> None:
    many = [{"Some Number": n, "More": [1.0] * 20} for n in range(200)]
    paths = [write(tmp_path / f"a.dm{n}", image(STACK.astype("u1")), Other=many) for n in (3, 4)]
    shapes: list[tuple[int, ...]] = []

    def read(path: Path) -> None:
        shapes.extend(open_volume(path).shape for _ in range(10))

    threads = [threading.Thread(target=read, args=(path,)) for path in paths]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert shapes == [STACK.shape] * 20
