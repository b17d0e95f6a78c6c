from __future__ import annotations

from pathlib import Path

import numpy as np
from napari.components import ViewerModel
from napari.utils.key_bindings import coerce_keybinding

from napari_graft._napari.keys import KEYS, PROOFREAD_KEYS, ViewerKeys, key_of, keys_page
from napari_graft._napari.layers import mark

PAGE = Path(__file__).parents[2] / "docs" / "keys.md"


def test_page_of_the_documentation_is_made_from_the_table() -> None:
    assert PAGE.read_text(encoding="utf-8") == keys_page()


def test_no_key_is_taken_twice_nor_from_the_tools_of_painting() -> None:
    keys = [key.key for key in KEYS]
    assert len(set(keys)) == len(keys)
    assert not set(keys) & set("1234567ZFPBM")
    assert key_of("next") == "E"


def test_the_layer_that_is_proofread_keeps_its_own_keys() -> None:
    viewer = ViewerModel()
    pressed: list[str] = []
    layer = viewer.add_labels(np.zeros((4, 4), int), metadata=mark("proofread", kind="objects"))
    layer.bind_key("D", lambda _: pressed.append("delete"), overwrite=True)
    keys = ViewerKeys(viewer, {key.action: lambda key=key: pressed.append(key.action) for key in KEYS})
    keys.bind()
    viewer.layers.selection.active = layer

    layer.keymap[coerce_keybinding("D")](layer)
    keys.release()
    layer.keymap[coerce_keybinding("D")](layer)

    assert pressed == ["delete", "delete"]


def test_no_key_of_the_proofreading_is_taken_twice() -> None:
    keys = [key.key for key in PROOFREAD_KEYS]
    assert len(set(keys)) == len(keys)


def test_keys_of_the_user_come_back_when_ours_are_released() -> None:
    viewer = ViewerModel()
    layer = viewer.add_shapes()
    pressed: list[str] = []
    viewer.bind_key("D", lambda _: pressed.append("user"))
    keys = ViewerKeys(viewer, {key.action: lambda key=key: pressed.append(key.action) for key in KEYS})
    keys.bind()
    keys.bind()

    done = coerce_keybinding("D")
    layer.keymap[done](layer)
    viewer.layers.selection.active = None
    assert done not in layer.keymap
    viewer.keymap[done](viewer)
    keys.release()
    viewer.keymap[done](viewer)

    assert pressed == ["done", "done", "user"]
    assert [str(key) for key in viewer.keymap] == ["D"]
