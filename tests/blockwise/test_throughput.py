from __future__ import annotations

import json
from pathlib import Path

import pytest

from napari_graft.studies import throughput
from napari_graft.studies.throughput import run_throughput


def test_all_contestants_are_compared_with_the_faster_way_to_run_the_bare_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(throughput.PIXELS, True, 160)
    monkeypatch.setitem(throughput.REPEATS, True, 1)
    figures = run_throughput(tmp_path / "new", quick=True, device="cpu")
    contestants = figures["contestants"]
    fastest = min(contestants[name]["seconds"][0] for name in ("bare", "bare_side_by_side"))
    for row in contestants.values():
        assert row["of_bare"] == pytest.approx(fastest / row["seconds"][0])
        assert row["megapixels_per_second"] == pytest.approx(0.0256 / row["seconds"][0])
    network, monai = (contestants[name]["seconds"][0] for name in ("network_part", "monai"))
    assert figures["network_to_monai"] == pytest.approx(monai / network)
    assert figures["decoding_to_network"] > 0
    assert figures["number_type"] in ("float32", "bfloat16")
    written = json.loads((tmp_path / "new" / "throughput.json").read_text())
    assert written == {"made_by": "napari-graft", **figures}
    printed = capsys.readouterr().out
    assert "160 × 160 pixels in 1 windows" in printed
    assert all(name.replace("_", " ") in printed for name in contestants)
