"""How well a segmentation agrees with the truth."""

from napari_graft.metrics.evaluate import evaluate, evaluate_annotated
from napari_graft.metrics.scores import Scores

__all__ = ["Scores", "evaluate", "evaluate_annotated"]
