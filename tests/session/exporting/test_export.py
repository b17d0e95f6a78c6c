"""What is exported of a project and of files, and what an export never writes over."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas
import pytest
import tifffile
from tiny_loop import make_annotated, make_sample

from napari_graft import export, open_project, predict_volume, train
from napari_graft.core.axes import Axes
from napari_graft.core.errors import Cancelled, InputError
from napari_graft.core.process import require_memory
from napari_graft.core.progress import CancelToken, Progress, ignore_progress
from napari_graft.core.tile import Tile
from napari_graft.io import open_label_sink, open_labels
from napari_graft.io.writers.outputs import Outputs
from napari_graft.io.writers.sink import SinkOptions
from napari_graft.project.proofreading import ProofreadingStore
from napari_graft.project.results import ResultRecord, ResultStore, written_results
from napari_graft.proofreading.object_map import ObjectMap
from napari_graft.proofreading.tools import delete, merge
from napari_graft.session.exporting.export import ExportOptions
from napari_graft.session.exporting.export import export as run_export
from napari_graft.session.exporting.formats import EXPORT_FORMATS

Export = Callable[..., Path]
NAMES = {
    "ome-zarr": "a.zarr", "tiff": "a.tif", "coco": "a.json", "csv": "a.csv", "parquet": "a.parquet",
    "mesh": "a.obj", "swc": "a.swc", "bioimageio": "a.zip", "graftsource": "a.graftsource",
    "methods": "a.txt",
}  # fmt: skip
OF_OBJECTS = [name for name in NAMES if EXPORT_FORMATS[name].needs == "objects"]


@pytest.fixture
def project(tmp_path: Path, image: Path, labels: Path, quick_training: None) -> Path:
    """A project whose image lies beside it, with one run."""
    shutil.copy(image, tmp_path / "own.tif")
    folder = make_annotated(
        tmp_path / "p.graft",
        tmp_path / "own.tif",
        labels,
        pixel_size=(0.25, 0.25),
        unit="um",
        structure="nuclei",
    )
    with open_project(folder, write=True) as opened:
        train(opened, "tiny-nuclei", steps=1)
    return folder


def store_result(folder: Path, run: str, pixels: np.ndarray, region: Tile) -> None:
    """Keep a segmentation in a project, as a window does."""
    store = ResultStore(folder / "results")
    store.make_folder()
    for path in (store.labels_path(run), store.uncertainty_path(run)):
        inside = SinkOptions(outputs=Outputs(project=folder))
        sink = open_label_sink(path, region.shape, Axes(("y", "x")), options=inside)
        sink.write(Tile((0, 0), region.shape), pixels[region.slices])
        sink.finish()
    store.add(ResultRecord(run=run, start=region.start, shape=region.shape, n_objects=1))


def test_the_formats_are_those_that_are_promised() -> None:
    assert tuple(EXPORT_FORMATS) == tuple(NAMES)
    assert all(Path(name).suffix in EXPORT_FORMATS[to].endings for to, name in NAMES.items())


def test_a_project_stands_for_its_newest_segmentation_of_the_whole_image(
    project: Path, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=r"knows no segmentation of its whole image.*napari-graft predict"):
        export(project, "csv", tmp_path / "none.csv")
    pixels = np.zeros((128, 128), np.uint32)
    pixels[5:9, 5:9] = 7
    store_result(project, "0001", pixels, Tile((0, 0), (64, 128)))
    with pytest.raises(InputError, match="knows no segmentation of its whole image"):
        export(project, "csv", tmp_path / "part.csv")

    store_result(project, "0001", pixels, Tile((0, 0), (128, 128)))
    table = pandas.read_csv(export(project, "csv", tmp_path / "whole.csv"))

    assert table["label"].tolist() == [7]
    assert table["area_um2"].tolist() == [pytest.approx(16 * 0.25**2)]
    grey = tifffile.imread(tmp_path / "own.tif")[5:9, 5:9]
    assert table["intensity_mean"][0] == pytest.approx(grey.mean())
    assert (table["centroid_y_um"][0], table["box_x_stop_px"][0]) == (6.5 * 0.25, 9)


def test_what_was_corrected_is_exported_and_what_is_of_another_segmentation_is_not(
    project: Path, tmp_path: Path
) -> None:
    pixels = np.zeros((128, 128), np.uint8)
    pixels[5:9, 5:9], pixels[5:9, 9:13], pixels[30:34, 30:34] = 7, 8, 9
    whole = Tile((0, 0), (128, 128))
    store_result(project, "0001", pixels, whole)
    file = ResultStore(project / "results").labels_path("0001")
    journal = ProofreadingStore(project, file).open_journal(open_labels(file))
    objects = ObjectMap(pixels.astype(np.uint32))
    for edit in (merge(objects, [7, 8]), delete(objects, [9])):
        journal.append(edit)
        objects.apply(edit)

    table = pandas.read_csv(export(project, "csv", tmp_path / "corrected.csv"))
    assert table["label"].tolist() == [7]
    assert table["n_pixels"].tolist() == [32]

    journal.undo()
    assert pandas.read_csv(export(project, "csv", tmp_path / "undone.csv"))["label"].tolist() == [7, 9]

    shutil.rmtree(file)
    pixels[60:64, 60:64] = 11
    store_result(project, "0001", pixels, whole)
    assert len(pandas.read_csv(export(project, "csv", tmp_path / "anew.csv"))) == 4


def test_a_project_knows_what_predict_wrote_of_the_whole_image(project: Path, tmp_path: Path) -> None:
    with open_project(project) as opened:
        predict_volume(opened, tmp_path / "part.tif", region="0:32,:")
        with pytest.raises(InputError, match="knows no segmentation"):
            export(opened, "tiff", tmp_path / "none.tif")
        untouched = predict_volume(opened, tmp_path / "source.tif", source="tiny-nuclei")
        first = export(opened, "tiff", tmp_path / "first.tif")
        np.testing.assert_array_equal(tifffile.imread(first), tifffile.imread(untouched.path))
        found = predict_volume(opened, tmp_path / "whole.zarr")
        predict_volume(opened, tmp_path / "later.tif", source="tiny-nuclei")

        newest = export(opened, "tiff", tmp_path / "newest.tif")
        out = export(opened, "tiff", tmp_path / "again.tif", run="1")

    np.testing.assert_array_equal(tifffile.imread(out), open_labels(found.path).data[:, :])
    np.testing.assert_array_equal(tifffile.imread(newest), open_labels(found.path).data[:, :])
    assert len(np.unique(tifffile.imread(out))) - 1 == found.n_objects
    with pytest.raises(InputError, match="is the segmentation"):
        export(project, "ome-zarr", found.path, overwrite=True)
    table = json.loads(export(project, "coco", tmp_path / "a.json").read_text())
    assert table["categories"][0]["name"] == "nuclei"
    shutil.rmtree(tmp_path / "whole.zarr")
    with pytest.raises(InputError, match="knows no segmentation of its whole image by run 0001"):
        export(project, "tiff", tmp_path / "gone.tif", run="0001")


def test_a_project_that_another_holds_is_predicted_and_keeps_its_list_of_results(
    project: Path, tmp_path: Path
) -> None:
    with open_project(project, write=True), open_project(project) as reader:
        found = predict_volume(reader, tmp_path / "whole.tif")

    assert found.path.exists()
    assert written_results(project) == ()
    with pytest.raises(InputError, match="or name the file of one"):
        export(project, "csv", tmp_path / "a.csv")
    assert export(found.path, "csv", tmp_path / "a.csv").exists()


@pytest.mark.parametrize("to", OF_OBJECTS)
def test_an_export_takes_the_place_of_an_earlier_one_and_of_nothing_else(
    write: Export, stack: np.ndarray, to: str, tmp_path: Path
) -> None:
    out = write(stack, to, NAMES[to])
    assert out.exists()
    write(stack, to, NAMES[to])
    shutil.rmtree(out) if out.is_dir() else out.unlink()
    if out.suffix == ".zarr":
        out.mkdir()
        (out / "mine.txt").write_text("precious")
    else:
        out.write_text("precious")

    with pytest.raises(InputError):
        write(stack, to, NAMES[to])

    kept = out / "mine.txt" if out.is_dir() else out
    assert kept.read_text() == "precious"
    assert not list(tmp_path.glob("*.partial"))


@pytest.mark.parametrize("to", OF_OBJECTS)
def test_an_export_that_is_stopped_leaves_nothing_behind(to: str, stack: np.ndarray, tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "labels.tif", stack)
    token, told = CancelToken(), list[Progress]()

    def stop(progress: Progress) -> None:
        told.append(progress)
        token.cancel()

    with pytest.raises(Cancelled):
        run_export(
            ExportOptions(str(tmp_path / "labels.tif"), to, tmp_path / NAMES[to]), report=stop, cancel=token
        )

    assert os.listdir(tmp_path) == ["labels.tif"]
    assert told[0].message
    assert told[0].total


def test_what_another_command_left_unfinished_stays(write: Export, stack: np.ndarray, tmp_path: Path) -> None:
    sink = open_label_sink(tmp_path / "image.zarr", stack.shape, Axes(("z", "y", "x")), np.uint32)
    sink.write(Tile((0, 0, 0), stack.shape), stack)
    sink.release()

    out = write(stack * 2, "ome-zarr", "image.zarr", labels_only=True)

    np.testing.assert_array_equal(open_labels(out).data[:, :, :], stack * 2)
    again = open_label_sink(tmp_path / "image.zarr", stack.shape, Axes(("z", "y", "x")), np.uint32)
    assert again.is_resumed
    np.testing.assert_array_equal(again.read(Tile((0, 0, 0), stack.shape)), stack)
    again.release()


def test_no_input_is_written_over_and_nothing_is_put_into_a_project(
    write: Export, plane: np.ndarray, project: Path, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="is the label image"):
        write(plane, "tiff", "labels.tif", overwrite=True)
    with pytest.raises(InputError, match="is the image"):
        write(plane, "tiff", "image.tif", np.ones(plane.shape, np.uint8), overwrite=True)
    with pytest.raises(InputError, match="lies in the project"):
        write(plane, "csv", "p.graft/a.csv", overwrite=True)
    (tmp_path / "own.txt").hardlink_to(tmp_path / "own.tif")
    with pytest.raises(InputError, match="the image of the project"):
        export(project, "methods", tmp_path / "own.txt", overwrite=True)


@pytest.mark.parametrize(
    ("to", "name", "options", "words"),
    [
        ("stl", "a.stl", {}, "no export format is called 'stl'.*ome-zarr, tiff"),
        ("csv", "a.txt", {}, "ends in .csv: write a.csv"),
        ("methods", "a.txt", {}, "the format methods is of a project"),
        ("csv", "a.csv", {"run": "0001"}, "--run is of a project"),
        ("csv", "a.csv", {"pixel_size": (4, 4, 4)}, "pixel size .* has 3 values"),
        ("csv", "a.csv", {"pixel_size": (4, 4), "unit": "ell"}, "'ell' is not a known length"),
    ],
)
def test_what_cannot_be_exported_is_refused_in_words(
    write: Export, plane: np.ndarray, to: str, name: str, options: dict[str, object], words: str
) -> None:
    with pytest.raises(InputError, match=words):
        write(plane, to, name, **options)


def test_an_image_of_another_shape_and_options_that_a_project_knows_are_refused(
    write: Export, plane: np.ndarray, project: Path, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=r"shape \(60, 80\), the image \(60, 81\)"):
        write(plane, "csv", "a.csv", np.arange(60 * 81, dtype=np.uint16).reshape(60, 81))
    with pytest.raises(InputError, match="--pixel-size is for a label image"):
        export(project, "csv", tmp_path / "a.csv", pixel_size=(4, 4))


def test_the_pieces_of_a_mask_are_objects_and_the_image_tells_the_pixel_size(tmp_path: Path) -> None:
    mask = np.zeros((3, 40, 50), np.uint8)
    mask[:, 3:9, 3:9] = mask[1, 20:25, 20:25] = 255
    tifffile.imwrite(tmp_path / "mask.tif", mask)
    sink = open_label_sink(tmp_path / "image.tif", mask.shape, Axes(("z", "y", "x"), (30, 4, 4)), np.uint16)
    sink.finish()

    out = export(
        tmp_path / "mask.tif", "csv", tmp_path / "a.csv", image=tmp_path / "image.tif", mask="pieces"
    )

    table = pandas.read_csv(out)
    assert table["n_pixels"].tolist() == [108, 25]
    assert table["volume_nm3"].tolist() == [108 * 480, 25 * 480]


def test_what_does_not_fit_into_the_memory_is_refused_before_it_is_read() -> None:
    require_memory(1000, "a slice")
    with pytest.raises(InputError, match=r"an object takes 1048576.0 GiB of memory.*GiB are free"):
        require_memory(2**50, "an object")


def test_labels_larger_than_a_block_are_written_block_by_block(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from napari_graft.io.writers import image_copy
    from napari_graft.session.exporting import task

    monkeypatch.setattr(image_copy, "BLOCK_BYTES", 4096)
    monkeypatch.setattr(image_copy, "LARGEST_CHUNK", {2: (16, 16), 3: (4, 16, 16)})
    monkeypatch.setattr(task, "_HELD_BYTES", 0)
    monkeypatch.setattr(task, "_SLAB_BYTES", 20_000)
    segments = np.stack([make_sample((50, 70), seed).segments for seed in range(6)]).astype(np.uint32)
    sink = open_label_sink(tmp_path / "labels.zarr", segments.shape, Axes(("z", "y", "x"), (30, 4, 4)))
    sink.write(Tile((0, 0, 0), segments.shape), segments)
    sink.finish()
    for to in OF_OBJECTS:
        whole = export(tmp_path / "labels.zarr", to, tmp_path / NAMES[to])
        assert whole.exists()

    np.testing.assert_array_equal(tifffile.imread(tmp_path / "a.tif"), segments)
    np.testing.assert_array_equal(open_labels(tmp_path / "a.zarr").data[:, :, :], segments)
    table = pandas.read_csv(tmp_path / "a.csv").set_index("label")
    assert table["n_pixels"].to_dict() == {
        int(one): int((segments == one).sum()) for one in np.unique(segments)[1:]
    }
    told: list[Progress] = []
    options = ExportOptions(str(tmp_path / "labels.zarr"), "csv", tmp_path / "b.csv")
    run_export(options, report=told.append, cancel=CancelToken())
    assert len([one for one in told if one.message == "finding the objects"]) > 10
    assert run_export(options, report=ignore_progress, cancel=CancelToken()) == len(table)
