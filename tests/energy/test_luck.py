"""Draws of ranges: triangular, and wrong in the same direction everywhere."""

from __future__ import annotations

import numpy as np
import pytest

from workbench.energy.component import Component
from workbench.energy.luck import Luck


def component(low: float, value: float, high: float, method: str = "cpu_time_model") -> Component:
    return Component("cpu", value, low, high, method, "process", "estimated")


def test_they_are_triangular() -> None:
    drawn = Luck(200_000, 0).joules([component(2.0, 3.0, 8.0)])
    assert drawn.min() >= 2.0
    assert drawn.max() <= 8.0
    assert drawn.mean() == pytest.approx((2 + 3 + 8) / 3, abs=0.02)
    assert drawn.var() == pytest.approx((4 + 9 + 64 - 6 - 16 - 24) / 18, rel=0.02)


def test_one_method_is_wrong_in_the_same_direction_everywhere() -> None:
    luck = Luck(1000, 1)
    teacher, student = (luck.joules([component(0.5 * j, j, 2 * j)]) for j in (40.0, 8.0))
    np.testing.assert_allclose(teacher / student, 5.0)
    other = luck.joules([component(4.0, 8.0, 16.0, "flops_model")])
    assert abs(np.corrcoef(student, other)[0, 1]) < 0.1


def test_without_a_range_there_is_no_luck() -> None:
    assert set(Luck(5, 0).joules([component(3.0, 3.0, 3.0)])) == {3.0}
    assert set(Luck(5, 0).joules([])) == {0.0}
