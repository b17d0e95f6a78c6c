from __future__ import annotations

from napari_graft.fingerprints.distance import FAR, LIKE_OWN, NEAR, Distance
from napari_graft.scorers.domain_shift import DomainShift, is_clear_gain
from napari_graft.scorers.order import UNKNOWN, Evidence, combined_ranks, rank


def at(structure, z, verdict=NEAR, **readings):
    return Evidence(structure, Distance(z / 1000, z, 0.5, 32, verdict), {"mmd": -z, **readings})


EVIDENCE = {
    "liver": at("mitochondria", 1, LIKE_OWN),
    "ca1": at("neurites", 20),
    "embryo": at("nuclei", 80, FAR),
    "nerve": at("axons", 9),
}


def order(evidence, wanted):
    return [score.source_id for score in rank(evidence, wanted)]


def test_the_wanted_structure_comes_first_then_its_family_and_then_the_nearest():
    scores = rank(EVIDENCE, "neurites")
    assert [score.source_id for score in scores] == ["ca1", "nerve", "liver", "embryo"]
    assert [score.same_structure for score in scores] == [True, True, False, False]
    assert [score.verdict for score in scores] == [NEAR, NEAR, LIKE_OWN, FAR]


def test_of_sources_for_the_wanted_structure_the_nearest_comes_first():
    assert order(EVIDENCE | {"vnc": at("neurites", 12)}, "neurites")[:3] == ["vnc", "ca1", "nerve"]


def test_without_a_wanted_structure_the_nearest_comes_first():
    assert order(EVIDENCE, None) == ["liver", "nerve", "ca1", "embryo"]


def test_cells_and_nuclei_and_organelles_and_mitochondria_are_families():
    assert order(EVIDENCE, "cells")[0] == "embryo"
    assert order(EVIDENCE, "organelles")[0] == "liver"


def test_the_family_counts_like_the_structure_where_every_source_of_it_guesses():
    evidence = {
        "cells": at("cells", 1, consistency=0.6),
        "nuclei": at("nuclei", 20, consistency=0.95),
        "axons": at("axons", 0, consistency=1.0),
    }
    scores = rank(evidence, "cells")
    assert [score.source_id for score in scores] == ["nuclei", "cells", "axons"]
    assert [score.same_structure for score in scores] == [True, True, False]
    evidence["other cells"] = at("cells", 30, consistency=0.75)
    assert order(evidence, "cells") == ["other cells", "cells", "nuclei", "axons"]


def test_the_family_counts_like_the_structure_once_tiles_were_looked_at():
    evidence = {
        "cells": at("cells", 1, consistency=0.9, **{"few-shot": -0.9}),
        "nuclei": at("nuclei", 20, consistency=0.9, **{"few-shot": -0.1}),
        "better": at("nuclei", 3, consistency=0.95, **{"few-shot": -0.1}),
        "axons": at("axons", 0, consistency=1.0, **{"few-shot": -0.0}),
    }
    assert order(evidence, "cells") == ["better", "nuclei", "cells", "axons"]


def test_an_unheard_of_structure_is_its_own_family():
    scores = rank(EVIDENCE | {"embryo": at("synapses", 80)}, "synapses")
    assert scores[0].source_id == "embryo"
    assert not any(score.same_structure for score in scores[1:])


def test_scorers_that_agree_outvote_one_that_does_not():
    evidence = {
        "near": at("neurites", 1, consistency=0.2, **{"few-shot": -0.9}),
        "far": at("neurites", 30, consistency=0.9, **{"few-shot": -0.3}),
    }
    assert order(evidence, "neurites") == ["far", "near"]


def test_a_source_that_cannot_be_measured_at_all_comes_last_in_its_group():
    evidence = {
        "a": Evidence("neurites", None),
        "b": at("neurites", 90),
        "c": at("neurites", 2),
        "d": at("nuclei", 0),
    }
    scores = rank(evidence, "neurites")
    assert [score.source_id for score in scores] == ["c", "b", "a", "d"]
    assert (scores[2].verdict, scores[2].combined) == (UNKNOWN, None)


def test_a_source_that_one_scorer_cannot_measure_is_judged_by_the_others():
    readings = {"a": {"x": 3.0, "y": 1.0}, "b": {"x": 2.0}, "c": {"x": 1.0, "y": 2.0}}
    assert combined_ranks(readings, [("x", "y")]) == {"a": 0.5, "b": 0.5, "c": 0.5}
    assert combined_ranks(readings, [("x",)]) == {"a": 0.0, "b": 0.5, "c": 1.0}


def test_groups_of_scorers_count_alike_however_many_scorers_are_in_them():
    readings = {"a": {"x": 2.0, "y": 2.0, "z": 1.0}, "b": {"x": 1.0, "y": 1.0, "z": 2.0}}
    assert combined_ranks(readings, [("x", "y"), ("z",)]) == {"a": 0.5, "b": 0.5}
    assert combined_ranks(readings, [("x", "y"), ("unheard",)]) == {"a": 0.0, "b": 1.0}


def test_what_is_seen_on_the_tiles_counts_as_much_as_all_else():
    image = {"near": at("neurites", 1, consistency=0.9), "far": at("neurites", 30, consistency=0.2)}
    assert order(image, "neurites") == ["near", "far"]
    tiles = {
        "near": at("neurites", 1, consistency=0.9, **{"few-shot": -3.0}),
        "far": at("neurites", 30, consistency=0.2, **{"few-shot": -0.3}),
    }
    assert {score.combined for score in rank(tiles, "neurites")} == {0.5}


def test_ties_share_a_place_and_do_not_depend_on_the_order_of_the_sources():
    equal = {"b": at("cells", 5), "a": at("cells", 5)}
    assert order(equal, None) == order(dict(reversed(equal.items())), None) == ["a", "b"]
    assert {score.combined for score in rank(equal, None)} == {0.5}


def test_a_domain_shift_is_a_clear_gain_only():
    assert is_clear_gain(60, 8)
    assert not is_clear_gain(60, 40)
    assert not is_clear_gain(5, 2)
    assert not is_clear_gain(8, 60)


def test_a_domain_shift_says_what_to_do_and_what_it_changes():
    assert "things look smaller" in DomainShift("rescale", 2, 60, 8).words
    assert "rescale the image by 0.5 (z falls" in DomainShift("rescale", 0.5, 60, 8).words


def test_a_source_that_guesses_comes_behind_all_that_are_consistent_however_near_it_looks():
    evidence = {
        "guesses": at("nuclei", 1, LIKE_OWN, consistency=0.5),
        "guesses too": at("nuclei", 2, consistency=0.6),
        "wide": at("nuclei", 20, consistency=0.97),
    }
    scores = rank(evidence, "nuclei")
    assert scores[0].source_id == "wide"
    assert [score.combined for score in scores] == sorted(score.combined for score in scores)
    assert scores[0].combined < 0.5 <= scores[1].combined


def test_what_is_hardly_less_consistent_is_judged_by_the_distance_and_what_is_clearly_less_comes_behind():
    far = at("nuclei", 18, consistency=0.97, **{"mmd-general": -0.4})
    near = {"consistency": 0.86, "mmd-general": -0.2}
    assert order({"near": at("nuclei", 9, **near), "far": far}, "nuclei") == ["far", "near"]
    near["consistency"] = 0.9
    assert order({"near": at("nuclei", 9, **near), "far": far}, "nuclei") == ["near", "far"]


def test_on_annotated_tiles_a_source_that_guessed_may_come_first():
    evidence = {
        "guesses": at("nuclei", 1, consistency=0.5, **{"few-shot": -0.1}),
        "wide": at("nuclei", 20, consistency=0.97, **{"few-shot": -0.9}),
    }
    assert order(evidence, "nuclei") == ["guesses", "wide"]


def test_where_all_guess_the_order_is_by_place():
    evidence = {
        "near": at("nuclei", 1, consistency=0.3),
        "far": at("nuclei", 20, consistency=0.2),
    }
    assert [score.combined for score in rank(evidence, "nuclei")] == [0.0, 1.0]
