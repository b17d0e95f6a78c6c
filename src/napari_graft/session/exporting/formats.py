"""All formats in which results leave the program, by name."""

from __future__ import annotations

from functools import partial

from napari_graft.core.registry import Registry
from napari_graft.session.exporting.coco import COCO
from napari_graft.session.exporting.label_images import OME_TIFF, OME_ZARR
from napari_graft.session.exporting.mesh import MESH
from napari_graft.session.exporting.project_files import BIOIMAGEIO, GRAFTSOURCE, METHODS
from napari_graft.session.exporting.skeleton import SWC
from napari_graft.session.exporting.tables import CSV, PARQUET
from napari_graft.session.exporting.task import ExportFormat
from napari_graft.sources.plugins import plugin_parts_by_name

EXPORT_FORMATS: Registry[ExportFormat] = Registry(
    "export format", partial(plugin_parts_by_name, "napari_graft_export_formats")
)
EXPORT_FORMATS.register("ome-zarr")(OME_ZARR)
EXPORT_FORMATS.register("tiff")(OME_TIFF)
EXPORT_FORMATS.register("coco")(COCO)
EXPORT_FORMATS.register("csv")(CSV)
EXPORT_FORMATS.register("parquet")(PARQUET)
EXPORT_FORMATS.register("mesh")(MESH)
EXPORT_FORMATS.register("swc")(SWC)
EXPORT_FORMATS.register("bioimageio")(BIOIMAGEIO)
EXPORT_FORMATS.register("graftsource")(GRAFTSOURCE)
EXPORT_FORMATS.register("methods")(METHODS)
