"""The bound panel without a kernel."""

from __future__ import annotations

import json

import numpy as np
import pytest

from tests.diagnostics.divergence.examples import made
from workbench.diagnostics.bounds.measure import bounds
from workbench.diagnostics.divergence.measure import divergence
from workbench.diagnostics.divergence.panel import DivergencePanel
from workbench.drawing.draw import draw
from workbench.widgets.panel import panel


def test_controls_choose_estimate_loss_and_eta() -> None:
    found = made(6)
    shown = panel(found)
    assert shown.view.figure == draw(bounds(found))
    assert shown.eta.disabled
    shown.estimator.value = "param_isotropic"
    assert shown.view.figure == draw(bounds(found, estimator="param_isotropic"))
    assert "VACUOUS" in shown.view.figure.layout.annotations[0].text
    shown.loss.value = "0-1"
    shown.best.value = False
    shown.eta.value = 0.5
    assert shown.view.figure == draw(bounds(found, loss="0-1", estimator="param_isotropic", eta=0.5))
    assert shown.estimates.figure == draw(found)


def test_its_state_rebuilds_it() -> None:
    found = made(6)
    shown = DivergencePanel(found, {"loss": "0-1", "eta": 2.0})
    again = DivergencePanel.from_state(json.loads(json.dumps(shown.state())), found)
    assert again.state() == shown.state()
    assert again.view.figure == shown.view.figure
    assert "not the paper&#x27;s theorem" in again.sentence.value


def test_without_gaps_there_is_nothing_to_bound() -> None:
    with pytest.raises(ValueError, match="the gaps are not known"):
        panel(divergence(np.zeros((4, 3)), np.ones((4, 3))))
