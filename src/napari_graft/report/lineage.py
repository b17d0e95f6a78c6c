"""How the network of a project came to be before it was trained on tiles, in sentences, and what to cite."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from napari_graft.report.record import n_of

_MERGES = {
    "kernel": "by learned shares of each kernel (after MedMerge; Almakky et al. 2024)",
    "average": "by the plain average of their weights",
}
_TRANSLATOR = "a small translation network before it"
_BRIDGES = {
    "tgmb-tgkt": f"{_TRANSLATOR} and a student that learned from both (after TGMB and TGKT; Zhu et al. 2024)",
    "tgmb": f"{_TRANSLATOR} (after TGMB; Zhu et al. 2024)",
    "reconstruction": f"{_TRANSLATOR} that learned from the pairs alone (after TGMB; Zhu et al. 2024)",
    "information": f"{_TRANSLATOR} that learned from the image alone (after TGMB; Zhu et al. 2024)",
    "socket": "matched features and statistics (after SOCKET; Ahmed et al. 2022)",
    "translator-in-socket": (
        f"{_TRANSLATOR} and matched features and statistics (after TGMB and SOCKET; Zhu et al. 2024; "
        "Ahmed et al. 2022)"
    ),
    "norm-statistics": "matched statistics of its normalisation layers (after AdaBN; Li et al. 2018)",
    "histogram": "matched histograms",
}
_CITED = {
    "Sawmya et al. 2025": (
        "Sawmya S., Athey T. L., Liu G., Shavit N. (2025). NeuroADDA: Active Discriminative Domain "
        "Adaptation in Connectomics. arXiv:2503.06196."
    ),
    "Xie et al. 2023": (
        "Xie Y., Ding M., Tomizuka M., Zhan W. (2023). Towards Free Data Selection with General-Purpose "
        "Models. NeurIPS 2023. arXiv:2309.17342."
    ),
    "Almakky et al. 2024": (
        "Almakky I., Sanjeev S., Hashmi A. U. R., Qazi M. A., Wang H., Yaqub M. (2024). MedMerge: Merging "
        "Models for Effective Transfer Learning to Medical Imaging Tasks. arXiv:2403.11646."
    ),
    "Zhu et al. 2024": (
        "Zhu J., Chen Y., Wang L. (2024). Source-Free Cross-Modal Knowledge Transfer by Unleashing the "
        "Potential of Task-Irrelevant Data. arXiv:2401.05014."
    ),
    "Ahmed et al. 2022": (
        "Ahmed S. M., Lohit S., Peng K.-C., Jones M. J., Roy-Chowdhury A. K. (2022). Cross-Modal Knowledge "
        "Transfer Without Task-Relevant Source Data. ECCV 2022. arXiv:2209.04027."
    ),
    "Li et al. 2018": (
        "Li Y., Wang N., Shi J., Hou X., Liu J. (2018). Adaptive Batch Normalization for Practical Domain "
        "Adaptation. Pattern Recognition 80:109–117. arXiv:1603.04779."
    ),
    "Liao et al. 2023": (
        "Liao W., Li X., Wang Q., Xu Y., Yin Z., Xiong H. (2023). CUPre: Cross-domain Unsupervised "
        "Pre-training for Few-Shot Cell Segmentation. arXiv:2310.03981."
    ),
    "Wolf et al. 2020": (
        "Wolf S., Bailoni A., Pape C., Rahaman N., Kreshuk A., Köthe U., Hamprecht F. A. (2020). The Mutex "
        "Watershed and its Objective: Efficient, Parameter-Free Graph Partitioning. IEEE TPAMI "
        "43(10):3724–3738."
    ),
}


@dataclass(frozen=True, slots=True)
class Lineage:
    """What became of the source before annotated tiles were learned from; empty where nothing did.

    Parameters
    ----------
    merged
        Name of the method by which several networks were merged.
    n_merged
        Their number.
    bridged
        Name of the method by which it was bridged to the modality of the image.
    n_pairs
        Pairs of images that the bridge was given.
    prepared
        Name of the objective by which it was prepared on images without labels.
    """

    merged: str = ""
    n_merged: int = 0
    bridged: str = ""
    n_pairs: int = 0
    prepared: str = ""

    @property
    def sentences(self) -> tuple[str, ...]:
        """What was done, in its order, a sentence each."""
        return tuple(one for one in (self._merging(), self._bridge(), self._preparation()) if one)

    def _merging(self) -> str:
        how = _MERGES.get(self.merged, f"by the method “{self.merged}”")
        return f"It was merged of {self.n_merged} networks {how}." if self.merged else ""

    def _bridge(self) -> str:
        if not self.bridged or self.bridged == "as-it-is":
            return ""
        if self.bridged == "best-view":
            return "It was shown the image in the view that suits it best."
        how = _BRIDGES.get(self.bridged, f"the method “{self.bridged}”")
        pairs = n_of(self.n_pairs, "pair")
        return (
            f"It was bridged from its own modality to that of the image by {how}, with {pairs} of images "
            "without labels that show one field in both modalities."
        )

    def _preparation(self) -> str:
        return (
            "Before the training it was prepared on images without labels, by self-supervision "
            f"(“{self.prepared}”) and replay in turn (after CUPre; Liao et al. 2023)."
            if self.prepared
            else ""
        )


def references_in(words: str) -> Sequence[str]:
    """Return the references that a text cites, in the order in which the methods name them."""
    return [reference for cited, reference in _CITED.items() if cited in words]
