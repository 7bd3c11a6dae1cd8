"""The loss doctor's picture, and its small sister in the live panel."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests import examples
from tests.diagnostics.loss_doctor.examples import curves, faulty
from workbench.diagnostics.loss_doctor.measure import loss_doctor
from workbench.drawing import theme
from workbench.drawing.draw import draw
from workbench.lab import live_curves as live
from workbench.records.run import Curve
from workbench.records.snapshot import Snapshot


def snapshot(probes: dict[str, Curve]) -> Snapshot:
    """A session whose student was probed."""
    made = examples.snapshot()
    student, control = made.lanes
    return replace(made, lanes=(replace(student, probes=probes), control))


def probes() -> dict[str, Curve]:
    return {name.removeprefix("probe/"): curve for name, curve in curves().items() if name.startswith("probe/")}


def test_a_term_keeps_its_colour_from_panel_to_panel() -> None:
    result = loss_doctor(curves())
    traces = {trace.name: trace for trace in draw(result).data}
    for position, term in enumerate(result.terms):
        assert traces[term].line.color == traces[f"gradient of {term}"].line.color == theme.term_color(position)
    np.testing.assert_array_equal(traces["gradient of soft"].y, result.gradients[result.terms.index("soft")])
    np.testing.assert_array_equal(traces["cosine labels, soft"].y, result.cosines[0])


def test_the_board_has_a_line_for_each_check_and_the_sentences_on_pointing() -> None:
    result = faulty()
    board = draw(result).data[-1]
    assert list(board.y) == [check["check"] for check in result.checks]
    assert [check["status"] in text for check, text in zip(result.checks, board.text, strict=True)] == [True] * 11
    assert set(board.marker.color) == {theme.STATUS[check["status"]] for check in result.checks}
    at = list(board.y).index("double softmax")
    assert "probabilities already" in board.customdata[at].replace("<br>", " ")


def test_a_gradient_of_zero_or_without_end_leaves_a_gap() -> None:
    made = curves() | {"probe/gradient/soft": Curve(np.array([1, 2, 3]), np.array([0.0, np.inf, 2.0]))}
    (trace,) = draw(loss_doctor(made)).select_traces(selector={"name": "gradient of soft"})
    assert trace.y[np.isfinite(trace.y)].tolist() == [2.0]


def test_the_live_plot_is_filled_by_name() -> None:
    now = snapshot(probes())
    names = live.doctor_names(now)
    assert names == (("soft", "labels"), ("labels|soft",))
    made = live.filled(live.doctor(*names), live.doctor_points(now), now)
    assert [trace.name for trace in made.data] == ["gradient of soft", "gradient of labels", "cosine labels, soft"]
    np.testing.assert_array_equal(made.data[0].y, probes()["gradient/soft"].values)
    losses = live.losses({"student": ("soft", "labels")})
    assert made.data[1].line.color == losses.data[1].line.color
    assert made.layout.template == theme.TEMPLATE


def test_there_is_no_live_plot_without_probes() -> None:
    assert live.doctor_names(snapshot({}))[0] == live.doctor_names(Snapshot())[0] == ()
    assert live.doctor_points(Snapshot()) == {}


@pytest.mark.parametrize("count", [1, 9])
def test_many_terms_show_a_few_pairs_only(count: int) -> None:
    many = probes() | {f"cosine/a|{k}": Curve(np.arange(3), np.zeros(3)) for k in range(count)}
    assert len(live.doctor_names(snapshot(many))[1]) == min(live.MOST_PAIRS, count + 1)
