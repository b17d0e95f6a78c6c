"""Train a source from a recipe: network, decoding, score, fingerprint and card."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from napari_graft.core.errors import InputError
from napari_graft.core.progress import CancelToken, Progress, Report
from napari_graft.io import atomic
from napari_graft.io.documents import read_document, write_document
from napari_graft.io.weights import load_metadata, load_tensors, save_tensors
from napari_graft.io.writers.file_kinds import Recogniser
from napari_graft.io.writers.outputs import Input, Outputs
from napari_graft.nets.build import build_network, load_weights
from napari_graft.nets.device import choose_device
from napari_graft.nets.residual_unet import ResidualUNet
from napari_graft.recipes.dataset_split import load_dataset
from napari_graft.recipes.fingerprinting import write_fingerprints
from napari_graft.recipes.recipe import Recipe, read_recipe
from napari_graft.recipes.samples import DatasetSplit, find_pairs
from napari_graft.recipes.scoring import few_samples, foreground_share, measure_network
from napari_graft.sources.archive import CARD, FINGERPRINT, GENERAL, WEIGHTS
from napari_graft.sources.card import CardPretraining, SourceCard, TrainingRecord
from napari_graft.sources.catalogue import Catalogue
from napari_graft.sources.source import Source, open_source
from napari_graft.training.config import TrainConfig, TrainResult
from napari_graft.training.examples import Example
from napari_graft.training.patches import Augmentation
from napari_graft.training.trainer import Trainer

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, slots=True)
class PreparationTask:
    """What a pretraining of a recipe is made of.

    Parameters
    ----------
    recipe, folder, dataset
        The recipe, the folder of its images, and what it trains on.
    state
        File of the state of an unfinished pretraining.
    device
        Where to learn.
    report, cancel
        Progress, and the token that stops the work.
    """

    recipe: Recipe
    folder: Path
    dataset: DatasetSplit
    state: Path
    device: torch.device
    report: Report
    cancel: CancelToken


Prepare = Callable[[ResidualUNet, PreparationTask], CardPretraining | None]
"""Prepares a network, which is changed, and returns what was done; None where it was asked to stop."""


def train_source(
    recipe_path: Path,
    out: Path,
    *,
    device: str = "auto",
    overwrite: bool = False,
    report: Report,
    cancel: CancelToken,
) -> Source | None:
    """Train the source that a recipe describes, or go on where an earlier call was cut off.

    Parameters
    ----------
    recipe_path
        YAML file.
    out
        Folder of the source; the checkpoint of an unfinished training lies there too.
    device
        ``auto``, ``cpu`` or ``cuda``.
    overwrite
        Whether a source in the folder is replaced that another recipe has made.

    Returns
    -------
    Source or None
        The finished source; None where it was cancelled, which leaves a checkpoint to go on from.

    Raises
    ------
    InputError
        If the recipe or its images cannot be used, or the folder holds something else.
    """
    return RecipeTraining(recipe_path, out, device, overwrite, report, cancel).run()


@dataclass(frozen=True, slots=True)
class RecipeTraining:
    """Training of a source from a recipe; see `train_source` for the fields."""

    recipe_path: Path
    out: Path
    device: str
    overwrite: bool
    report: Report
    cancel: CancelToken

    def run(self, prepare: Prepare | None = None) -> Source | None:
        """Train the source; `prepare` does the pretraining of a recipe that begins with one."""
        recipe_path, out, report, cancel = self.recipe_path, self.out, self.report, self.cancel
        recipe = read_recipe(recipe_path)
        check_output(recipe, recipe_path, out, self.overwrite)
        report(Progress(0, None, f"reading the images of {recipe.id}"))
        folder = (recipe_path.parent / recipe.folder).resolve()
        dataset = load_dataset(recipe, folder, n_faulty=recipe.faults)
        with atomic.storage_errors(out):
            out.mkdir(parents=True, exist_ok=True)
        atomic.remove_unfinished(out)
        chosen = choose_device(self.device)
        checkpoint = out / CHECKPOINT
        start, pretraining = _start_network(recipe, recipe_path.parent), None
        if recipe.pretraining is not None:
            task = PreparationTask(recipe, folder, dataset, out / PRETRAINING, chosen, report, cancel)
            pretraining = _prepared(start, task, out / PREPARED, prepare)
            if pretraining is None:
                return None
        trainer = Trainer(_config(recipe), chosen, checkpoint)
        result = trainer.fit(start, examples_of(dataset), report=report, cancel=cancel)
        if result.stopped_by == "cancel":
            return None
        report(Progress(result.steps, result.steps, "measuring the finished network"))
        check_output(recipe, recipe_path, out, self.overwrite)  # once more: a training takes hours
        card = _write_network(recipe, dataset, result, out, chosen)
        record = card.training.model_copy(update={"pretraining": pretraining})
        write_document(out / CARD, card.model_copy(update={"training": record}))
        for path in (checkpoint, out / PREPARED, out / PRETRAINING):
            path.unlink(missing_ok=True)
        return open_source(out, "file")


def _write_network(
    recipe: Recipe, dataset: DatasetSplit, result: TrainResult, out: Path, device: torch.device
) -> SourceCard:
    """Write weights and fingerprints, and return the card."""
    halves = {name: value.astype(np.float16) for name, value in result.weights.items()}
    save_tensors(out / WEIGHTS, halves, {"recipe": recipe.id})
    digest = hashlib.sha256((out / WEIGHTS).read_bytes()).hexdigest()
    network = build_network(recipe.spec, halves)
    write_fingerprints(network, dataset, digest, out, device)
    return _card(recipe, dataset, result, digest, network, device)


def _prepared(
    network: ResidualUNet, task: PreparationTask, path: Path, prepare: Prepare | None
) -> CardPretraining | None:
    """Prepare a network, or load what an earlier call came to; None where it was asked to stop."""
    assert task.recipe.pretraining is not None
    if prepare is None:
        raise InputError(f"recipe {task.recipe.id!r} begins with a pretraining: train it by 'sources train'")
    asked = task.recipe.pretraining.model_dump_json()
    if path.is_file():
        tensors, words = load_tensors(path)
        if words.get("asked") == asked:
            load_weights(network, tensors)
            return CardPretraining.model_validate_json(words["pretraining"])
    done = prepare(network, task)
    if done is not None:
        words = {"recipe": task.recipe.id, "asked": asked, "pretraining": done.model_dump_json()}
        save_tensors(path, network.stored_weights(), words)
    return done


def _start_network(recipe: Recipe, folder: Path) -> ResidualUNet:
    if recipe.start is None:
        return build_network(recipe.spec, seed=recipe.schedule.seed)
    beside = folder / recipe.start
    source = Catalogue().get(beside if beside.exists() else recipe.start)
    if source.card.spec.model_copy(update=_OF_IMAGES) != recipe.spec.model_copy(update=_OF_IMAGES):
        raise InputError(f"{recipe.start!r} has another network than the recipe asks for: use its spec")
    return build_network(recipe.spec, source.load_weights())


def _config(recipe: Recipe) -> TrainConfig:
    schedule = recipe.schedule
    return TrainConfig(
        time_budget=None,
        max_steps=schedule.steps,
        patch=recipe.patch,
        batch_size=schedule.batch_size,
        learning_rate=schedule.learning_rate,
        n_validations=max(4, min(20, schedule.steps // 60)),
        seed=schedule.seed,
        # A source meets images of other sizes and looks: vary more than for a few tiles of one image.
        augmentation=Augmentation(scale=0.35, contrast=0.3, brightness=0.25, gamma=0.5, noise=0.2, blur=1.5),
    )


def examples_of(dataset: DatasetSplit) -> list[Example]:
    """Return what a network learns from, and what chooses the best of its weights."""
    examples = []
    for s in dataset.train:
        annotation, nothing = s.annotation, np.zeros_like(s.segments)
        examples += [Example(image, annotation, nothing, s.weight) for image in (s.image, *s.faulty)]
    for s in few_samples(dataset.validation):
        examples.append(Example(s.image, np.zeros_like(s.segments), s.annotation))
    return examples


def _card(
    recipe: Recipe,
    dataset: DatasetSplit,
    result: TrainResult,
    digest: str,
    network: ResidualUNet,
    device: torch.device,
) -> SourceCard:
    decode, validation = measure_network(network, recipe.structure, dataset, device)
    record = TrainingRecord(
        datasets=recipe.datasets,
        image_sha256s=dataset.image_sha256s,
        related_datasets=recipe.related_datasets,
        steps=result.steps,
        seconds=round(result.seconds, 1),
        device=result.device,
        seed=recipe.schedule.seed,
        recipe=recipe.id,
        versions={"torch": version("torch"), "python": platform.python_version()},
    )
    return SourceCard(
        **{name: getattr(recipe, name) for name in _ON_CARD},
        weights_sha256=digest,
        ancestor=Path(recipe.start).name if recipe.start else None,
        training=record,
        validation=validation,
        decode=decode,
        foreground=foreground_share(dataset.train),
    )


_OF_IMAGES = {
    "pixel_size": None,
    "object_diameter": None,
    "contrast_window": None,
    "inverted": False,
    "stain": None,
    "zoom": 1.0,
}
"""What a specification says of the images and not of the network."""

_ON_CARD = (
    "id",
    "title",
    "structure",
    "species",
    "instrument",
    "spec",
    "license",
    "research_only",
    "citation",
    "data_origin",
)


CHECKPOINT = "checkpoint.safetensors"
PRETRAINING, PREPARED = "pretraining.safetensors", "prepared.safetensors"
"""State of an unfinished pretraining, and what it came to."""
_TRAINING = "training"
"""Word that a checkpoint has."""


def check_output(recipe: Recipe, recipe_path: Path, out: Path, overwrite: bool) -> None:
    """Refuse a folder in which a source would take the place of something else.

    Raises
    ------
    InputError
        If it holds another source or other files, or it is or lies in an input or a project.
    """
    inputs = [Input(recipe_path, "the recipe")]
    folder = (recipe_path.parent / recipe.folder).resolve()
    for entry in recipe.images:
        for image, labels in find_pairs(entry, folder):
            inputs += [Input(image, "an image of the recipe"), Input(labels, "a label image of the recipe")]
    if recipe.start is not None:
        inputs.append(Input(recipe_path.parent / recipe.start, "the source to start from"))
    Outputs(tuple(inputs), overwrite).check_folder(out, lambda name: _recogniser(name, recipe))


def _recogniser(name: str, recipe: Recipe) -> Recogniser | None:
    if name in (FINGERPRINT, GENERAL):  # they have no mark of their own, and come with weights or a card
        return lambda path: (
            _is_weights(path.with_name(WEIGHTS), recipe) or _is_card(path.with_name(CARD), recipe)
        )
    return {
        CARD: lambda path: _is_card(path, recipe),
        WEIGHTS: lambda path: _is_weights(path, recipe),
        CHECKPOINT: lambda path: _TRAINING in _words(path),
        PRETRAINING: lambda path: _TRAINING in _words(path),
        PREPARED: lambda path: _is_weights(path, recipe),
    }.get(name)


def _is_card(path: Path, recipe: Recipe) -> bool:
    try:
        return read_document(SourceCard, path, "card").training.recipe == recipe.id
    except InputError:
        return False


def _is_weights(path: Path, recipe: Recipe) -> bool:
    return _words(path).get("recipe") == recipe.id


def _words(path: Path) -> dict[str, str]:
    try:
        return load_metadata(path)
    except InputError:
        return {}
