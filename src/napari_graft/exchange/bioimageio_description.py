"""The description in a bioimage.io package: what is used of it is validated, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_graft.core.errors import InputError
from napari_graft.exchange.bioimageio_package import Package
from napari_graft.io import plain_yaml

if TYPE_CHECKING:
    from bioimageio.spec.model.v0_5 import ModelDescr

_USED_WEIGHTS = ("torchscript", "pytorch_script")
"""By their name in the formats since 0.4, and before."""
_REASONS = {
    "pytorch_state_dict": "its weights are a pytorch_state_dict, whose network is built by Python code: that "
    "would run code of the package",
    "onnx": "its weights are ONNX, which napari-graft does not run",
    "keras_hdf5": "its weights are of Keras, which napari-graft does not run",
    "keras_v3": "its weights are of Keras, which napari-graft does not run",
    "tensorflow_js": "its weights are of TensorFlow, which napari-graft does not run",
    "tensorflow_saved_model_bundle": "its weights are of TensorFlow, which napari-graft does not run",
}


def load_model(package: Package) -> ModelDescr:
    """Return the model that the description in a package tells of, in the newest format.

    Published descriptions are often not valid in parts that do not matter here: weights of other programs, or
    a halo larger than the smallest window. These are left out first.

    Raises
    ------
    InputError
        If it is no model, has no TorchScript weights, or is not valid in what is left, or if bioimageio.core
        is not installed.
    """
    try:
        from bioimageio.spec import ValidationContext, build_description
        from bioimageio.spec.model.v0_5 import ModelDescr
    except ImportError:
        raise InputError(
            "bioimage.io packages of others need bioimageio.core: install it with pip install bioimageio.core"
        ) from None
    title = package.title
    text = package.read(package.description)
    plain_yaml.check_yaml(text, f"the description in {title}")
    content: Any = _read(text, title)
    if not isinstance(content, dict):
        raise InputError(_not_valid(title, "it lists no fields"))
    _refuse_useless(content, title)
    # Nothing is downloaded: what the package refers to on the network is not needed here.
    context = ValidationContext(
        root=package.archive, file_name=package.description, perform_io_checks=False, log_warnings=False
    )
    try:
        found = build_description(_without_unused(content), context=context, format_version="latest")
    except Exception as error:
        # It converts old formats before it validates them, and fails in any way where a value is odd.
        raise InputError(_not_valid(title, " ".join(str(error).split())[:300])) from None
    if isinstance(found, ModelDescr):
        return found
    errors = found.validation_summary.errors
    where = ".".join(map(str, errors[0].loc)) if errors else ""
    reason = f"{where}: {errors[0].msg}" if errors else found.validation_summary.status
    raise InputError(_not_valid(title, " ".join(reason.split())[:300]))


def _read(text: bytes, title: str) -> Any:
    """Read YAML as bioimage.io does, which is of another version than ours: there is no ``on`` for true."""
    from bioimageio.spec.utils import read_yaml

    try:
        return read_yaml(text)
    except Exception as error:
        # Its reader raises what it likes where a date or a number is none.
        raise InputError(_not_valid(title, " ".join(str(error).split())[:300])) from None


def _not_valid(title: str, reason: str) -> str:
    return f"the description in {title} is not valid ({reason}): get it again, or tell its authors"


def _refuse_useless(content: dict[str, Any], title: str) -> None:
    """Refuse what cannot be used however valid it is, so that this is the reason that is given."""
    kind = content.get("type")
    if kind is None:
        raise InputError(
            f"{title} is of format {content.get('format_version', 'unknown')}, which does not say what it "
            "holds: formats before 0.3.2 cannot be read; look for a newer package of it"
        )
    if kind != "model":
        raise InputError(f"{title} holds a {kind} and no model: choose a model")
    weights = content.get("weights")
    if not isinstance(weights, dict) or any(name in weights for name in _USED_WEIGHTS):
        return
    reason = next((why for name, why in _REASONS.items() if name in weights), None)
    if reason is None and not weights:
        reason = "it has no weights"
    if reason is not None:
        raise InputError(f"{title} cannot be used: {reason}; ask for TorchScript")


def _without_unused(content: dict[str, Any]) -> dict[str, Any]:
    left: dict[str, Any] = {**content}
    weights = content.get("weights")
    used = {n: weights[n] for n in _USED_WEIGHTS if n in weights} if isinstance(weights, dict) else {}
    if used:
        left["weights"] = {name: _without(entry, "parent") for name, entry in used.items()}
    left["inputs"] = _each(content.get("inputs"), _without_scalar_axes)
    # Windows overlap and are blended however wide a halo is said to be.
    left["outputs"] = _each(content.get("outputs"), _without_halo)
    return left


def _without_halo(tensor: dict[str, Any]) -> dict[str, Any]:
    left: dict[str, Any] = _without(tensor, "halo")
    if isinstance(left.get("axes"), list):
        left["axes"] = _each(left["axes"], lambda axis: _without(axis, "halo"))
    return left


def _without_scalar_axes(tensor: dict[str, Any]) -> dict[str, Any]:
    # bioimageio.spec cannot convert the axes of one number for all to its newest format.
    steps = _each(tensor.get("preprocessing"), _without_axes)
    return tensor if steps is None else tensor | {"preprocessing": steps}


def _without_axes(step: dict[str, Any]) -> dict[str, Any]:
    kwargs = step.get("kwargs")
    if step.get("name") != "scale_linear" or not isinstance(kwargs, dict):
        return step
    if any(isinstance(kwargs.get(name), list) for name in ("gain", "offset")):
        return step
    return step | {"kwargs": _without(kwargs, "axes")}


def _each(entries: Any, change: Any) -> Any:
    """Return entries changed where they are what they should be; the rest is for the validation."""
    if not isinstance(entries, list):
        return entries
    return [change(entry) if isinstance(entry, dict) else entry for entry in entries]


def _without(entry: Any, name: str) -> Any:
    return {key: value for key, value in entry.items() if key != name} if isinstance(entry, dict) else entry
