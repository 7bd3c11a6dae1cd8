"""Intervals against closed forms, textbook formulas written out slowly, scipy, and simulated coverage."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from workbench.records.interval import Interval
from workbench.statistics.intervals import (
    mean_interval,
    paired_difference,
    proportion_interval,
    share_interval,
    t_interval,
    wilson_bounds,
)
from workbench.statistics.resampling import bca_bounds

SKEWED = np.array([0.1, 0.2, 0.2, 0.4, 0.5, 0.7, 0.9, 1.3, 1.9, 2.8, 4.4, 7.9])

few_numbers = arrays(np.float64, st.integers(2, 9), elements=st.floats(-100, 100, width=32))
some_numbers = arrays(np.float64, st.integers(1, 15), elements=st.floats(-100, 100, width=32))


def test_t_interval_of_one_two_three_is_the_textbook_one():
    found = mean_interval([1.0, 2.0, 3.0])
    half = 4.302652729911275 * 0.5773502691896258  # t(0.975, 2) times 1 / sqrt(3)
    assert (found.mean, found.n, found.method, found.level) == (2.0, 3, "t", 0.95)
    assert found.low == pytest.approx(2 - half, abs=1e-9)
    assert found.high == pytest.approx(2 + half, abs=1e-9)


@pytest.mark.parametrize(
    ("n", "level", "quantile"),  # printed tables of Student's t
    [(2, 0.95, 12.7062), (5, 0.95, 2.77645), (5, 0.90, 2.13185), (9, 0.99, 3.35539)],
)
def test_t_interval_uses_the_tabled_quantile(n, level, quantile):
    values = np.arange(n, dtype=float)
    sd = (sum((v - (n - 1) / 2) ** 2 for v in range(n)) / (n - 1)) ** 0.5
    assert mean_interval(values, level).high - values.mean() == pytest.approx(quantile * sd / n**0.5, rel=1e-5)


def test_t_interval_covers_gaussian_means_as_often_as_it_says():
    draws = np.random.default_rng(1).normal(3.0, 2.0, (2000, 5))
    covered = sum(not mean_interval(row).excludes(3.0) for row in draws)
    assert abs(covered / 2000 - 0.95) < 4 * (0.95 * 0.05 / 2000) ** 0.5


def test_bca_covers_skewed_means_nearly_as_often_as_it_says():
    draws = np.random.default_rng(2).exponential(1.0, (150, 30))
    covered = sum(not mean_interval(row).excludes(1.0) for row in draws)
    assert 0.88 <= covered / 150 <= 0.98  # known to fall a little short on few skewed values


def literal_bca(values, resampled, level):
    """Efron 1987 in loops: bias from counting, acceleration from leaving one out."""
    normal, n = NormalDist(), len(values)
    mean = sum(values) / n
    bias = normal.inv_cdf(sum(1.0 if r < mean else 0.5 if r == mean else 0.0 for r in resampled) / len(resampled))
    left_out = [(sum(values) - v) / (n - 1) for v in values]
    centre = sum(left_out) / n
    cubes, squares = sum((centre - v) ** 3 for v in left_out), sum((centre - v) ** 2 for v in left_out)
    acceleration = cubes / (6 * squares**1.5)
    ordered, bounds = sorted(resampled), []
    for tail in ((1 - level) / 2, (1 + level) / 2):
        z = bias + normal.inv_cdf(tail)
        position = normal.cdf(bias + z / (1 - acceleration * z)) * (len(ordered) - 1)
        below = int(position)
        bounds.append(ordered[below] + (position - below) * (ordered[below + 1] - ordered[below]))
    return bounds


@pytest.mark.parametrize("level", [0.9, 0.95])
def test_bca_equals_the_literal_algorithm_on_the_same_resamples(level):
    generator = np.random.default_rng(3)
    values = generator.exponential(1.0, 12)  # no ties but exact ones
    resampled = np.array([np.mean([values[i] for i in generator.integers(0, 12, 12)]) for _ in range(2000)])
    assert bca_bounds(values, resampled, level) == pytest.approx(literal_bca(values, resampled, level), abs=1e-6)


def test_bca_counts_ties_by_half():
    values = np.array([0.0, 1.0] * 5)
    resampled = np.array([0.3, 0.4, 0.5 + 1e-15, 0.5, 0.5 + 2e-15, 0.6, 0.7, 0.9])
    exact = np.array([0.3, 0.4, 0.5, 0.5, 0.5, 0.6, 0.7, 0.9])
    assert bca_bounds(values, resampled, 0.9) == pytest.approx(literal_bca(values, exact, 0.9), abs=1e-6)


def test_from_ten_values_the_interval_is_bca_as_scipy_computes_it():
    from scipy.stats import bootstrap

    found = mean_interval(SKEWED)
    error = SKEWED.std(ddof=1) / 12**0.5
    want = bootstrap((SKEWED,), np.mean, n_resamples=50_000, batch=10_000, method="BCa").confidence_interval
    plain = bootstrap((SKEWED,), np.mean, n_resamples=50_000, batch=10_000, method="percentile").confidence_interval
    assert (found.method, found.n, found.mean) == ("bca", 12, pytest.approx(SKEWED.mean()))
    assert [found.low, found.high] == pytest.approx([want.low, want.high], abs=0.15 * error)
    assert found.high - plain.high > 0.3 * error  # the tolerance would notice a missing correction


def test_the_bootstrap_begins_at_ten_values():
    assert [mean_interval(SKEWED[:n]).method for n in (9, 10)] == ["t", "bca"]


def test_one_value_has_a_mean_and_no_bounds():
    found = mean_interval([91.5])
    assert (found.mean, found.n, found.method) == (91.5, 1, "none")
    assert np.isnan(found.low)
    assert np.isnan(found.high)
    assert not found.excludes(0)
    assert not found.within(1000)
    assert found.to_dict()["low"] is None
    assert str(found) == "91.5 (one value, no interval)"


@pytest.mark.parametrize("n", [2, 3, 9, 10, 30])
def test_equal_values_have_no_width(n):
    found = mean_interval([0.1] * n)  # whose floating-point sum is not n times 0.1
    assert (found.mean, found.low, found.high) == (0.1, 0.1, 0.1)


@given(some_numbers, st.randoms())
def test_the_order_of_the_values_does_not_matter(values, random):
    shuffled = list(values)
    random.shuffle(shuffled)
    np.testing.assert_equal(mean_interval(shuffled), mean_interval(values))


@given(few_numbers, st.floats(-50, 50), st.floats(0.1, 10))
def test_shift_and_scale_carry_over(values, shift, scale):
    was, now = t_interval(values), t_interval(scale * values + shift)
    assert now.low == pytest.approx(scale * was.low + shift, abs=1e-6)
    assert now.high == pytest.approx(scale * was.high + shift, abs=1e-6)


def test_paired_difference_is_the_interval_of_the_differences():
    found = paired_difference([81.0, 92.0, 73.0], [80.0, 90.0, 70.0])
    assert found.mean == 2.0
    assert found.high - found.low == pytest.approx(2 * 4.302652729911275 / 3**0.5, abs=1e-9)


def test_subtraction_leaves_no_noise():
    assert paired_difference([90.3, 80.1, 70.7], [89.8, 79.6, 70.2]) == Interval(0.5, 0.5, 0.5, 3, "t", 0.95)


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
