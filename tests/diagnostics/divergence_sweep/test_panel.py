"""The panel of a sweep without a kernel."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy.stats import spearmanr

from tests.diagnostics.divergence_sweep import examples
from workbench.diagnostics.divergence_sweep.measure import divergence_sweep
from workbench.diagnostics.divergence_sweep.measure_narrowed import narrowed
from workbench.diagnostics.divergence_sweep.panel import DivergenceSweepPanel
from workbench.drawing.draw import draw
from workbench.widgets.panel import panel


def test_controls_choose_estimate_loss_factor_axis_and_colour() -> None:
    (found,) = examples.results()
    shown = panel(found)
    assert shown.view.figure == draw(found)
    assert shown.factor.label == "all"
    shown.estimator.value, shown.loss.value = "linear_exact", "0-1"
    assert shown.view.figure == draw(narrowed(found, estimator="linear_exact", loss="0-1"))
    shown.factor.value = "width"
    alone = shown.result
    assert alone.points == ("width 4", "width 8", "width 16")
    k, gaps = found.estimates[1][:, 1::2], found.excesses[1][:, 1::2]
    by_hand = [spearmanr(a, b).statistic for a, b in zip(k, gaps, strict=True)]
    assert alone.spearman.mean == pytest.approx(np.mean(by_hand))
    shown.across.value, shown.color.value = "points", "seed"
    assert shown.view.figure == draw(alone, across="points", color="seed")
    assert [trace.name for trace in shown.view.figure.data] == ["seed 0", "seed 1", "seed 2", "seed 3"]
    assert list(shown.view.figure.data[0].x) == [0, 1, 2]
    assert shown.view.figure.layout.xaxis.ticktext == ("width 4", "width 8", "width 16")


def test_its_state_rebuilds_it_and_it_says_that_it_is_a_reconstruction() -> None:
    (found,) = examples.results()
    shown = DivergenceSweepPanel(found, {"factor": "temperature", "loss": "0-1", "color": "seed"})
    again = DivergenceSweepPanel.from_state(json.loads(json.dumps(shown.state())), found)
    assert again.state() == shown.state()
    assert again.view.figure == shown.view.figure
    assert "not the paper&#x27;s theorem" in shown.sentence.value
    assert "not the paper" in shown.view.figure.layout.title.text


def test_a_bound_beyond_the_largest_gap_has_a_badge() -> None:
    (found,) = examples.results()
    shown = panel(found)
    assert "VACUOUS" in shown.view.figure.layout.annotations[0].text  # the largest K here is above a half
    assert found.vacuous == np.mean([[k >= 0.5 for k in row] for row in found.divergences])
    near = panel(divergence_sweep([[0.1, 0.2, 0.49]], [[0.0, 0.1, 0.2]], [*"abc"]))
    assert "VACUOUS" not in near.view.figure.layout.annotations[0].text
    assert dict(near.factor.options) == {"all": ""}
