"""The panel of layers: another measure, a cell that is clicked, and who is told."""

from __future__ import annotations

import json

from tests import clicks
from tests.diagnostics.representation.examples import made
from tests.examples import HOSTILE
from workbench.diagnostics.representation.panel import RepresentationPanel
from workbench.drawing.draw import draw
from workbench.widgets.panel import panel

RESULT = made()


def click(shown: RepresentationPanel, y: object, x: object, trace: int = 0) -> None:
    clicks.click(shown.picture, trace, x=x, y=y)


def test_it_begins_with_the_best_pair_and_another_measure_is_another_map() -> None:
    shown = panel(RESULT)
    assert isinstance(shown, RepresentationPanel)
    assert shown.pair == (RESULT.hints[0]["student"], RESULT.hints[0]["teacher"])
    assert shown.picture.figure == draw(RESULT)
    shown.measure.value = "rsa"
    assert shown.picture.figure == draw(RESULT, measure="rsa")


def test_a_clicked_cell_of_either_map_is_a_pair_of_layers() -> None:
    shown, heard = panel(RESULT), []
    shown.on_pair(heard.append)
    click(shown, "layer2", "layer3")
    click(shown, "layer1", "layer3", trace=1)
    assert heard == [("layer2", "layer3"), ("layer1", "layer3")]
    assert shown.pair == ("layer1", "layer3")
    assert f"cka {RESULT.of('cka')[0, 2]:.3f}" in shown.words.value
    assert "FitNets(guided='layer1', hint='layer3')" in shown.words.value


def test_the_state_rebuilds_it() -> None:
    shown = panel(RESULT)
    shown.measure.value = "svcca"
    click(shown, "layer3", "layer1")
    again = RepresentationPanel.from_state(json.loads(json.dumps(shown.state())), RESULT)
    assert again.state() == shown.state()
    assert again.words.value == shown.words.value
    assert "svcca: layer3 ~ layer1" in repr(again)


def test_names_of_layers_are_escaped() -> None:
    shown = panel(made(first=HOSTILE))
    click(shown, shown.picture.figure.data[0].y[0], "layer2")
    assert shown.pair == (HOSTILE, "layer2")
    assert "<img" not in shown.words.value
