"""The panel of the break-even, without a kernel."""

from __future__ import annotations

import json

import pytest

from tests.diagnostics.energy.ledgers import pair
from workbench.diagnostics.break_even.measure import break_even
from workbench.diagnostics.break_even.measure_parts import Assumptions
from workbench.diagnostics.break_even.panel import BreakEvenPanel
from workbench.drawing.draw import draw
from workbench.widgets.panel import panel


@pytest.fixture
def shown() -> BreakEvenPanel:
    return panel(break_even(pair(), served=1))


def test_sliders_move_the_result_and_the_picture(shown: BreakEvenPanel) -> None:
    shown.sliders["reuse"].value = 10.0
    shown.sliders["served"].value = 1000.0
    shown.sliders["runs"].value = 3
    shown.sliders["allocation"].value = 0.02
    wanted = break_even(pair(), reuse=10, served=1000, assuming=Assumptions(runs=3, allocation=0.02))
    assert shown.result.at == wanted.at
    assert shown.view.figure == draw(wanted)
    assert shown.result.students == wanted.students


def test_menus_change_the_price_and_not_the_answer(shown: BreakEvenPanel) -> None:
    before = shown.result.students.mean
    shown.menus["preset"].value = "laptop"
    assert shown.result.at != break_even(pair(), served=1).at
    assert shown.result.students.mean == pytest.approx(before)
    shown.menus["method"].value = "flops_model"
    assert shown.result.price == "flops_model"


def test_its_state_rebuilds_it(shown: BreakEvenPanel) -> None:
    shown.sliders["reuse"].value = 100.0
    shown.menus["preset"].value = "laptop"
    again = BreakEvenPanel.from_state(json.loads(json.dumps(shown.state())), break_even(pair(), served=1))
    assert again.state() == shown.state()
    assert again.result.at == shown.result.at


def test_without_a_break_even_it_says_so_and_stays(shown: BreakEvenPanel) -> None:
    shown.sliders["allocation"].value = 1.0
    assert "never: it saves nothing" in shown.sentence.value
    shown.grid.boxes["g_per_kwh"].value = "-5"
    assert "wb-problem" in shown.sentence.value
    assert "BreakEvenPanel(The teacher's shared work costs" in repr(shown)
