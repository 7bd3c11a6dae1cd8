"""The panel of coverage: a pair, a cell, and its samples for everybody else."""

from __future__ import annotations

import json

from tests import clicks
from tests.diagnostics.coverage.examples import made
from tests.examples import HOSTILE
from workbench.diagnostics.coverage.panel import CoveragePanel
from workbench.drawing.draw import draw
from workbench.widgets.panel import panel

RESULT = made()


def click(shown: CoveragePanel, trace: int, y: int, x: int) -> None:
    clicks.click(shown.picture, trace, x=x, y=y)


def test_a_pair_is_chosen_by_menu_or_by_a_click() -> None:
    shown = panel(RESULT)
    assert shown.picture.figure == draw(RESULT)
    click(shown, 0, 3, 1)
    assert (shown.first.value, shown.second.value) == (3, 1)
    assert shown.picture.figure == draw(RESULT, pair=(3, 1))
    click(shown, 0, 2, 2)  # the diagonal is no pair
    assert (shown.first.value, shown.second.value) == (3, 1)
    shown.massed.value = False
    assert shown.picture.figure == draw(RESULT, pair=(3, 1), massed=False)


def test_a_clicked_cell_gives_its_samples_away() -> None:
    shown, heard = CoveragePanel(RESULT, pair=(1, 2)), []
    shown.on_selection(heard.append)
    click(shown, 1, 4, 0)
    click(shown, 2, 0, 0)
    expected = RESULT.cell(1, 2, 4, 0), RESULT.cell(1, 2, 0, 0)
    assert [each.ids.tolist() for each in heard] == [each.ids.tolist() for each in expected]
    assert f"{len(expected[1])} samples" in shown.words.value


def test_the_state_rebuilds_it() -> None:
    shown = CoveragePanel(RESULT, pair=(2, 4), massed=False)
    again = CoveragePanel.from_state(json.loads(json.dumps(shown.state())), RESULT)
    assert again.state() == shown.state()
    assert again.picture.figure == shown.picture.figure
    assert "reached" in repr(again)


def test_names_of_features_are_escaped() -> None:
    shown = panel(made(first=HOSTILE))
    click(shown, 1, 2, 2)
    assert len(shown.selection) > 0
    assert "<img" not in shown.words.value
