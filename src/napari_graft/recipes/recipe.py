"""The recipe file: where the images are, how they are cut, and how long the network is trained."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from napari_graft.core.errors import InputError
from napari_graft.io.regular_files import read_named
from napari_graft.io.untrusted import MAX_YAML_BYTES, parse_yaml
from napari_graft.sources.card import Slug, Structure
from napari_graft.sources.network_spec import ModelSpec
from napari_graft.training.config import PATCH


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ImageEntry(_Part):
    """Labelled images.

    Parameters
    ----------
    image, labels
        Paths below the recipe's folder; a pattern such as ``set/image_*.tif`` stands for all that match, in
        order.
    pixel_size
        Nanometres per pixel along y and x (and z first, for stacks), None where unknown.
    split
        How the held-out part is cut off: the last fifth of the slices (or images), or of the columns or
        rows of every slice, where the slices are too alike to tell anything.
    planes
        For a 2-D network: directions in which an isotropic volume is sliced. The held-out part is cut off
        along the first of them; the others run through the rest alone.
    border
        Pixels taken off every object along its border, for truths in which neighbours touch.
    split_objects
        Give every connected piece of an object its own id, for truths that say only which class a pixel is,
        or whose ids hold in 3-D. A mask of 0 and 255 in several pieces is refused where this is not said.
    every
        Use only each n-th slice, so that a thick stack does not outweigh the other images of a pool.
    independent
        Whether the planes of a file are images of their own, each with its own grey range and, where the
        network knows the diameter of its objects, its own scale.
    """

    image: str
    labels: str
    pixel_size: tuple[float, ...] | None = None
    split: Literal["slices", "columns", "rows"] = "slices"
    planes: tuple[Literal["xy", "xz", "yz"], ...] = ("xy",)
    border: int = Field(default=0, ge=0, le=5)
    split_objects: bool | None = None
    every: int = Field(default=1, ge=1)
    independent: bool = False

    @model_validator(mode="after")
    def _check_planes(self) -> ImageEntry:
        if self.split != "slices" and len(self.planes) > 1:
            raise ValueError(f"{self.split} can be set aside in one plane only: name one, or split by slices")
        return self


class GeneratedEntry(_Part):
    """Generated images: what they show (see `GENERATORS`), their number, side in pixels, and the seed."""

    content: Literal["any", "bacteria", "myelin", "stained-nuclei"] = "any"
    n_images: int = Field(ge=10)
    size: int = Field(ge=128)
    seed: int = 0


class Schedule(_Part):
    """Schedule of a training: its length and rate.

    Parameters
    ----------
    patch
        Side of a 2-D patch, or the lengths of a 3-D one along z, y and x; None for the usual one.
    """

    steps: int = Field(ge=1)
    batch_size: int = Field(default=4, ge=1)
    patch: Annotated[int, Field(ge=64)] | tuple[int, int, int] | None = None
    learning_rate: float = Field(default=2e-3, gt=0)
    seed: int = 0


class UnlabelledEntry(_Part):
    """Images without labels.

    Parameters
    ----------
    image
        Path below the recipe's folder, or a pattern.
    pixel_size
        Nanometres per pixel along the axes of the files, None for what these say.
    diameter
        Of the objects, in pixels of the images, where the network knows that of its own; None where unknown.
    """

    image: str
    pixel_size: tuple[float, ...] | None = None
    diameter: float | None = Field(default=None, ge=2)


class PretrainingEntry(_Part):
    """Pretraining before the training: self-supervision of the encoder and replay of labels, in turn.

    Parameters
    ----------
    objective
        What is learned without labels: masked, moco or dense.
    replay
        What keeps the rest of the network in step: labelled (the images of the recipe), generated or
        distillation.
    steps
        Steps of both kinds together.
    images
        Further images, without labels; those to train on are looked at in any case.
    """

    objective: str = "masked"
    replay: Annotated[tuple[str, ...], Field(min_length=1)] = ("labelled",)
    steps: int = Field(ge=1)
    images: tuple[UnlabelledEntry, ...] = ()


class Recipe(_Part):
    """Recipe of a source: its images, network, schedule and card.

    Parameters
    ----------
    id, title, structure, species, instrument, license, research_only, citation, data_origin
        What goes onto the source's card.
    spec
        The network.
    start
        Id or path (relative to the recipe) of the source to start from, None for fresh weights.
    folder
        Folder of the images, relative to the recipe.
    images, generated
        What to train on; one of the two.
    pretraining
        How the network is prepared before, None where it is not.
    datasets, related_datasets
        Names of the sets used, and of those that are not independent of them.
    faults
        Copies that each image to train on gets beside the plain one, with one to three faults of microscopes
        drawn at random; see `FAULTS`. What chooses and what is scored stays as it is.
    balanced
        Whether each entry of `images` gives as many patches as the others, and not each pixel.
    schedule
        Length and pace.
    """

    format_version: Literal[1] = 1
    id: Slug
    title: str
    structure: Structure
    species: str = ""
    instrument: str = ""
    license: str
    research_only: bool = False
    citation: str = ""
    data_origin: str = ""
    spec: ModelSpec = ModelSpec()
    start: str | None = None
    folder: str = "."
    images: tuple[ImageEntry, ...] = ()
    generated: GeneratedEntry | None = None
    pretraining: PretrainingEntry | None = None
    datasets: tuple[str, ...] = ()
    related_datasets: tuple[str, ...] = ()
    faults: int = Field(default=0, ge=0, le=20)
    balanced: bool = False
    schedule: Schedule

    @model_validator(mode="after")
    def _check_material(self) -> Recipe:
        if bool(self.images) == (self.generated is not None):
            raise ValueError("a recipe names either images or generated images")
        if self.spec.ndim == 3 and (
            self.generated or any(e.planes != ("xy",) or e.every > 1 for e in self.images)
        ):
            raise ValueError(
                "a 3-D network is trained on whole volumes: leave out generated, planes and every"
            )
        return self

    @model_validator(mode="after")
    def _check_patch(self) -> Recipe:
        stride = self.spec.total_stride
        if len(self.patch) != self.spec.ndim or any(
            n < 1 or n % s for n, s in zip(self.patch, stride, strict=True)
        ):
            raise ValueError(
                f"a patch of {self.patch} does not suit: give {self.spec.ndim} multiples of {stride}"
            )
        return self

    @property
    def patch(self) -> tuple[int, ...]:
        """Shape of a training patch."""
        wanted = self.schedule.patch
        if wanted is None:
            return PATCH[self.spec.ndim]
        return (wanted, wanted) if isinstance(wanted, int) else wanted


def read_recipe(path: Path) -> Recipe:
    """Read a recipe from a YAML file.

    Raises
    ------
    InputError
        If the file is missing, no YAML, or a value does not fit.
    """
    values = parse_yaml(read_named(path, limit=MAX_YAML_BYTES, title="recipe"), f"recipe {str(path)!r}")
    try:
        return Recipe.model_validate(values)
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        where = ".".join(map(str, problem["loc"])) or "the recipe"
        raise InputError(f"recipe {str(path)!r}: {where}: {problem['msg']}") from None
