"""The panel of flatness without a kernel."""

from __future__ import annotations

import json
from dataclasses import replace

from tests.diagnostics.flatness import examples as flatness
from workbench.diagnostics.flatness.panel import FlatnessPanel
from workbench.drawing.draw import draw
from workbench.widgets.panel import panel


def test_noise_may_be_measured_either_way() -> None:
    (result,) = flatness.results()
    shown = panel(result)
    assert shown.view.figure == draw(result, by="share")
    shown.by.value = "radius"
    assert shown.view.figure == draw(result, by="radius")
    assert "not the paper's theorem" in shown.view.figure.layout.title.text
    again = FlatnessPanel.from_state(json.loads(json.dumps(shown.state())), result)
    assert again.view.figure == shown.view.figure
    assert "the trace is not sure" in shown.sentence.value


def test_a_bound_that_says_nothing_has_a_badge() -> None:
    (result,) = flatness.results()
    words = [
        " ".join(note.text for note in draw(each, by="radius").layout.annotations)
        for each in (result, replace(result, rho_zero=float("nan")))
    ]
    assert ["VACUOUS" in each for each in words] == [False, True]
