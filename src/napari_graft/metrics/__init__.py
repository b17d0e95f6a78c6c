"""How well a segmentation agrees with the truth."""

from napari_graft.metrics.evaluate import evaluate
from napari_graft.metrics.evaluate_annotated import evaluate_annotated
from napari_graft.metrics.scores import Scores

__all__ = ["Scores", "evaluate", "evaluate_annotated"]
