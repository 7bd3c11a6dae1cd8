"""The axis of a study belongs to its scores: the huge interval of a few seeds is cut off, and that is marked."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests import examples
from workbench.drawing.draw import draw
from workbench.maths.intervals import mean_interval
from workbench.records.study import Study


def study(**scores: list[float]) -> Study:
    """Arms of these scores; the first one is the control."""
    base = examples.study(arms=len(scores), seeds=3)
    arms = {}
    for (name, values), made in zip(scores.items(), base.arms.values(), strict=True):
        outcomes = tuple(replace(each, last=v) for each, v in zip(made.outcomes, values, strict=True))
        arms[name] = replace(made, name=name, outcomes=outcomes, interval=mean_interval(np.array(values)))
    return replace(base, arms=arms, control=next(iter(scores)), comparisons={})


def test_three_seeds_that_differ_do_not_stretch_the_axis() -> None:
    """The interval of 88, 90 and 92 is 90 +- 4.303 x 2 / sqrt(3), t with two degrees of freedom; the scores span 4."""
    made = draw(study(labels=[90.0, 90.1, 90.0], kd=[88.0, 90.0, 92.0]))
    low, high = made.layout.xaxis.range
    assert (low, high) == pytest.approx((88 - 2 - 0.05 * 8, 92 + 2 + 0.05 * 8))
    *_, arrows = made.data
    assert list(arrows.x) == [low, high]
    assert list(arrows.marker.symbol) == ["triangle-left", "triangle-right"]
    assert {round(y) for y in arrows.y} == {1}
    assert arrows.customdata[0][1] == "90 (95 % interval 85 to 95)"
    assert "goes on" in arrows.name


def test_an_interval_that_fits_is_drawn_whole() -> None:
    scores = {"labels": [90.0, 90.01, 90.02], "kd": [91.0, 91.02, 91.01]}
    made, arms = draw(study(**scores)), list(study(**scores).arms.values())
    low, high = made.layout.xaxis.range
    assert len(made.data) == 2
    assert all(arm.interval is not None and low < arm.interval.low and arm.interval.high < high for arm in arms)


def test_one_side_may_be_cut_alone() -> None:
    made = draw(study(labels=[84.1, 84.11, 84.12], kd=[85.0, 89.0, 93.0]))
    *_, arrows = made.data
    assert list(arrows.marker.symbol) == ["triangle-right"]


def test_the_interval_and_the_verdict_of_a_mean_are_the_studys_own() -> None:
    base = examples.study(arms=3, seeds=4)
    means = next(trace for trace in draw(base).data if trace.name == "mean and 95 % interval")
    hovers = {row[0]: row for row in means.customdata}
    assert base.comparisons
    for name, found in base.comparisons.items():
        assert hovers[name][1] == str(base.arms[name].interval)
        assert found.sentence in hovers[name][2]
