"""Train a source from a recipe, which may begin with a pretraining on images without labels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from napari_graft.core.axes import Axes
from napari_graft.core.errors import InputError
from napari_graft.core.progress import CancelToken, Progress, Report
from napari_graft.fingerprints.fingerprint import common_encoder
from napari_graft.inference.view import ModelView
from napari_graft.io import open_volume
from napari_graft.nets.build import load_weights
from napari_graft.nets.residual_unet import ResidualUNet
from napari_graft.pretraining.config import PretrainConfig
from napari_graft.pretraining.pretrainer import Pretrainer, PretrainingData
from napari_graft.pretraining.registry import OBJECTIVES, REPLAYS
from napari_graft.pretraining.replay import ReplayContext
from napari_graft.recipes.recipe import UnlabelledEntry
from napari_graft.recipes.training import PreparationTask, RecipeTraining, examples_of
from napari_graft.session.pretraining import read_places
from napari_graft.session.projects.project_image import measure_intensity
from napari_graft.sources.card import CardPretraining
from napari_graft.sources.catalogue import Catalogue
from napari_graft.sources.source import Source


def train_from_recipe(
    recipe_path: Path,
    out: Path,
    *,
    device: str = "auto",
    overwrite: bool = False,
    report: Report,
    cancel: CancelToken,
) -> Source | None:
    """Train the source that a recipe describes, with its pretraining where it has one; see `train_source`."""
    return RecipeTraining(recipe_path, out, device, overwrite, report, cancel).run(prepare)


def prepare(network: ResidualUNet, task: PreparationTask) -> CardPretraining | None:
    """Prepare a network as a recipe says; see `Prepare`.

    Raises
    ------
    InputError
        If there is no such objective, replay or image, or nothing to replay.
    """
    asked, schedule = task.recipe.pretraining, task.recipe.schedule
    assert asked is not None
    objective, replays = OBJECTIVES[asked.objective], [REPLAYS[name] for name in asked.replay]
    task.report(Progress(0, None, "reading the images of the pretraining"))
    images = [sample.image for sample in task.dataset.train]
    views = [view for entry in asked.images for view in _views(entry, task)]
    images += read_places(views, schedule.seed, task.cancel) if views else []
    context = ReplayContext(
        network,
        images,
        task.recipe.patch,
        task.recipe.structure,
        examples_of(task.dataset),
        common_encoder(Catalogue()),
        schedule.seed,
        task.report,
        task.cancel,
    )
    data = PretrainingData(images, objective, [make(context) for make in replays])
    config = PretrainConfig(None, asked.steps, task.recipe.patch, schedule.batch_size, seed=schedule.seed)
    pretrainer = Pretrainer(config, task.device, task.state)
    result = pretrainer.fit(network, data, report=task.report, cancel=task.cancel)
    if result.stopped_by == "cancel":
        return None
    load_weights(network.cpu(), dict(result.weights))
    return CardPretraining(
        objective=asked.objective,
        replay=asked.replay,
        images=tuple(entry.image for entry in asked.images),
        n_images=len(images),
        steps=result.steps,
        seconds=round(result.seconds, 1),
        best_step=result.best_step,
    )


def _views(entry: UnlabelledEntry, task: PreparationTask) -> Iterator[ModelView]:
    paths = sorted(task.folder.glob(entry.image))
    if not paths:
        raise InputError(f"no image matches {entry.image!r} in {str(task.folder)!r}: check the recipe")
    for path in paths:
        task.cancel.raise_if_cancelled()
        volume = open_volume(str(path))
        if entry.pixel_size is not None:
            volume = replace(volume, axes=Axes(volume.axes.names, entry.pixel_size, "nm"))
        try:
            yield ModelView(volume, measure_intensity(volume), task.recipe.spec, entry.diameter)
        except InputError as error:
            raise InputError(f"image {str(path)!r}: {error}") from None
