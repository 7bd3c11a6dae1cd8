"""The axis of a study belongs to its scores: the huge interval of two seeds is cut off, and that is marked."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.figures import examples
from workbench.figures.draw import draw
from workbench.records.arm import Arm
from workbench.records.study import Study
from workbench.statistics.intervals import mean_interval


def study(**scores: list[float]) -> Study:
    """Arms of these scores; the first one is the control."""
    base = examples.study(arms=len(scores), seeds=2)
    arms = {}
    for (name, values), made in zip(scores.items(), base.arms.values(), strict=True):
        outcomes = tuple(replace(each, last=v) for each, v in zip(made.outcomes, values, strict=True))
        arms[name] = replace(made, name=name, outcomes=outcomes, interval=mean_interval(np.array(values)))
    return replace(base, arms=arms, control=next(iter(scores)), comparisons={})


def test_two_seeds_that_differ_do_not_stretch_the_axis() -> None:
    """The interval of 88 and 92 is 90 +- 12.71 x 2, t with one degree of freedom; the scores span 4."""
    made = draw(study(labels=[90.0, 90.1], kd=[88.0, 92.0]))
    low, high = made.layout.xaxis.range
    assert (low, high) == pytest.approx((88 - 2 - 0.05 * 8, 92 + 2 + 0.05 * 8))
    *_, arrows = made.data
    assert list(arrows.x) == [low, high]
    assert list(arrows.marker.symbol) == ["triangle-left", "triangle-right"]
    assert {round(y) for y in arrows.y} == {1}
    assert arrows.customdata[0][1] == "90 (95 % interval 64.59 to 115.4)"
    assert "goes on" in arrows.name


def test_an_interval_that_fits_is_drawn_whole() -> None:
    made = draw(study(labels=[90.0, 90.01], kd=[91.0, 91.02]))
    arms: list[Arm] = list(study(labels=[90.0, 90.01], kd=[91.0, 91.02]).arms.values())
    low, high = made.layout.xaxis.range
    assert len(made.data) == 2
    assert all(arm.interval is not None and low < arm.interval.low and arm.interval.high < high for arm in arms)


def test_one_side_may_be_cut_alone() -> None:
    made = draw(study(labels=[80.0, 80.05], kd=[89.0, 91.0]))
    *_, arrows = made.data
    assert list(arrows.marker.symbol) == ["triangle-right"]
