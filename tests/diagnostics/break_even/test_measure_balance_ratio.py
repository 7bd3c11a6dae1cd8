"""Fieller's interval against the test it inverts, and against how often it is right."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import ttest_1samp

from workbench.diagnostics.break_even.measure_balance import fieller_interval
from workbench.maths.intervals import t_interval

ABOVE = np.array([10.2, 9.1, 11.7, 10.9, 8.8])
BELOW = np.array([2.1, 1.7, 2.6, 2.2, 1.9])


def test_its_ends_are_where_the_paired_test_begins_to_object() -> None:
    found = fieller_interval(ABOVE, BELOW)
    for end in (found.low, found.high):
        assert ttest_1samp(ABOVE - end * BELOW, 0).pvalue == pytest.approx(0.05, abs=1e-9)
    assert found.mean == pytest.approx(ABOVE.sum() / BELOW.sum())
    assert found.low < found.mean < found.high


def test_over_a_fixed_denominator_it_is_the_t_interval() -> None:
    found, plain = fieller_interval(ABOVE, np.full(5, 4.0)), t_interval(ABOVE / 4)
    assert (found.low, found.high) == (pytest.approx(plain.low), pytest.approx(plain.high))


def test_under_a_fixed_numerator_it_is_the_inverse_of_the_denominators_interval() -> None:
    found, plain = fieller_interval(np.full(5, 6.0), BELOW), t_interval(BELOW)
    assert (found.low, found.high) == (pytest.approx(6 / plain.high), pytest.approx(6 / plain.low))


@pytest.mark.parametrize("shift", [0.0, 0.05, -0.05])
def test_a_denominator_that_may_be_zero_bounds_nothing(shift: float) -> None:
    found = fieller_interval(ABOVE, np.array([-1.0, 1.0, 0.5, -0.5, 0.0]) + shift)
    assert math.isnan(found.low)
    assert math.isnan(found.high)
    assert found.method == "unbounded"
    assert str(found).endswith("(no finite interval)")


def test_numbers_without_spread_have_a_ratio_and_no_interval() -> None:
    found = fieller_interval([6.0, 6.0, 6.0], [2.0, 2.0, 2.0])
    assert (found.mean, found.method) == (3.0, "tied")
    assert math.isnan(found.low)


def test_two_pairs_have_no_interval() -> None:
    assert math.isnan(fieller_interval([6.0, 7.0], [2.0, 3.0]).low)


def test_one_pair_has_no_interval_and_nothing_over_nothing_no_value() -> None:
    assert math.isnan(fieller_interval([6.0], [2.0]).low)
    assert fieller_interval([6.0], [0.0]).mean == math.inf
    assert math.isnan(fieller_interval([0.0], [0.0]).mean)


def test_it_covers_as_often_as_it_says() -> None:
    luck, hits, rounds = np.random.default_rng(0), 0, 2000
    for _ in range(rounds):
        above, below = luck.normal(10, 1.5, 6), luck.normal(2, 0.4, 6)
        found = fieller_interval(above, below)
        hits += bool(math.isnan(found.low) or found.low <= 5 <= found.high)
    assert abs(hits / rounds - 0.95) < 0.015


def test_pairs_are_pairs() -> None:
    with pytest.raises(ValueError, match="3 numerators and 2 denominators"):
        fieller_interval([1.0, 2.0, 3.0], [1.0, 2.0])
