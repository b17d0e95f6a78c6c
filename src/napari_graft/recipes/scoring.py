"""Tune the decoding of a source's network, and score it on what it was never trained on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from napari_graft.core.progress import CancelToken, Progress, Report
from napari_graft.inference.predictor import Predictor
from napari_graft.io.documents import write_document
from napari_graft.metrics import evaluate
from napari_graft.nets.device import choose_device
from napari_graft.nets.residual_unet import ResidualUNet
from napari_graft.recipes.fingerprinting import open_finished
from napari_graft.recipes.samples import DatasetSplit, Sample
from napari_graft.segmentation.calibrate import calibrate
from napari_graft.segmentation.decode import decode
from napari_graft.segmentation.settings import DecodeSettings
from napari_graft.sources.archive import CARD
from napari_graft.sources.source import Source, open_source

if TYPE_CHECKING:
    import torch


T = TypeVar("T")

MAX_SAMPLES = 8
_MAX_SIDES = {2: (768, 768), 3: (64, 256, 256)}
_SCORES = ("vi", "vi_split", "vi_merge", "arand", "ap50", "ap", "f1_50", "dice")


def measure_network(
    network: ResidualUNet, structure: str, dataset: DatasetSplit, device: torch.device
) -> tuple[dict[str, float], dict[str, float]]:
    """Return the decode settings and the scores that go onto a card.

    The settings are tuned on the validation part, the scores are taken on the test part.
    """
    predictor = Predictor(network, device)
    validation = few_samples(dataset.validation)
    settings = calibrate(
        [predictor.predict_image(s.image) for s in validation],
        [s.annotation.astype(np.uint32) for s in validation],
        network.spec.offsets,
        structure,
    )
    scores = _score(predictor, few_samples(dataset.test), settings)
    return {name: float(value) for name, value in asdict(settings).items()}, scores


def few_samples(samples: Sequence[Sample]) -> list[Sample]:
    """Return at most some of the samples, spread evenly, each cut to its middle."""
    return [middle_of(sample) for sample in few(samples)]


def few(samples: Sequence[T], most: int = MAX_SAMPLES) -> list[T]:
    """Return at most some of the samples, spread evenly."""
    index = np.linspace(0, len(samples) - 1, min(len(samples), most)).round().astype(int)
    return [samples[i] for i in np.unique(index)]


def middle_of(sample: Sample) -> Sample:
    """Return the middle of a sample, all of it where it is no larger."""
    shape = sample.image.shape
    starts = [max(0, (n - side) // 2) for n, side in zip(shape, _MAX_SIDES[len(shape)], strict=True)]
    return sample.cut(tuple(slice(a, a + n) for a, n in zip(starts, _MAX_SIDES[len(shape)], strict=True)))


def _score(predictor: Predictor, samples: Sequence[Sample], settings: DecodeSettings) -> dict[str, float]:
    scores = [score_sample(predictor, s, settings) for s in samples]
    return mean_of_scores(scores)


def score_sample(predictor: Predictor, sample: Sample, settings: DecodeSettings) -> dict[str, float]:
    """Return the scores of a network on one sample, by the keys of ``evaluate``."""
    prediction = predictor.predict_image(sample.image)
    found = decode(prediction.foreground, prediction.affinities, predictor.spec.offsets, settings)
    return evaluate(found, sample.segments).as_dict()


def mean_of_scores(scores: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Return the mean of each score that goes onto a card."""
    return {name: round(float(np.mean([score[name] for score in scores])), 4) for name in _SCORES}


def foreground_share(samples: Sequence[Sample]) -> float:
    """Return the share of the pixels of samples that belong to objects, 0 to 1, each sample by its weight."""
    n_pixels = np.array([sample.weight * sample.segments.size for sample in samples])
    shares = np.array([(sample.segments > 0).mean() for sample in samples])
    return round(float(np.average(shares, weights=n_pixels)), 4)


def rescore_source(
    recipe_path: Path, out: Path, *, device: str = "auto", report: Report, cancel: CancelToken
) -> Source:
    """Write decode settings, scores and the share of foreground onto the card of a finished source anew.

    Nothing is trained.

    Parameters
    ----------
    recipe_path
        The YAML file that the source was trained by.
    out
        Folder of the source. Only its card changes.
    device
        ``auto``, ``cpu`` or ``cuda``.

    Raises
    ------
    InputError
        If the folder holds no source of this recipe, or its images cannot be used.
    Cancelled
        When asked to stop; the card is as it was.
    """
    finished = open_finished(recipe_path, out, report=report, cancel=cancel)
    source, structure = finished.source, finished.recipe.structure
    report(Progress(0, 1, f"measuring {finished.recipe.id}"))
    network = finished.load_network()
    decode, validation = measure_network(network, structure, finished.dataset, choose_device(device))
    cancel.raise_if_cancelled()
    foreground = foreground_share(finished.dataset.train)
    measured = {"decode": decode, "validation": validation, "foreground": foreground}
    card = source.card.model_copy(update=measured)
    write_document(out / CARD, card)
    return open_source(out, "file")
