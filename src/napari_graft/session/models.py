"""Find the network that a user names: a source, a run of a project, or fresh weights.

And what a command must not write over while it reads them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from napari_graft.core.errors import InputError
from napari_graft.core.progress import CancelToken
from napari_graft.exchange.sandbox import try_source
from napari_graft.io.integrity import files_of_image
from napari_graft.io.writers.outputs import Input, Outputs
from napari_graft.nets.build import build_network, load_network
from napari_graft.nets.network import Network
from napari_graft.project.opening import open_project
from napari_graft.project.project import Project
from napari_graft.project.run import Run
from napari_graft.segmentation.settings import DecodeSettings
from napari_graft.sources.catalogue import Catalogue
from napari_graft.sources.network_spec import ModelSpec, NetworkSpec
from napari_graft.sources.source import Source

SCRATCH = "scratch"


@dataclass(frozen=True, slots=True)
class Model:
    """Model: a network with the settings that turn its output into objects.

    Parameters
    ----------
    name
        What the user calls it: a source's id, ``"run 0001"``, or ``"scratch"``.
    network
        With its weights.
    decode
        Thresholds.
    source
        The source, None for a run or for fresh weights.
    """

    name: str
    network: Network
    decode: DecodeSettings
    source: Source | None = None

    @property
    def spec(self) -> NetworkSpec:
        """The network's specification."""
        return self.network.spec


def load_model(reference: str, project: Project, catalogue: Catalogue, *, seed: int = 0) -> Model:
    """Load the model that `reference` names.

    Parameters
    ----------
    reference
        ``scratch``, ``latest``, ``run 0001``, ``PROJECT:RUN``, a source's id, or the path of an exported
        source.
    project
        The project that ``latest`` and a bare run belong to, and whose pixel size a fresh network takes.
    catalogue
        Where sources are looked up.
    seed
        Draws fresh weights.

    Raises
    ------
    InputError
        If nothing is called so.
    """
    if reference == SCRATCH:
        return Model(SCRATCH, build_network(fresh_spec(project), seed=seed), DecodeSettings())
    run = find_run(reference, project)
    if run is not None:
        return model_of_run(run)
    return model_of_source(catalogue.get(reference))


def find_run(reference: str, project: Project) -> Run | None:
    """Return the run that `reference` names, None where it does not name a run."""
    if reference == "latest":
        return project.runs.get("latest")
    if reference.startswith("run "):
        return project.runs.get(reference.removeprefix("run "))
    folder, separator, run_id = reference.rpartition(":")
    if separator and Path(folder).is_dir() and run_id:
        with open_project(folder) as other:
            return other.runs.get(run_id)
    return None


def model_of_run(run: Run) -> Model:
    """Load the network of a finished run."""
    network = build_network(run.record.spec, run.load_weights())
    return Model(f"run {run.id}", network, decode_settings(run.record.decode))


def model_of_source(source: Source) -> Model:
    """Load the network of a source; one of a stranger, named by its path, is first tried as `add` would.

    Raises
    ------
    InputError
        If it cannot be used.
    """
    if source.origin == "file" and not source.card.spec.is_trainable:
        _try_once(source)
    network = load_network(source.card.spec, source.load_weights())
    return Model(source.id, network, decode_settings(source.card.decode), source)


_tried: set[str] = set()
"""Checksums of the weights of networks that this process need not try again."""


def _try_once(source: Source) -> None:
    if source.card.weights_sha256 not in _tried:
        source.load_weights()  # so that the checksum is that of what is there
        try_source(source, CancelToken())
        _tried.add(source.card.weights_sha256)


def decode_settings(stored: Mapping[str, float]) -> DecodeSettings:
    """Return stored decode settings as a value; unknown names are an error of the file.

    Raises
    ------
    InputError
        If a name is unknown.
    """
    try:
        values = {name: int(value) if name == "min_size" else value for name, value in stored.items()}
        return DecodeSettings(**values)  # type: ignore[arg-type]  # names and types are those that were stored
    except TypeError:
        raise InputError(f"decode settings {dict(stored)} are not known: update napari-graft") from None


def fresh_spec(project: Project) -> ModelSpec:
    """Return the default network at the pixel size of the project's image, in nanometres."""
    size = project.manifest.spatial_axes.pixel_size_in("nm")
    return ModelSpec(pixel_size=None if size is None else size[-2:])


def outputs_beside(
    project: Project | None,
    references: Iterable[str | None] = (),
    *,
    may_overwrite: bool = False,
    is_inside: bool = False,
) -> Outputs:
    """Return what may be written by a command that reads a project and models.

    Parameters
    ----------
    references
        Sources and runs as the user names them; those that are files, folders or runs of other projects are
        inputs.
    is_inside
        Whether the project itself writes, to a place of its own.
    """
    inputs = [] if project is None else image_inputs(project.image.path, "the image of the project")
    if project is not None and not is_inside:
        inputs.append(Input(project.folder, "the project"))
    for reference in references:
        inputs += _inputs_named(reference)
    own = project.folder if project is not None and is_inside else None
    return Outputs(tuple(inputs), may_overwrite, own)


def image_inputs(path: str, what: str) -> list[Input]:
    """Return the files of an image as inputs."""
    return [Input(file, what) for file in files_of_image(path)]


def _inputs_named(reference: str | None) -> list[Input]:
    if not reference:
        return []
    folder, separator, _ = reference.rpartition(":")
    places = [Path(reference), Path(folder)] if separator and folder else [Path(reference)]
    return [Input(place, "a source that is read") for place in places if place.exists()]
