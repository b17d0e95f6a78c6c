from __future__ import annotations

import re
from pathlib import Path

import pytest
from npe2 import PluginManifest

from napari_graft.core.errors import InputError
from napari_graft.samples.public import PUBLIC_SAMPLES, PublicSample, public_sample

MANIFEST = Path(__file__).parents[2] / "src" / "napari_graft" / "napari.yaml"
RAW_FILE = r"https://raw\.githubusercontent\.com/[\w-]+/[\w-]+/[0-9a-f]{40}/[\w./%-]+"


def test_every_file_is_one_of_a_fixed_commit_with_a_checksum() -> None:
    files = [file for sample in PUBLIC_SAMPLES for file in sample.files]
    assert len({file.sha256 for file in files}) == len(files)
    for file in files:
        assert re.fullmatch(RAW_FILE, file.url)
        assert re.fullmatch(r"[0-9a-f]{64}", file.sha256)
        assert 0 < file.n_bytes < 15_000_000


def test_every_image_has_terms_and_a_citation_and_is_found_by_its_key() -> None:
    assert len({sample.key for sample in PUBLIC_SAMPLES}) == len(PUBLIC_SAMPLES)
    for sample in PUBLIC_SAMPLES:
        assert public_sample(sample.key) is sample
        assert sample.licence.startswith(("MIT", "BSD-3-Clause", "CC0"))
        assert re.search(r"\d{4}", sample.citation)


def test_an_unknown_key_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(InputError, match=r"no public image is called 'mars': choose one of rat-axons, "):
        public_sample("mars")


@pytest.mark.parametrize("sample", PUBLIC_SAMPLES, ids=lambda sample: sample.key)
def test_the_menu_of_napari_offers_each_with_its_size(sample: PublicSample) -> None:
    contributed = PluginManifest.from_file(MANIFEST).contributions.sample_data or []
    (entry,) = [one for one in contributed if one.key == sample.key]
    assert entry.uri == f"napari-graft://samples/{sample.key}"
    assert entry.reader_plugin == "napari-graft"
    assert entry.display_name == f"{sample.title} (download, {sample.n_bytes / 1e6:.1f} MB)"
