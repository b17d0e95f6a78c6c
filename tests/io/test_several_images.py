"""Files of several images, or of several files: which is used is said, and another can be chosen."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import tifffile
import zarr

from napari_graft.core.errors import InputError
from napari_graft.core.tile import Tile
from napari_graft.io import Volume, open_volume

STACK = np.random.default_rng(0).integers(1, 255, (5, 24, 30)).astype(np.uint8)
SMALL = STACK[0, :8, :9]


def read(volume: Volume) -> np.ndarray[Any, Any]:
    return volume.read_raw(Tile((0,) * len(volume.shape), volume.shape))


@pytest.mark.parametrize("is_ome", [False, True])
@pytest.mark.parametrize("is_first", [False, True])
def test_the_largest_image_of_a_tiff_is_used_and_the_others_can_be_chosen(
    tmp_path: Path, is_ome: bool, is_first: bool
) -> None:
    path = tmp_path / ("a.ome.tif" if is_ome else "a.tif")
    order = [("big", STACK), ("thumbnail", SMALL)][:: 1 if is_first else -1]
    with tifffile.TiffWriter(path, ome=is_ome) as tif:
        for name, pixels in order:
            metadata = {"axes": "ZYX"[-pixels.ndim :], "Name": name}
            tif.write(pixels, photometric="minisblack", metadata=metadata)
    volume = open_volume(path)
    np.testing.assert_array_equal(read(volume), STACK)
    index = 0 if is_first else 1
    assert f"of its 2 images the largest is used, ::{index}" in volume.notes[0]
    np.testing.assert_array_equal(read(open_volume(f"{path}::{1 - index}")), SMALL)
    assert open_volume(f"{path}::{index}").notes == ()
    if is_ome:
        np.testing.assert_array_equal(read(open_volume(f"{path}::thumbnail")), SMALL)
    with pytest.raises(InputError, match=r"no image 'label': choose one as .*::NUMBER from 0 .*1 "):
        open_volume(f"{path}::label")


def test_pages_of_different_shapes_are_several_images(tmp_path: Path) -> None:
    with tifffile.TiffWriter(tmp_path / "a.tif") as tif:
        for pixels in (SMALL, STACK[1], np.dstack([STACK[2, :20, :21]] * 3)):
            tif.write(pixels, metadata=None)
    volume = open_volume(tmp_path / "a.tif")
    np.testing.assert_array_equal(read(volume), STACK[1])
    assert "of its 3 images" in volume.notes[0]
    assert open_volume(f"{tmp_path}/a.tif::2").channel_axis == 2


def test_the_full_resolution_of_a_pyramid_is_read(tmp_path: Path) -> None:
    large = np.random.default_rng(1).integers(0, 255, (96, 96)).astype(np.uint8)
    with tifffile.TiffWriter(tmp_path / "a.tif") as tif:
        tif.write(large, subifds=1, tile=(16, 16))
        tif.write(large[::2, ::2], subfiletype=1, tile=(16, 16))
    volume = open_volume(tmp_path / "a.tif")
    np.testing.assert_array_equal(read(volume), large)
    assert volume.notes == ()


def _multi_file_ome(folder: Path, n: int) -> None:
    xml = tifffile.OmeXml()
    xml.addimage("uint8", (n, 24, 30), (n, 1, 1, 24, 30, 1), axes="ZYX")
    ids = [f"urn:uuid:00000000-0000-0000-0000-00000000000{z}" for z in range(n)]
    planes = "".join(
        f'<TiffData FirstZ="{z}" IFD="0" PlaneCount="1">'
        f'<UUID FileName="z{z}.ome.tif">{ids[z]}</UUID></TiffData>'
        for z in range(n)
    )
    text = re.sub(r"<TiffData[^>]*/>|<TiffData.*?</TiffData>", planes, xml.tostring())
    for z in range(n):
        own = re.sub(r'UUID="[^"]*"', f'UUID="{ids[z]}"', text, count=1)
        tifffile.imwrite(folder / f"z{z}.ome.tif", STACK[z], description=own.encode(), metadata=None)


@pytest.mark.parametrize("n_missing", [1, 2, 3])
def test_missing_files_of_a_multi_file_ome_tiff_are_named(tmp_path: Path, n_missing: int) -> None:
    _multi_file_ome(tmp_path, 4)
    np.testing.assert_array_equal(read(open_volume(tmp_path / "z0.ome.tif")), STACK[:4])
    for z in range(1, 1 + n_missing):
        (tmp_path / f"z{z}.ome.tif").unlink()
    names = ", ".join(f"z{z}.ome.tif" for z in range(1, 1 + n_missing))
    with pytest.raises(InputError, match=rf"several files.*{re.escape(names)} (is|are) missing"):
        open_volume(tmp_path / "z0.ome.tif")


def test_nothing_is_printed_about_a_missing_file_but_our_words(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    _multi_file_ome(tmp_path, 2)
    (tmp_path / "z1.ome.tif").unlink()
    with pytest.raises(InputError):
        open_volume(tmp_path / "z0.ome.tif")
    assert capfd.readouterr().err == ""


def _ome_image(group: zarr.Group, pixels: np.ndarray) -> None:
    axes = [{"name": name, "type": "space"} for name in "zyx"[-pixels.ndim :]]
    images = [{"axes": axes, "datasets": [{"path": "0"}]}]
    group.attrs["ome"] = {"version": "0.5", "multiscales": images}
    group.create_array("0", data=pixels)


def test_the_largest_image_that_bio_formats_made_is_used(tmp_path: Path) -> None:
    root = zarr.create_group(tmp_path / "a.zarr", attributes={"ome": {"bioformats2raw.layout": 3}})
    for name, pixels in (("0", SMALL), ("1", STACK)):
        _ome_image(root.create_group(name), pixels)
    volume = open_volume(tmp_path / "a.zarr")
    np.testing.assert_array_equal(read(volume), STACK)
    assert "of its 2 images the largest is used, ::1" in volume.notes[0]
    np.testing.assert_array_equal(read(open_volume(f"{tmp_path}/a.zarr::0")), SMALL)
    with pytest.raises(InputError, match=r"holds no '7': choose one of 0, 1"):
        open_volume(f"{tmp_path}/a.zarr::7")


def test_several_images_in_one_group_are_chosen_by_number_or_name(tmp_path: Path) -> None:
    images = [
        {"name": name, "axes": ["z", "y", "x"][-pixels.ndim :], "datasets": [{"path": name}]}
        for name, pixels in (("raw", STACK), ("mip", SMALL))
    ]
    group = zarr.create_group(tmp_path / "a.zarr", zarr_format=2, attributes={"multiscales": images})
    group.create_array("raw", data=STACK)
    group.create_array("mip", data=SMALL)
    volume = open_volume(tmp_path / "a.zarr")
    np.testing.assert_array_equal(read(volume), STACK)
    assert "of its 2 images" in volume.notes[0]
    for part in ("1", "mip"):
        np.testing.assert_array_equal(read(open_volume(f"{tmp_path}/a.zarr::{part}")), SMALL)


def test_a_plate_names_its_fields(tmp_path: Path) -> None:
    plate = {"ome": {"version": "0.5", "plate": {"wells": [{"path": "A/1"}]}}}
    root = zarr.create_group(tmp_path / "a.zarr", attributes=plate)
    for field in ("A/1/0", "A/1/1"):
        _ome_image(root.create_group(field), STACK)
    with pytest.raises(InputError, match=r"choose one of .*a\.zarr/A/1/0"):
        open_volume(tmp_path / "a.zarr")
    np.testing.assert_array_equal(read(open_volume(tmp_path / "a.zarr/A/1/0")), STACK)
    np.testing.assert_array_equal(read(open_volume(f"{tmp_path}/a.zarr::A/1/1")), STACK)


@pytest.fixture
def linked(tmp_path: Path) -> Path:
    with h5py.File(tmp_path / "target.h5", "w") as file:
        file["deep/raw"] = STACK
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["group/raw"] = STACK
        file["hard"] = file["group/raw"]
        file["soft"] = h5py.SoftLink("/group/raw")
        file["outside"] = h5py.ExternalLink("target.h5", "/deep/raw")
        file["dead"] = h5py.SoftLink("/nowhere")
        file["gone"] = h5py.ExternalLink("gone.h5", "/raw")
        file["lacking"] = h5py.ExternalLink("target.h5", "/deep/other")
        file["one"], file["two"] = h5py.SoftLink("/two"), h5py.SoftLink("/one")
        file["group/self"] = file["group"]
        file["group/up"] = file["/"]
    return tmp_path / "a.h5"


@pytest.mark.parametrize("name", ["group/raw", "hard", "soft", "outside", "group/self/raw", "group/up/soft"])
def test_a_dataset_is_found_behind_links(linked: Path, name: str) -> None:
    np.testing.assert_array_equal(read(open_volume(f"{linked}::/{name}")), STACK)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("dead", "/dead is a link to /nowhere"),
        ("dead/raw", "/dead is a link to /nowhere"),
        ("gone", "/gone is a link to /raw of the file gone.h5, which is missing"),
        ("lacking", "/lacking is a link to /deep/other of the file target.h5"),
        ("one", "/one is a link to /two, which leads nowhere"),
    ],
)
def test_a_dead_link_is_named(linked: Path, name: str, words: str) -> None:
    with pytest.raises(InputError, match=re.escape(words)):
        open_volume(f"{linked}::/{name}")


def test_a_file_of_nothing_but_links_is_opened_or_names_the_dead_one(tmp_path: Path, linked: Path) -> None:
    with h5py.File(tmp_path / "b.h5", "w") as file:
        file["image"] = h5py.ExternalLink("a.h5", "/group/raw")
    np.testing.assert_array_equal(read(open_volume(tmp_path / "b.h5")), STACK)
    linked.unlink()
    with pytest.raises(
        InputError, match=r"/image is a link to /group/raw of the file a\.h5, which is missing"
    ):
        open_volume(tmp_path / "b.h5")
    os.mkfifo(linked)
    with pytest.raises(InputError, match="which is missing"):
        open_volume(f"{tmp_path}/b.h5::/image")


def test_missing_parts_of_a_virtual_dataset_are_named(tmp_path: Path) -> None:
    layout = h5py.VirtualLayout(STACK.shape, STACK.dtype)
    for z, pixels in enumerate(STACK):
        layout[z] = h5py.VirtualSource(f"part{z}.h5", "d", pixels.shape)
        with h5py.File(tmp_path / f"part{z}.h5", "w") as file:
            file["d"] = pixels
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_virtual_dataset("image", layout)
    np.testing.assert_array_equal(read(open_volume(tmp_path / "a.h5")), STACK)
    (tmp_path / "part3.h5").unlink()
    with pytest.raises(InputError, match=r"other files, of which part3\.h5 is missing"):
        open_volume(tmp_path / "a.h5")


def test_datasets_that_hold_no_pixels_do_not_stand_in_the_way(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["image"] = STACK
        file.create_dataset("references", (3, 3), h5py.ref_dtype)
        file["scale"], file["nothing"] = 3.0, h5py.Empty("f")
        file["table"] = np.zeros((4, 5), [("r", "u1"), ("g", "u1")])
    np.testing.assert_array_equal(read(open_volume(tmp_path / "a.h5")), STACK)
