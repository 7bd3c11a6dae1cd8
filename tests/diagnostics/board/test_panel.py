"""The board's panel without a kernel: another order, another picture."""

from __future__ import annotations

import json

from tests.diagnostics.board.examples import ARMS
from workbench.diagnostics.board.figure import ordered
from workbench.diagnostics.board.measure import board
from workbench.diagnostics.board.panel import BoardPanel
from workbench.widgets.panel import panel


def test_the_rows_are_ordered_by_the_scale_that_is_chosen() -> None:
    shown = panel(board(ARMS))
    assert list(shown.view.figure.layout.yaxis.ticktext) == ["labels only", "kd", "dkd"]
    shown.order.value = "flatness"
    assert list(shown.view.figure.layout.yaxis.ticktext) == ["kd", "dkd", "labels only"]
    again = BoardPanel.from_state(json.loads(json.dumps(shown.state())), shown.result)
    assert list(again.view.figure.layout.yaxis.ticktext) == ["kd", "dkd", "labels only"]


def test_arms_without_a_number_stand_last() -> None:
    assert ordered(board(ARMS), "energy") == [0, 1, 2]
    assert ordered(board({"a": {}, "b": {"energy": [2.0]}, "c": {"energy": [1.0]}}), "energy") == [2, 1, 0]
