from __future__ import annotations

from napari_graft.fingerprints.distance import FAR, LIKE_OWN, NEAR, Distance
from napari_graft.fingerprints.polarity import polarity_remedy
from napari_graft.fingerprints.ranking import Evidence, rank


def at(z, verdict=NEAR):
    return Distance(mmd2=z / 1000, z=z, p_value=0.5, n=32, verdict=verdict)


STRUCTURES = {"ca1": "neurites", "nerve": "axons", "liver": "mitochondria", "embryo": "nuclei"}
DISTANCES = {"liver": at(1, LIKE_OWN), "ca1": at(20), "embryo": at(80, FAR), "nerve": at(9)}


def test_the_wanted_structure_comes_first_then_its_family_and_then_the_nearest():
    scores = rank(DISTANCES, STRUCTURES, "neurites")
    assert [score.source_id for score in scores] == ["ca1", "nerve", "liver", "embryo"]
    assert [score.same_structure for score in scores] == [True, True, False, False]
    assert [score.verdict for score in scores] == [NEAR, NEAR, LIKE_OWN, FAR]


def test_of_sources_for_the_wanted_structure_the_nearest_comes_first():
    scores = rank(DISTANCES | {"vnc": at(12)}, STRUCTURES | {"vnc": "neurites"}, "neurites")
    assert [score.source_id for score in scores][:3] == ["vnc", "ca1", "nerve"]


def test_without_a_wanted_structure_the_nearest_comes_first():
    assert [score.source_id for score in rank(DISTANCES, STRUCTURES, None)] == [
        "liver",
        "nerve",
        "ca1",
        "embryo",
    ]


def test_cells_and_nuclei_and_organelles_and_mitochondria_are_families():
    assert rank(DISTANCES, STRUCTURES, "cells")[0].source_id == "embryo"
    assert rank(DISTANCES, STRUCTURES, "organelles")[0].source_id == "liver"


def test_an_unheard_of_structure_is_its_own_family():
    scores = rank(DISTANCES, STRUCTURES | {"embryo": "synapses"}, "synapses")
    assert scores[0].source_id == "embryo"
    assert not any(score.same_structure for score in scores[1:])


def test_other_evidence_is_passed_on_and_does_not_change_the_order():
    evidence = Evidence({"ca1": 0.9}, {"ca1": 0.8}, {"nerve": "invert the image"})
    scores = rank(DISTANCES, STRUCTURES, "neurites", evidence)
    assert [score.source_id for score in scores] == ["ca1", "nerve", "liver", "embryo"]
    assert (scores[0].consistency, scores[0].few_shot, scores[0].remedy) == (0.9, 0.8, None)
    assert (scores[1].consistency, scores[1].remedy) == (None, "invert the image")


def test_the_order_does_not_depend_on_the_order_of_the_sources():
    equal = {"b": at(5), "a": at(5)}
    forward = rank(equal, {"a": "cells", "b": "cells"}, None)
    assert forward == rank(dict(reversed(equal.items())), {"a": "cells", "b": "cells"}, None)
    assert [score.source_id for score in forward] == ["a", "b"]


def test_a_target_clearly_closer_when_inverted_gets_advice():
    advice = polarity_remedy(at(60), at(8))
    assert advice is not None
    assert "the contrast looks inverted" in advice
    assert "60 to 8" in advice


def test_no_advice_without_a_clear_gain():
    assert polarity_remedy(at(60), at(40)) is None
    assert polarity_remedy(at(2), at(-4)) is None
    assert polarity_remedy(at(5), at(2)) is None
    assert polarity_remedy(at(8), at(60)) is None
