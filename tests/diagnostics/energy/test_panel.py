"""The panel of what a student costs, without a kernel."""

from __future__ import annotations

import json

import pytest

from tests.diagnostics.energy.ledgers import pair
from workbench.diagnostics.energy.measure import energy
from workbench.diagnostics.energy.panel import EnergyPanel
from workbench.drawing.draw import draw
from workbench.energy.carbon import Grid
from workbench.widgets.panel import panel


@pytest.fixture
def shown() -> EnergyPanel:
    return panel(energy(pair()))


def test_controls_move_the_result_and_the_picture(shown: EnergyPanel) -> None:
    shown.allocation.value = 0.25
    shown.method.value = "flops_model"
    wanted = energy(pair(), method="flops_model", allocation=0.25)
    assert shown.view.figure == draw(wanted)
    shown.method.value, shown.preset.value = "best", "laptop"
    assert shown.result.totals == energy(pair(), preset="laptop", allocation=0.25).totals


def test_carbon_waits_until_the_grid_can_be_checked(shown: EnergyPanel) -> None:
    boxes = shown.grid.boxes
    boxes["g_per_kwh"].value = "300"
    assert "needs a source, year, region" in shown.sentence.value
    assert shown.result.totals[0]["carbon_g"] is None
    boxes["source"].value, boxes["year"].value, boxes["region"].value = "the operator", "2024", "here"
    wanted = energy(pair(), grid=Grid(300.0, "the operator", 2024, "here"))
    assert shown.result.totals == wanted.totals
    assert "wb-problem" not in shown.sentence.value
    boxes["pue"].value = "much"
    assert "PUE is &#x27;much&#x27;" in shown.sentence.value
    boxes["g_per_kwh"].value = ""
    assert shown.result.totals[0]["carbon_g"] is None


def test_its_state_rebuilds_it(shown: EnergyPanel) -> None:
    shown.allocation.value = 0.5
    again = EnergyPanel.from_state(json.loads(json.dumps(shown.state())), energy(pair()))
    assert again.state() == shown.state()
    assert again.result.totals == shown.result.totals


def test_it_says_on_screen_that_everything_is_estimated(shown: EnergyPanel) -> None:
    assert "everything is estimated: there is no sensor" in shown.sentence.value
    assert "EnergyPanel(One student by labels_only" in repr(shown)
