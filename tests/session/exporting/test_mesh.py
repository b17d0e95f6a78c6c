from __future__ import annotations

from collections.abc import Callable
from math import pi
from pathlib import Path

import numpy as np
import pytest

from napari_graft.core.errors import InputError

trimesh = pytest.importorskip("trimesh")
Export = Callable[..., Path]


def read(path: Path) -> dict[str, object]:
    scene = trimesh.load_scene(path, split_objects=True, group_material=False, maintain_order=True)
    return dict(scene.geometry)


def test_each_object_has_a_closed_surface_where_it_lies(write: Export, stack: np.ndarray) -> None:
    out = write(stack, "mesh", "out.obj", pixel_size=(30, 4, 5))

    meshes = read(out)
    assert set(meshes) == {"2", "8", "70001"}
    assert "# unit: nm" in out.read_text()[:100]
    for name, mesh in meshes.items():
        where = np.argwhere(stack == int(name))
        low, high = where.min(axis=0) - 0.5, where.max(axis=0) + 0.5
        np.testing.assert_allclose(mesh.bounds[0], (low * (30, 4, 5))[::-1])
        np.testing.assert_allclose(mesh.bounds[1], (high * (30, 4, 5))[::-1])
        assert mesh.is_watertight
        assert mesh.is_winding_consistent


def test_a_ball_has_the_volume_of_a_ball_and_looks_outwards(write: Export) -> None:
    z, y, x = np.mgrid[:45, :45, :45]
    ball = ((z - 22) ** 2 + (y - 22) ** 2 + (x - 22) ** 2 <= 18**2).astype(np.uint16)

    (mesh,) = read(write(ball, "mesh", "out.obj", pixel_size=(0.5, 0.5, 0.5), unit="um")).values()

    assert mesh.volume == pytest.approx(4 / 3 * pi * 9**3, rel=0.02)
    np.testing.assert_allclose(mesh.center_mass, 11, atol=0.01)


def test_a_plane_is_refused_in_words(write: Export, plane: np.ndarray, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"2-D image.*--to coco"):
        write(plane, "mesh", "out.obj")
    assert sorted(one.name for one in tmp_path.iterdir()) == ["labels.tif"]


def test_what_has_no_object_is_a_file_without_surfaces(write: Export) -> None:
    out = write(np.zeros((4, 30, 40), np.uint8), "mesh", "out.obj")

    assert [line for line in out.read_text().splitlines() if not line.startswith("#")] == []
    write(np.zeros((4, 30, 40), np.uint8), "mesh", "out.obj")
