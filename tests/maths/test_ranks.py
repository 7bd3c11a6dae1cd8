"""Ranks and Kendall's tau-b beside literal loops and scipy."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import kendalltau, rankdata

from workbench.maths.ranks import kendall, ranks

SHORT = st.lists(st.integers(0, 4), min_size=2, max_size=8)  # few values, so that there are ties


def literal(first: list[float], second: list[float]) -> float:
    """Pair by pair, as it is taught."""
    agreeing = differing = tied_first = tied_second = 0
    for i in range(len(first)):
        for j in range(i):
            a, b = first[i] - first[j], second[i] - second[j]
            agreeing += (a > 0 and b > 0) or (a < 0 and b < 0)
            differing += (a > 0 and b < 0) or (a < 0 and b > 0)
            tied_first += a == 0
            tied_second += b == 0
    pairs = len(first) * (len(first) - 1) / 2
    untied = (pairs - tied_first) * (pairs - tied_second)
    return (agreeing - differing) / math.sqrt(untied) if untied else math.nan


@given(SHORT, st.randoms(use_true_random=False))
def test_kendall_is_the_loop_over_pairs(first, random) -> None:
    second = [random.randint(0, 4) for _ in first]
    found = float(kendall(first, second))
    np.testing.assert_allclose(found, literal(first, second), rtol=1e-12)
    if not math.isnan(found):
        assert found == pytest.approx(kendalltau(first, second).statistic)


def test_kendall_of_the_same_the_reverse_and_a_constant_order() -> None:
    up = [1.0, 2.0, 5.0, 9.0]
    assert kendall(up, up) == 1.0
    assert kendall(up, up[::-1]) == -1.0
    assert math.isnan(kendall(up, [3.0] * 4))
    assert kendall([1, 2, 3], [1, 3, 2]) == pytest.approx(1 / 3)


def test_kendall_takes_many_orders_at_once() -> None:
    many = np.random.default_rng(0).normal(size=(7, 5, 6))
    one = np.arange(6.0)
    found = kendall(many, one)
    assert found.shape == (7, 5)
    assert found[3, 2] == pytest.approx(literal(list(many[3, 2]), list(one)))


@pytest.mark.parametrize(("first", "second"), [([1.0], [1.0]), ([1.0, 2.0], [1.0, 2.0, 3.0])])
def test_orders_need_two_numbers_on_each_side(first, second) -> None:
    with pytest.raises(ValueError, match="both need the same number, two or more"):
        kendall(first, second)


@given(SHORT)
def test_ranks_are_those_of_scipy_from_above(values) -> None:
    np.testing.assert_array_equal(ranks(values), rankdata([-v for v in values]))
    np.testing.assert_array_equal(ranks([values, values])[1], ranks(values))
