"""The panel of UniCAM: other pictures, and its state."""

from __future__ import annotations

import json

from tests.diagnostics.unicam.examples import made
from workbench.diagnostics.unicam.panel import UniCAMPanel
from workbench.drawing.draw import draw
from workbench.widgets.panel import panel


def test_it_leafs_through_the_pictures_and_keeps_its_place() -> None:
    result = made()
    shown = panel(result)
    assert isinstance(shown, UniCAMPanel)
    shown.first.value = 3
    assert shown.picture.figure == draw(result, first=3)
    again = UniCAMPanel.from_state(json.loads(json.dumps(shown.state())), result)
    assert again.picture.figure == shown.picture.figure
    assert "our proposal" in shown.words.value
    assert "40 samples" in repr(again)


def test_without_maps_there_is_nothing_to_leaf_through() -> None:
    shown = panel(made(places=False))
    assert shown.first.layout.display == "none"
    assert len(shown.picture.figure.data) == 2
