from __future__ import annotations

import sys
from collections.abc import Callable
from math import pi, sqrt
from pathlib import Path

import numpy as np
import pytest
from skimage.measure import regionprops_table

from napari_graft.core.errors import InputError

pandas = pytest.importorskip("pandas")
Export = Callable[..., Path]
READ = {"csv": pandas.read_csv, "parquet": pandas.read_parquet}


@pytest.fixture(params=["csv", "parquet"])
def to(request: pytest.FixtureRequest) -> str:
    if request.param == "parquet":
        pytest.importorskip("pyarrow")
    return str(request.param)


def test_the_measurements_are_those_of_scikit_image(write: Export, plane: np.ndarray, to: str) -> None:
    image = np.random.default_rng(0).integers(0, 60_000, plane.shape, np.uint16)

    table = READ[to](write(plane, to, f"out.{to}", image, pixel_size=(0.5, 0.5), unit="um"))

    compact = np.searchsorted(np.unique(plane), plane)
    names = (
        "area", "equivalent_diameter_area", "axis_major_length", "axis_minor_length", "eccentricity",
        "solidity", "perimeter", "centroid", "bbox", "intensity_mean", "intensity_min", "intensity_max",
    )  # fmt: skip
    known = regionprops_table(compact, image, properties=names, spacing=(0.5, 0.5))
    ours = {
        "area": "area_um2", "equivalent_diameter_area": "equivalent_diameter_um",
        "axis_major_length": "major_axis_um", "axis_minor_length": "minor_axis_um",
        "perimeter": "perimeter_um", "centroid-0": "centroid_y_um", "centroid-1": "centroid_x_um",
        "bbox-0": "box_y_start_px", "bbox-1": "box_x_start_px", "bbox-2": "box_y_stop_px",
        "bbox-3": "box_x_stop_px",
    }  # fmt: skip
    for name, values in known.items():
        np.testing.assert_allclose(table[ours.get(name, name)], values, err_msg=name)
    assert table["label"].tolist() == np.unique(plane)[1:].tolist()
    np.testing.assert_allclose(table["intensity_sum"], [image[plane == one].sum() for one in table["label"]])


def test_a_disk_has_the_area_and_diameter_of_a_disk(write: Export) -> None:
    y, x = np.mgrid[:101, :101]
    labels = ((y - 50) ** 2 + (x - 50) ** 2 <= 40**2).astype(np.uint8)

    (row,) = pandas.read_csv(write(labels, "csv", "out.csv", pixel_size=(4, 4))).to_dict("records")

    assert row["area_nm2"] == pytest.approx(pi * 160**2, rel=0.01)
    assert row["equivalent_diameter_nm"] == pytest.approx(320, rel=0.01)
    assert row["eccentricity"] < 0.1
    assert (row["centroid_y_nm"], row["centroid_x_nm"]) == (200, 200)
    assert not row["touches_border"]


def test_neighbours_share_an_edge_and_objects_at_the_border_are_told(
    write: Export, plane: np.ndarray, stack: np.ndarray
) -> None:
    flat = pandas.read_csv(write(plane, "csv", "flat.csv")).set_index("label")
    deep = pandas.read_csv(write(stack, "csv", "deep.csv", pixel_size=(30, 4, 4))).set_index("label")

    assert flat["n_neighbours"].to_dict() == {3: 1, 9: 0, 12: 0, 70_000: 1, 4_000_000_000: 0}
    assert flat.index[flat["touches_border"]].tolist() == [3, 70_000]
    assert "area_px2" in flat
    assert deep["n_neighbours"].to_dict() == {2: 0, 8: 1, 70_001: 1}
    assert deep["volume_nm3"].to_dict() == {one: (stack == one).sum() * 30 * 4 * 4 for one in (2, 8, 70_001)}
    assert deep["equivalent_diameter_nm"][8] == pytest.approx((6 * 720_000 / pi) ** (1 / 3))


def test_neighbours_across_the_border_of_two_blocks_are_found(
    write: Export, monkeypatch: pytest.MonkeyPatch
) -> None:
    from napari_graft.io.writers import image_copy

    monkeypatch.setattr(image_copy, "LARGEST_CHUNK", {2: (16, 16), 3: (4, 8, 8)})
    monkeypatch.setattr(image_copy, "BLOCK_BYTES", 1024)
    labels = np.kron(np.arange(1, 17, dtype=np.uint32).reshape(4, 4), np.ones((16, 16), np.uint32))

    table = pandas.read_csv(write(labels, "csv", "out.csv"))

    corner, edge, inside = 2, 3, 4
    row = [corner, edge, edge, corner]
    middle = [edge, inside, inside, edge]
    assert table["n_neighbours"].tolist() == row + middle + middle + row
    assert set(table["area_px2"]) == {256}


def test_an_image_of_colours_has_the_intensity_of_each(write: Export, plane: np.ndarray, to: str) -> None:
    image = np.zeros((*plane.shape, 3), np.uint8)
    image[plane == 9] = (10, 20, 30)
    image[0, 0] = 200

    table = READ[to](write(plane, to, f"out.{to}", image)).set_index("label")

    colours = [table[f"intensity_{name}_mean"][9] for name in ("red", "green", "blue")]
    assert colours == [10, 20, 30]
    assert table["intensity_green_max"][3] == 200


def test_unequal_pixels_have_no_perimeter(write: Export, plane: np.ndarray) -> None:
    table = pandas.read_csv(write(plane, "csv", "out.csv", pixel_size=(4, 8)))

    assert not [name for name in table if name.startswith("perimeter")]
    assert table["area_nm2"][0] == 100 * 32


def test_a_table_without_objects_has_the_same_columns(write: Export, plane: np.ndarray, to: str) -> None:
    image = np.random.default_rng(0).integers(0, 255, plane.shape, np.uint8)

    filled = READ[to](write(plane, to, f"filled.{to}", image))
    empty = READ[to](write(np.zeros_like(plane), to, f"empty.{to}", image))

    assert len(empty) == 0
    assert list(empty) == list(filled)


def test_a_table_is_written_over_unless_somebody_has_added_to_it(write: Export, plane: np.ndarray) -> None:
    out = write(plane, "csv", "out.csv")
    write(plane, "csv", "out.csv")
    lines = out.read_text().splitlines()
    out.write_text("\n".join([f"{lines[0]},remark", *(f"{line},mine" for line in lines[1:])]))

    with pytest.raises(InputError, match="no earlier result"):
        write(plane, "csv", "out.csv")
    assert out.read_text().endswith(",mine")
    write(plane, "csv", "out.csv", overwrite=True)
    assert out.read_text().splitlines() == lines


def test_a_parquet_of_ours_is_written_over_and_another_is_not(write: Export, plane: np.ndarray) -> None:
    pytest.importorskip("pyarrow")
    out = write(plane, "parquet", "out.parquet")
    write(plane, "parquet", "out.parquet")
    pandas.DataFrame({"a": [sqrt(2)]}).to_parquet(out)

    with pytest.raises(InputError, match="no earlier result"):
        write(plane, "parquet", "out.parquet")


def test_a_missing_library_is_named(
    write: Export, plane: np.ndarray, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)

    with pytest.raises(InputError, match="pip install pyarrow"):
        write(plane, "parquet", "out.parquet")
    assert sorted(one.name for one in tmp_path.iterdir()) == ["labels.tif"]
