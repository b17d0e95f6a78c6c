from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import tifffile
from tiny_loop import SEEN_SET, make_stack

from napari_graft.core.errors import InputError
from napari_graft.core.progress import CancelToken, ignore_progress
from napari_graft.io.documents import CHECKSUM
from napari_graft.sources.catalogue import Catalogue
from napari_graft.sources.network_spec import ModelSpec
from napari_graft.studies.ranking.study import label_score, run_ranking
from napari_graft.studies.targets import ISBI, RANKING_TARGETS, LabelledSet
from napari_graft.studies.transfer import TransferPlan, TransferRequest, quality_of

STACK = LabelledSet("tiny_stack", "image.tif", "labels.tif", "nuclei")
MASK = LabelledSet(SEEN_SET, "image.tif", "mask.tif", "cells", is_mask=True)

pytestmark = pytest.mark.usefixtures("quick_training")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    sample = make_stack()
    for name in (STACK.name, MASK.name):
        (folder / name).mkdir()
        tifffile.imwrite(folder / name / "image.tif", sample.image)
    tifffile.imwrite(folder / STACK.name / "labels.tif", sample.segments)
    tifffile.imwrite(folder / MASK.name / "mask.tif", (sample.segments > 0).astype("uint8"))
    return folder


def request(out: Path, data: Path) -> TransferRequest:
    plan = TransferPlan(n_tiles=1, tile=48, steps=2)
    return TransferRequest(out, data, data, 1, (STACK, MASK), plan, is_family_only=False)


def run(of: TransferRequest) -> dict[str, object]:
    run_ranking(of, report=ignore_progress, cancel=CancelToken())
    written: dict[str, object] = json.loads((of.out / "ranking.json").read_text())
    return written


def test_sources_that_have_seen_a_target_take_no_part_and_what_is_finished_is_kept(
    tmp_path: Path, data: Path
) -> None:
    first = run(request(tmp_path, data))

    # The ancestor is no candidate. One of the two others has seen the second target: no order there.
    assert [sorted(one["truth"]) for one in first["targets"]] == [["tiny-neurites", "tiny-nuclei"]]
    assert {row["order"] for row in first["rows"]} >= {"random"}
    kept = {path: path.read_text() for path in tmp_path.glob("ranking-*.jsonl")}
    assert sorted(len(text.splitlines()) for text in kept.values()) == [3, 3]
    assert run(request(tmp_path, data)) == first
    assert {path: path.read_text() for path in kept} == kept
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        ["ranking.json", "ranking.png", *(path.name for path in kept)]  # no image stays behind
    )


@pytest.mark.parametrize("changed", ["weights_sha256", "decode"])
def test_a_source_that_was_trained_or_tuned_anew_is_tried_anew(
    tmp_path: Path, data: Path, changed: str
) -> None:
    run(request(tmp_path, data))
    path = tmp_path / "ranking-transfers.jsonl"
    first, *others = path.read_text().splitlines()
    earlier = json.loads(first) | {changed: "0" * 64 if changed == "weights_sha256" else {"min_size": 1.0}}
    earlier.pop(CHECKSUM)
    path.write_text("\n".join([json.dumps(earlier), *others]) + "\n")
    run(request(tmp_path, data))
    assert len(path.read_text().splitlines()) == 4


def test_a_source_that_cannot_be_trained_takes_no_part(
    tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = Catalogue().get("tiny-nuclei")
    finished = type("Finished", (ModelSpec,), {"is_trainable": False})()
    card = source.card.model_copy(update={"spec": finished})
    monkeypatch.setattr(
        "napari_graft.studies.transfer.candidate_sources",
        lambda catalogue: [type(source)(card, source.path, "user"), catalogue.get("tiny-neurites")],
    )
    found = run(replace(request(tmp_path, data), targets=(STACK,)))
    assert found["targets"] == []  # one source is no order
    lines = (tmp_path / "ranking-transfers.jsonl").read_text().splitlines()
    assert [json.loads(line)["source"] for line in lines] == ["tiny-neurites"]


def test_connected_parts_of_a_mask_are_the_objects(tmp_path: Path, data: Path) -> None:
    _, labels = MASK.prepare(data, tmp_path)
    found, truth = tifffile.imread(labels), tifffile.imread(data / STACK.name / "labels.tif")
    assert ((found > 0) == (truth > 0)).all()
    assert found.max() > 1


def test_quality_is_minus_the_vi_of_what_fills_the_image_and_the_ap_of_all_else() -> None:
    scores = {"vi": 0.7, "ap": 0.4}
    assert quality_of("a-neurites", scores) == -0.7
    assert (
        quality_of("c-nuclei", scores)
        == quality_of("b-axons", scores)
        == quality_of("d-mitochondria", scores)
        == 0.4
    )


def test_labels_on_the_cards_are_genus_and_instrument(sources: Path) -> None:
    card = Catalogue().get("tiny-nuclei").card
    source = Catalogue().get("tiny-nuclei")
    fly = card.model_copy(update={"species": "Drosophila melanogaster", "instrument": "FIB-SEM"})
    both = fly.model_copy(update={"instrument": "ssTEM"})
    for one, expected in ((card, 0), (fly, 1), (both, 2)):
        assert label_score(ISBI, type(source)(one, source.path, "user")) == expected


def test_a_missing_set_is_told_before_anything_is_trained(tmp_path: Path, data: Path) -> None:
    shutil.copytree(data / STACK.name, tmp_path / "data" / STACK.name)
    with pytest.raises(InputError, match=f"'{SEEN_SET}'"):
        run(request(tmp_path / "out", tmp_path / "data"))
    assert not (tmp_path / "out").exists()


def test_targets_have_names_of_their_own() -> None:
    keys = [target.key for target in RANKING_TARGETS]
    assert len(set(keys)) == len(keys)
