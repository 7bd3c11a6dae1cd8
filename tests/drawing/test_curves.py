"""What is recorded over steps, arranged into named traces."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests import examples
from workbench.drawing import curves, theme
from workbench.drawing.draw import draw
from workbench.lab import live_curves as live
from workbench.records.run import Curve
from workbench.records.snapshot import Snapshot

TERMS = {"student": ("soft", "labels"), "control": ("labels",)}


def test_a_long_curve_is_thinned_evenly_and_keeps_its_end() -> None:
    steps = np.arange(1, 7002)
    shown = curves.points(Curve(steps, np.sqrt(steps)))
    assert len(shown["x"]) <= curves.MOST_POINTS
    assert shown["x"][-1] == 7001
    assert set(np.diff(shown["x"])) == {4}
    assert shown["y"].tolist() == np.sqrt(shown["x"]).tolist()


def test_a_short_curve_is_shown_whole() -> None:
    assert curves.points(Curve(np.arange(3), np.arange(3.0)))["x"].tolist() == [0, 1, 2]
    assert len(curves.points(None)["x"]) == len(curves.points(Curve(np.zeros(0), np.zeros(0)))["y"]) == 0


def test_an_unknown_level_is_not_drawn() -> None:
    assert curves.level(98.0, 40).values.tolist() == [98.0, 98.0]
    assert len(curves.level(float("nan"), 40).steps) == 0


def test_the_loss_traces_have_fixed_names_order_colours_and_dashes() -> None:
    made = live.losses(TERMS)
    assert [trace.name for trace in made.data] == ["student soft", "student labels", "control labels"]
    soft, labels, control = (trace.line for trace in made.data)
    assert labels.color == control.color != soft.color
    assert (soft.dash, labels.dash, control.dash) == ("solid", "solid", theme.CONTROL.dash)
    assert [len(trace.x) for trace in made.data] == [0, 0, 0]


def test_the_score_traces_have_fixed_names_and_order() -> None:
    assert tuple(trace.name for trace in live.scores().data) == live.SCORES
    assert live.scores("mean squared error").layout.yaxis.title.text.endswith("mean squared error")
    assert live.scores().layout.yaxis.title.text.endswith("accuracy (%)")


def test_a_snapshot_fills_every_trace() -> None:
    snapshot = examples.snapshot()
    losses = live.filled(live.losses(TERMS), live.loss_points(snapshot), snapshot)
    assert losses.data[0].y.tolist() == snapshot.lanes[0].terms["soft"].values.tolist()
    scores = live.filled(live.scores(), live.score_points(snapshot), snapshot)
    shown = {trace.name: trace for trace in scores.data}
    assert shown["control"].y.tolist() == snapshot.lanes[1].validation.values.tolist()
    assert shown["agreement"].y.tolist() == snapshot.lanes[0].agreement.values.tolist()
    assert (shown["teacher"].x.tolist(), shown["teacher"].y.tolist()) == ([0, 460], [98.6, 98.6])
    assert [(a.x, a.text) for a in losses.layout.annotations] == [(140, "temperature \u2192 8")]


def test_an_idle_snapshot_leaves_the_skeleton_empty() -> None:
    idle = Snapshot()
    assert live.loss_points(idle) == {}
    assert {name: len(column["x"]) for name, column in live.score_points(idle).items()} == {"teacher": 0}


def test_a_column_without_a_trace_is_refused() -> None:
    snapshot = examples.snapshot()
    with pytest.raises(KeyError, match="control labels"):
        live.filled(live.losses({"student": ("soft", "labels")}), live.loss_points(snapshot), snapshot)


def test_filling_leaves_the_skeleton_as_it_was() -> None:
    skeleton, snapshot = live.losses(TERMS), examples.snapshot()
    live.filled(skeleton, live.loss_points(snapshot), snapshot)
    assert skeleton == live.losses(TERMS)


def test_every_change_has_a_line_and_a_dragged_slider_one_text() -> None:
    moved = [
        {"step": step, "name": "temperature", "value": value} for step, value in ((100, 5.0), (103, 6.0), (106, 8.0))
    ]
    moved += [{"step": 107, "name": "soft_weight", "value": 0.25}, {"step": 400, "name": "temperature", "value": 1.0}]
    made = draw(examples.run(changes=tuple(moved)))
    assert [shape.x0 for shape in made.layout.shapes] == [100, 103, 106, 107, 400]
    assert [(a.x, a.text) for a in made.layout.annotations] == [
        (107, "temperature \u2192 8, soft weight \u2192 0.25"),
        (400, "temperature \u2192 1"),
    ]


def test_a_run_is_drawn_beside_its_control() -> None:
    alone, both = draw(examples.run()), draw(examples.run(), control=examples.control(), log_loss=True)
    added = {trace.name for trace in both.data} - {trace.name for trace in alone.data}
    assert added == {"control", "control labels"}
    assert (alone.layout.yaxis.type, both.layout.yaxis.type) == ("linear", "log")
    teacher = next(trace for trace in alone.data if trace.name == "teacher")
    assert set(teacher.y) == {98.6}


def test_a_term_that_is_zero_leaves_a_gap_on_a_logarithmic_axis() -> None:
    run = examples.run(curves={"terms/labels": Curve(np.arange(1, 4), np.array([2.0, 0.0, 1.0]))})
    (made,) = draw(run, log_loss=True).select_traces(selector={"name": "student labels"})
    assert np.array_equal(made.y, [2.0, np.nan, 1.0], equal_nan=True)
    assert made.connectgaps
    snapshot = examples.snapshot()
    lane = replace(snapshot.lanes[1], terms={"labels": run.curves["terms/labels"]})
    shown = live.loss_points(replace(snapshot, lanes=(lane,)), log_loss=True)["control labels"]["y"]
    assert np.array_equal(shown, [2.0, np.nan, 1.0], equal_nan=True)
