"""Resampled means against index loops and the closed-form variances of the bootstrap."""

from __future__ import annotations

import numpy as np
import pytest

from workbench.maths import resampling
from workbench.maths.resampling import (
    bootstrap_counts,
    bootstrap_means,
    interval_of,
    percentile_interval,
    resampled,
)


def test_means_equal_an_index_loop_over_the_same_counts():
    table = np.random.default_rng(0).normal(size=(13, 3))
    counts = np.concatenate(list(bootstrap_counts(13, resamples=20, seed=5)))
    found = bootstrap_means(table, resamples=20, seed=5)
    assert found.shape == (20, 3)
    for r in range(20):
        drawn = [i for i in range(13) for _ in range(int(counts[r, i]))]
        assert len(drawn) == 13
        for m in range(3):
            assert found[r, m] == pytest.approx(sum(table[i, m] for i in drawn) / 13, abs=1e-12)


def test_counts_are_those_of_drawing_with_replacement():
    counts = np.concatenate(list(bootstrap_counts(50, resamples=4000, seed=1)))
    assert counts.shape == (4000, 50)
    assert (counts.sum(axis=1) == 50).all()
    assert (counts >= 0).all()
    # each count is binomial(50, 1/50): mean 1, variance 0.98, zero in (49/50)^50 of all cases
    assert counts.mean(axis=0) == pytest.approx(np.ones(50), abs=5 * (0.98 / 4000) ** 0.5)
    assert counts.var() == pytest.approx(0.98, abs=0.02)
    assert (counts == 0).mean() == pytest.approx(0.98**50, abs=0.01)


def test_chunks_do_not_change_the_resamples(monkeypatch):
    values = np.random.default_rng(2).normal(size=37)
    whole = bootstrap_means(values, resamples=101, seed=3)
    for chunk in (1, 40, 1000):
        monkeypatch.setattr(resampling, "CHUNK", chunk)
        assert max(c.size for c in bootstrap_counts(37, resamples=101)) <= max(chunk, 37)
        np.testing.assert_allclose(bootstrap_means(values, resamples=101, seed=3), whole, rtol=0, atol=1e-12)


def test_all_measures_meet_the_same_resamples():
    values = np.random.default_rng(4).normal(size=40)
    table = np.stack([values, 2 * values + 1, np.ones(40)], axis=1)
    one, two, three = bootstrap_means(table, resamples=50).T
    np.testing.assert_allclose(two, 2 * one + 1)
    np.testing.assert_allclose(three, 1.0)
    np.testing.assert_allclose(bootstrap_means(values, resamples=50), one)


def test_another_seed_gives_other_resamples_and_the_same_seed_the_same():
    values = np.arange(10.0)
    assert (bootstrap_means(values, seed=1) == bootstrap_means(values, seed=1)).all()
    assert (bootstrap_means(values, seed=1) != bootstrap_means(values, seed=2)).any()


def test_variance_of_resampled_means_is_that_of_the_bootstrap():
    values = np.random.default_rng(5).exponential(size=60)
    found = bootstrap_means(values, resamples=20_000, seed=6)
    assert found.mean() == pytest.approx(values.mean(), abs=5 * (values.var() / 60 / 20_000) ** 0.5)
    assert found.var() == pytest.approx(values.var() / 60, rel=0.06)


def test_a_ratio_is_computed_from_the_same_counts(monkeypatch):
    table = np.random.default_rng(12).uniform(1, 2, size=(25, 2))
    monkeypatch.setattr(resampling, "CHUNK", 60)
    over, under = bootstrap_means(table, resamples=33, seed=4).T
    found = resampled(25, lambda counts: (counts @ table[:, 0]) / (counts @ table[:, 1]), resamples=33, seed=4)
    np.testing.assert_allclose(found, over / under)


def test_resamples_in_which_a_statistic_is_undefined_are_left_out_while_they_are_few():
    values = np.r_[np.arange(1001.0), np.full(50, np.nan)]
    found = interval_of(values, 500.0, 9)
    assert [found.low, found.high] == pytest.approx([25.0, 975.0])
    many = interval_of(np.r_[values, np.full(100, np.nan)], 500.0, 9)
    assert (many.mean, many.method) == (500.0, "none")
    assert np.isnan(many.low)
    assert np.isnan(interval_of(values, np.nan, 9).high)


def test_percentile_interval_cuts_both_tails():
    found = percentile_interval(np.arange(1001.0), estimate=480.0, n=77, level=0.9)
    assert (found.mean, found.n, found.method, found.level) == (480.0, 77, "percentile", 0.9)
    assert [found.low, found.high] == pytest.approx([50.0, 950.0])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: bootstrap_means(np.zeros((0, 3))), r"shape \(0, 3\)"),
        (lambda: bootstrap_means(np.zeros((2, 2, 2))), "1 or 2 dimension"),
        (lambda: bootstrap_means([1.0, np.nan]), "1 of 2 not finite"),
        (lambda: list(bootstrap_counts(0)), "0 samples"),
        (lambda: bootstrap_means([1.0], resamples=0), "0 resamples"),
        (lambda: percentile_interval([1.0, 2.0], 1.5, 2, level=1.2), r"level = 1\.2"),
    ],
)
def test_bad_input_is_refused_in_words(call, message):
    with pytest.raises(ValueError, match=message):
        call()
