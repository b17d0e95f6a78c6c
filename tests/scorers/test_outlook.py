from __future__ import annotations

from dataclasses import dataclass

import pytest

from napari_graft.fingerprints.distance import LIKE_OWN, NEAR, Distance
from napari_graft.scorers.order import Evidence, rank
from napari_graft.scorers.outlook import N_TILES, outlook


@dataclass
class Ranked:
    consistency: float | None
    same_structure: bool = True
    few_shot: float | None = None
    title: str = "Nuclei, stained"


@pytest.mark.parametrize(
    ("consistency", "kind"),
    [(0.97, "serves"), (0.9, "serves"), (0.8, "unsure"), (0.69, "nothing"), (0, "nothing")],
)
def test_what_to_expect_follows_from_the_consistency_of_the_first_source(consistency, kind):
    found = outlook([Ranked(consistency), Ranked(0.99)], "nuclei")
    assert found.kind == kind
    assert (str(N_TILES[kind]) in found.words) == (kind != "serves")


def test_nothing_serves_for_sure_where_objects_of_two_widths_are_seen():
    found = outlook([Ranked(0.97)], "nuclei", wider=136.4)
    assert found.kind == "unsure"
    assert "136 pixels" in found.words
    assert outlook([Ranked(0.6)], "nuclei", wider=136.4).kind == "nothing"


def test_sources_of_another_structure_promise_nothing():
    found = outlook([Ranked(0.99, same_structure=False)], "mitochondria")
    assert found.kind == "nothing"
    assert "No source here finds mitochondria" in found.words


def test_nothing_is_expected_where_nothing_was_measured_or_tiles_tell_more():
    assert outlook([Ranked(None)]) is None
    assert outlook([Ranked(0.5, few_shot=-0.2)]) is None


def test_no_source_whose_objects_change_with_noise_is_called_like_its_own_data():
    distance = Distance(0.0, 0.5, 0.5, 32, LIKE_OWN)
    evidence = {
        "steady": Evidence("nuclei", distance, {"consistency": 0.95}),
        "unsteady": Evidence("nuclei", distance, {"consistency": 0.4}),
        "unknown": Evidence("nuclei", distance),
    }
    verdicts = {score.source_id: score.verdict for score in rank(evidence, "nuclei")}
    assert verdicts == {"steady": LIKE_OWN, "unsteady": NEAR, "unknown": LIKE_OWN}
