from __future__ import annotations

from dataclasses import replace

from napari_graft.workbench.next_step import Facts, next_step


def test_the_steps_come_in_the_order_of_the_work() -> None:
    facts = Facts()
    tabs = [next_step(facts).tab]
    for change in (
        {"has_image": True},
        {"has_project": True},
        {"is_ranked": True},
        {"has_source": True},
        {"n_to_do": 4},
        {"n_to_do": 0, "n_done": 4, "n_new": 4},
        {"is_training": True},
        {"is_training": False, "n_new": 0, "n_runs": 1},
    ):
        facts = replace(facts, **change)
        tabs.append(next_step(facts).tab)

    assert tabs == ["data", "data", "sources", "sources", "annotate", "annotate", "train", "train", "compare"]


def test_painting_tells_how_far_it_is() -> None:
    facts = Facts(has_image=True, has_project=True, n_to_do=3, n_done=1)

    assert next_step(facts).text == "4 tiles suggested, 1 painted. Paint the next one."


def test_while_training_the_tiles_that_wait_come_first() -> None:
    facts = Facts(has_image=True, has_project=True, n_to_do=1, is_training=True)

    assert next_step(facts).tab == "annotate"
