"""The keys of annotation: one table, from which the dock, its list of keys and the documentation are made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

from napari.components import ViewerModel
from napari.layers import Layer
from napari.utils.key_bindings import coerce_keybinding

from napari_graft._napari.layers import details_of

A = TypeVar("A", bound=str)

Action = Literal[
    "next",
    "previous",
    "done",
    "skip",
    "unsure",
    "bad image",
    "guess",
    "uncertainty",
    "new object",
    "background",
    "clear",
    "refill",
    "withdraw",
    "paint here",
]


@dataclass(frozen=True, slots=True)
class Key(Generic[A]):
    """A key with what it does, in words."""

    key: str
    action: A
    words: str


KEYS: tuple[Key[Action], ...] = (
    Key("E", "next", "Go to the next tile to paint"),
    Key("Q", "previous", "Go back to the tile before"),
    Key("D", "done", "Done: save this tile and go to the next"),
    Key("S", "skip", "Skip this tile; it is not suggested again"),
    Key("W", "unsure", "Unsure: keep what is painted and come back later"),
    Key("R", "bad image", "The image is bad here; the tile is not suggested again"),
    Key("G", "guess", "Show or hide the guess"),
    Key("U", "uncertainty", "Show or hide where the model is unsure"),
    Key("N", "new object", "Paint a new object"),
    Key("A", "background", "Paint background"),
    Key("T", "paint here", "Paint here: a tile of your own in the middle of the view"),
    Key("V", "refill", "Refill: put the guess wherever nobody has painted"),
    Key("C", "clear", "Clear this tile; it can be taken back"),
    Key("Y", "withdraw", "Take this tile out of those that are done; what is painted stays"),
)
"""What we bind, whichever layer is active."""

NAPARI_KEYS: tuple[tuple[str, str], ...] = (
    ("1", "Erase: make pixels unlabelled"),
    ("2", "Paint"),
    ("3", "Paint a polygon"),
    ("4", "Fill"),
    ("5", "Pick the object under the cursor"),
    ("[ and ]", "Smaller and larger brush"),
    ("B", "Protect what is painted already"),
    ("Space (hold)", "Move the image"),
    ("Ctrl+Z", "Undo a stroke or an edit, also after a restart"),
    ("Ctrl+Shift+Z", "Do it again"),
)
"""napari's own keys that help with painting; we leave them as they are."""

ProofreadAction = Literal[
    "merge",
    "split",
    "new",
    "larger",
    "smaller",
    "delete",
    "fill",
    "smooth",
    "between",
    "onwards",
    "lock",
    "confirm",
    "forget",
    "next object",
    "previous object",
    "accept",
    "skip object",
    "join",
    "undo",
    "redo",
]


PROOFREAD_KEYS: tuple[Key[ProofreadAction], ...] = (
    Key("A", "merge", "Merge: click two objects that are one, or drag across their border"),
    Key("S", "split", "Split: click in each part of an object, then Enter"),
    Key("W", "new", "New: click where there is no object, then Enter"),
    Key("=", "larger", "Let the new object be larger; the wheel of the mouse does as well"),
    Key("-", "smaller", "Let the new object be smaller"),
    Key("D", "delete", "Delete: click an object"),
    Key("F", "fill", "Fill holes: click an object"),
    Key("G", "smooth", "Smooth: click an object"),
    Key("R", "between", "Fill z: click an object that is missing between two slices of a stack"),
    Key("Z", "onwards", "Next slice: click an object to carry it on to the next slice of a stack"),
    Key("X", "lock", "Lock an object, or unlock it: no tool changes one that is locked"),
    Key("Enter", "confirm", "Do what is previewed; else go to the next suspicious object"),
    Key("Escape", "forget", "Forget the clicks that wait"),
    Key("E", "next object", "Go to the next suspicious object"),
    Key("Q", "previous object", "Go back to the one before"),
    Key("C", "accept", "It is right as it is: no, these two are not one"),
    Key("T", "join", "Yes, these two are one: merge them"),
    Key("V", "skip object", "Skip: nobody can tell"),
    Key("Control-Z", "undo", "Undo"),
    Key("Control-Shift-Z", "redo", "Do again"),
)
"""What we bind on the layer that is proofread."""


TileTool = Literal["merge", "split", "new", "delete", "fill", "smooth"]

TILE_TOOL_KEYS: tuple[Key[TileTool], ...] = (
    Key("Shift-A", "merge", "Merge: click two objects that are one, or drag across their border"),
    Key("Shift-S", "split", "Split: click in each part of an object, then Enter"),
    Key("Shift-W", "new", "New: click where an object is missing, then Enter; + and - change its size"),
    Key("Shift-D", "delete", "Delete: click an object; it becomes background"),
    Key("Shift-F", "fill", "Fill holes: click an object"),
    Key("Shift-G", "smooth", "Smooth: click an object"),
)
"""What we bind on the layer of the tile; Enter, Esc, + and - while one of these is in hand."""


def tile_tool_key_of(action: TileTool) -> str:
    """Return the key of an object tool in a tile, as people write it."""
    return next(key.key for key in TILE_TOOL_KEYS if key.action == action).replace("Shift-", "Shift+")


def tile_tool_tip(action: TileTool) -> str:
    """Return what an object tool does in a tile and its key, in words."""
    words = next(key.words for key in TILE_TOOL_KEYS if key.action == action)
    return f"{words} ({tile_tool_key_of(action)})"


def proofread_key_of(action: ProofreadAction) -> str:
    """Return the key of an action, as people write it."""
    key = next(key.key for key in PROOFREAD_KEYS if key.action == action)
    written = {"=": "+ or =", "Escape": "Esc"}.get(key, key)
    return written.replace("Control-", "Ctrl+").replace("Shift-", "Shift+")


def proofread_tip(action: ProofreadAction) -> str:
    """Return what an action does and its key, in words."""
    words = next(key.words for key in PROOFREAD_KEYS if key.action == action)
    return f"{words} ({proofread_key_of(action)})"


_OURS = frozenset(coerce_keybinding(key.key) for key in KEYS)


def key_of(action: Action) -> str:
    """Return the key of an action."""
    return next(key.key for key in KEYS if key.action == action)


class ViewerKeys:
    """Key bindings of a viewer that work whichever layer is active.

    napari asks the active layer first, and layers of several kinds have a use of their own for some of these
    keys; so the active layer gets them as well, and gives them back when another one becomes active.

    Parameters
    ----------
    viewer
        Where.
    actions
        What to do for each action.
    """

    def __init__(self, viewer: ViewerModel, actions: Mapping[Action, Callable[[], None]]) -> None:
        self._viewer = viewer
        self._bindings = {coerce_keybinding(key.key): _as_binding(actions[key.action]) for key in KEYS}
        self._layer: Layer | None = None
        self._before: dict[Any, Any] = {}
        self._viewer_before: dict[Any, Any] = {}
        self._is_bound = False

    def bind(self) -> None:
        """Take the keys."""
        if self._is_bound:
            return
        self._is_bound = True
        self._viewer_before = self._take(self._viewer)
        self._viewer.layers.selection.events.active.connect(self._on_active_changed)
        self._on_active_changed()

    def release(self) -> None:
        """Give the keys back."""
        if not self._is_bound:
            return
        self._is_bound = False
        self._viewer.layers.selection.events.active.disconnect(self._on_active_changed)
        self._release_layer()
        self._give_back(self._viewer, self._viewer_before)

    def _on_active_changed(self) -> None:
        self._release_layer()
        self._layer = self._viewer.layers.selection.active
        if self._layer is not None and details_of(self._layer).get("role") == "proofread":
            self._layer = None  # it has keys of its own
        if self._layer is not None:
            self._before = self._take(self._layer)

    def _release_layer(self) -> None:
        if self._layer is not None:
            self._give_back(self._layer, self._before)
        self._layer = None

    def _take(self, owner: ViewerModel | Layer) -> dict[Any, Any]:
        before = {key: owner.keymap[key] for key in _OURS if key in owner.keymap}
        for key, binding in self._bindings.items():
            owner.bind_key(key, binding, overwrite=True)
        return before

    @staticmethod
    def _give_back(owner: ViewerModel | Layer, before: Mapping[Any, Any]) -> None:
        for key in _OURS:
            owner.keymap.pop(key, None)
        owner.keymap.update(before)


def _as_binding(action: Callable[[], None]) -> Callable[[object], None]:
    def binding(_: object) -> None:
        action()

    return binding


def keys_page() -> str:
    """Return the page of the documentation that lists the keys, in Markdown."""
    ours = "\n".join(f"| `{key.key}` | {key.words} |" for key in KEYS)
    others = "\n".join(f"| `{key}` | {words} |" for key, words in NAPARI_KEYS)
    tools = "\n".join(f"| `{proofread_key_of(key.action)}` | {key.words} |" for key in PROOFREAD_KEYS)
    in_tiles = "\n".join(f"| `{tile_tool_key_of(key.action)}` | {key.words} |" for key in TILE_TOOL_KEYS)
    head = "| key | what it does |\n|---|---|\n"
    return (
        "# Keys\n\n"
        "Once tiles are suggested you can paint them all without touching the dock. The keys lie under the "
        "left hand and work whichever layer is selected.\n\n"
        f"{head}{ours}\n\n"
        "## napari's own keys for painting\n\n"
        "They work while the layer of labels is selected, as it is when you go to a tile.\n\n"
        f"{head}{others}\n\n"
        "## Object tools in a tile\n\n"
        "They are those of the proofreading, with `Shift`. The key of the tool that you have already is a "
        "click where the mouse is; `Esc` gives the brush back. `Ctrl+Z` takes back strokes and tools "
        "alike, without limit, and also after the project was opened again.\n\n"
        f"{head}{in_tiles}\n\n"
        "While two segmentations are compared by blinking, `B` shows the other one.\n\n"
        "## Proofreading\n\n"
        "They work while the layer that is proofread is selected, as it is once you press *Proofread*. The "
        "key of the tool that you have already is a click where the mouse is.\n\n"
        f"{head}{tools}\n"
    )
