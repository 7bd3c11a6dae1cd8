"""Intervals against closed forms, textbook formulas written out slowly, scipy, and simulated coverage."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from workbench.maths.intervals import (
    mean_interval,
    paired_difference,
    proportion_interval,
    share_interval,
    t_interval,
    wilson_bounds,
)
from workbench.records.interval import Interval

SKEWED = np.array([0.1, 0.2, 0.2, 0.4, 0.5, 0.7, 0.9, 1.3, 1.9, 2.8, 4.4, 7.9])

few_numbers = arrays(np.float64, st.integers(3, 9), elements=st.floats(-100, 100, width=32))
some_numbers = arrays(np.float64, st.integers(1, 15), elements=st.floats(-100, 100, width=32))


def test_t_interval_of_one_two_three_is_the_textbook_one():
    found = mean_interval([1.0, 2.0, 3.0])
    half = 4.302652729911275 * 0.5773502691896258  # t(0.975, 2) times 1 / sqrt(3)
    assert (found.mean, found.n, found.method, found.level) == (2.0, 3, "t", 0.95)
    assert found.low == pytest.approx(2 - half, abs=1e-9)
    assert found.high == pytest.approx(2 + half, abs=1e-9)


@pytest.mark.parametrize(
    ("n", "level", "quantile"),  # printed tables of Student's t
    [(3, 0.95, 4.30265), (5, 0.95, 2.77645), (5, 0.90, 2.13185), (9, 0.99, 3.35539)],
)
def test_t_interval_uses_the_tabled_quantile(n, level, quantile):
    values = np.arange(n, dtype=float)
    sd = (sum((v - (n - 1) / 2) ** 2 for v in range(n)) / (n - 1)) ** 0.5
    assert mean_interval(values, level).high - values.mean() == pytest.approx(quantile * sd / n**0.5, rel=1e-5)


def test_t_interval_covers_gaussian_means_as_often_as_it_says():
    draws = np.random.default_rng(1).normal(3.0, 2.0, (2000, 5))
    covered = sum(not mean_interval(row).excludes(3.0) for row in draws)
    assert abs(covered / 2000 - 0.95) < 4 * (0.95 * 0.05 / 2000) ** 0.5


@pytest.mark.slow
@pytest.mark.parametrize("n", [10, 39, 80])
@pytest.mark.parametrize(
    ("draw", "mean"),
    [
        (lambda luck, shape: luck.normal(0, 1, shape), 0.0),
        (lambda luck, shape: luck.random(shape), 0.5),
        (lambda luck, shape: luck.lognormal(0, 0.4, shape), float(np.exp(0.08))),
    ],
    ids=["normal", "bounded", "skewed"],
)
def test_at_every_number_of_values_the_mean_is_covered_nearly_as_often_as_stated(n, draw, mean):
    draws = draw(np.random.default_rng(n), (2000, n))
    covered = sum(not mean_interval(row).excludes(mean) for row in draws) / 2000
    assert covered >= 0.925  # the bias-corrected bootstrap covers 0.87 to 0.93 of these at 10 values


@pytest.mark.parametrize("n", [3, 10, 40, 200])
def test_the_interval_is_students_t_at_every_number_of_values(n):
    from scipy.stats import t as student

    values = np.random.default_rng(n).exponential(1.0, n)
    found, half = mean_interval(values), student.ppf(0.975, n - 1) * np.std(values, ddof=1) / n**0.5
    assert found.method == "t"
    assert (found.low, found.high) == pytest.approx((values.mean() - half, values.mean() + half))


def test_one_value_has_a_mean_and_no_bounds():
    found = mean_interval([91.5])
    assert (found.mean, found.n, found.method) == (91.5, 1, "none")
    assert np.isnan(found.low)
    assert np.isnan(found.high)
    assert not found.excludes(0)
    assert not found.within(1000)
    assert found.to_dict()["low"] is None
    assert str(found) == "91.5 (one value, no interval)"


def test_two_values_have_a_mean_and_no_bounds():
    found = mean_interval([90.0, 93.0])
    assert (found.mean, found.n, found.method) == (91.5, 2, "none")
    assert np.isnan([found.low, found.high]).all()
    assert str(found) == "91.5 (2 values, no interval)"


@pytest.mark.parametrize("n", [3, 9, 10, 50])
def test_equal_values_are_said_to_be_equal_and_have_no_bounds(n):
    found = mean_interval([0.1] * n)  # whose floating-point sum is not n times 0.1
    assert (found.mean, found.method) == (0.1, "tied")
    assert np.isnan([found.low, found.high]).all()
    assert not found.excludes(0)
    assert str(found) == f"0.1 (identical in all {n})"


bounded = arrays(np.float64, st.integers(1, 12), elements=st.floats(0, 100, width=32))


@given(bounded)
def test_intervals_of_bounded_scores_stay_in_their_bounds_and_lose_nothing_else(values):
    plain, found = mean_interval(values), mean_interval(values, bounds=(0, 100))
    if np.isfinite(plain.low):
        assert 0 <= found.low <= found.mean <= found.high <= 100
        assert (found.low, found.high) == (max(plain.low, 0), min(plain.high, 100))
    else:
        np.testing.assert_equal(found, plain)


@given(arrays(np.float64, (2, 4), elements=st.floats(0, 100, width=32)))
def test_differences_of_bounded_scores_stay_within_their_range(pair):
    found = paired_difference(*pair, bounds=(0, 100))
    assert not found.low < -100
    assert not found.high > 100


def test_accuracies_near_their_end_are_covered_within_it():
    luck, covered = np.random.default_rng(0), 0
    for _ in range(1000):
        found = mean_interval(luck.binomial(50, 0.96, 5) * 2.0, bounds=(0, 100))
        covered += found.method == "tied" or not found.excludes(96.0)
        assert not found.high > 100
    assert covered / 1000 >= 0.93


@given(some_numbers, st.randoms())
def test_the_order_of_the_values_does_not_matter(values, random):
    shuffled = list(values)
    random.shuffle(shuffled)
    np.testing.assert_equal(mean_interval(shuffled), mean_interval(values))


@given(few_numbers, st.floats(-50, 50), st.floats(0.1, 10))
def test_shift_and_scale_carry_over(values, shift, scale):
    was, now = t_interval(values), t_interval(scale * values + shift)
    if np.ptp(values) < 1e-6:
        return  # whether all values are equal may change by rounding
    assert now.low == pytest.approx(scale * was.low + shift, abs=1e-6)
    assert now.high == pytest.approx(scale * was.high + shift, abs=1e-6)


def test_paired_difference_is_the_interval_of_the_differences():
    found = paired_difference([81.0, 92.0, 73.0], [80.0, 90.0, 70.0])
    assert found.mean == 2.0
    assert found.high - found.low == pytest.approx(2 * 4.302652729911275 / 3**0.5, abs=1e-9)


def test_subtraction_leaves_no_noise():
    found = paired_difference([90.3, 80.1, 70.7], [89.8, 79.6, 70.2])
    assert (found.mean, found.method) == (0.5, "tied")


@pytest.mark.parametrize("n", [1, 7, 200])
@pytest.mark.parametrize("level", [0.9, 0.95])
def test_wilson_bounds_solve_the_score_equation(n, level):
    z = NormalDist().inv_cdf((1 + level) / 2)
    for successes in range(n + 1):
        found, share = proportion_interval(successes, n, level), successes / n
        for bound in (found.low, found.high):  # |share - bound| is z standard errors at the bound
            assert (share - bound) ** 2 == pytest.approx(z**2 * bound * (1 - bound) / n, abs=1e-12)
        assert 0 <= found.low <= share <= found.high <= 1


def test_wilson_of_an_empty_and_a_full_count():
    assert proportion_interval(0, 20).low == 0.0
    assert proportion_interval(20, 20).high == 1.0
    assert proportion_interval(0, 20).high == pytest.approx(1.959964**2 / (20 + 1.959964**2), abs=1e-6)


def test_interval_speaks_and_serialises():
    found = Interval(2.0, -0.25, 4.5, 3, "t")
    assert str(found) == "2 (95 % interval -0.25 to 4.5)"
    assert found.to_dict() == {"mean": 2.0, "low": -0.25, "high": 4.5, "n": 3, "method": "t", "level": 0.95}
    assert (found.excludes(0), found.excludes(5), found.excludes(-1)) == (False, True, True)
    assert (found.within(4.5), found.within(4.6)) == (False, True)
    assert not Interval(0.0, -4.5, 1.0, 3, "t").within(4.5)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: mean_interval([]), r"shape \(0,\)"),
        (lambda: mean_interval([[1.0, 2.0]]), r"shape \(1, 2\)"),
        (lambda: mean_interval([1.0, np.nan]), r"1 of 2 not finite, the first is nan at \(1,\)"),
        (lambda: mean_interval([1.0, 2.0], level=95), "level = 95"),
        (lambda: mean_interval(SKEWED, level=1.0), r"level = 1\.0"),
        (lambda: paired_difference([1.0, 2.0], [1.0]), "'arm' has 2 scores and 'control' has 1"),
        (lambda: paired_difference([1.0, 2.0], [1.0, np.inf]), "scores of 'control'"),
        (lambda: proportion_interval(3, 2), "3 successes in 2 samples"),
        (lambda: proportion_interval(0, 0), "0 successes in 0 samples"),
    ],
)
def test_bad_input_is_refused_in_words(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_bounds_of_many_shares_are_those_of_each():
    counts, successes = np.array([0, 1, 7, 20, 20]), np.array([0, 1, 3, 0, 20])
    with np.errstate(invalid="ignore"):
        low, high = wilson_bounds(successes / counts, counts, 0.9)
    assert np.isnan([low[0], high[0]]).all()
    for k in range(1, 5):
        one = proportion_interval(int(successes[k]), int(counts[k]), 0.9)
        assert (low[k], high[k]) == pytest.approx((one.low, one.high))


def test_a_share_of_nothing_is_unknown():
    assert share_interval(3.0, 4.0) == proportion_interval(3, 4)
    unknown = share_interval(0.0, 0.0)
    assert (unknown.n, unknown.method) == (0, "none")
    assert np.isnan(unknown.mean)
