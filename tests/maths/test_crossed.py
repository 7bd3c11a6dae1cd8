"""Intervals over few seeds on shared samples cover what they say, and follow from variances worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm, t

from workbench.diagnostics.seed_disagreement.measure import seed_disagreement
from workbench.maths.crossed import crossed_interval
from workbench.maths.resampling import bootstrap_means


def bounds(found) -> list[float]:
    return [found.low, found.high]


def hits(generator: np.random.Generator, seeds: int, samples: int, of_seed: float, of_sample: float) -> np.ndarray:
    """(S, N) right or wrong: some seeds are better, some samples are easier."""
    skill, ease = generator.normal(0, of_seed, (seeds, 1)), generator.normal(0, of_sample, (1, samples))
    return generator.random((seeds, samples)) < 1 / (1 + np.exp(-1 - skill - ease))


def test_where_only_the_seeds_differ_it_is_the_t_interval() -> None:
    values = np.array([1.0, 2.0, 4.0, 4.5])
    found = crossed_interval(values.mean(), values, np.full(10, values.mean()), 100)
    np.testing.assert_allclose(bounds(found), t.interval(0.95, 3, values.mean(), values.std(ddof=1) / 2))


def test_where_only_the_samples_differ_it_is_the_normal_interval() -> None:
    drawn = np.array([0.5, 0.7, 0.6, 0.9])
    found = crossed_interval(0.65, np.full(3, 0.65), drawn, 100)
    np.testing.assert_allclose(bounds(found), norm.interval(0.95, 0.65, drawn.std()), rtol=1e-5)


def test_both_variances_add_up_and_the_better_known_one_adds_degrees_of_freedom() -> None:
    values, drawn = np.array([1.0, 2.0, 3.0]), np.array([1.5, 2.5])  # 1 / 3 and 1 / 4
    freedom = 2 * ((1 / 3 + 1 / 4) / (1 / 3)) ** 2
    found = crossed_interval(2.0, values, drawn, 100)
    np.testing.assert_allclose(bounds(found), t.interval(0.95, freedom, 2.0, (1 / 3 + 1 / 4) ** 0.5))


@pytest.mark.parametrize(
    ("estimate", "values", "drawn", "method"),
    [
        (0.5, [0.4, 0.6], [0.4, 0.6], "none"),
        (np.nan, [0.4, 0.6, np.nan], [0.4, 0.6], "none"),
        (0.5, [0.4, 0.5, 0.6], [0.5, np.nan], "none"),
        (0.5, [0.5, 0.5, 0.5], [0.5, 0.5], "tied"),
    ],
)
def test_there_are_no_bounds_where_nothing_tells_them(estimate, values, drawn, method: str) -> None:
    found = crossed_interval(estimate, np.array(values), np.array(drawn), 100)
    assert found.method == method
    assert np.isnan(bounds(found)).all()


@pytest.mark.parametrize("seeds", [3, 5])
@pytest.mark.parametrize(("of_seed", "of_sample"), [(0.7, 0.5), (0.1, 1.5), (0.0, 1.0)])
def test_accuracy_over_few_seeds_is_covered(seeds: int, of_seed: float, of_sample: float) -> None:
    generator = np.random.default_rng(0)
    truth = hits(generator, 2000, 2000, of_seed, of_sample).mean()
    covered = []
    for trial in range(300):
        table = hits(generator, seeds, 80, of_seed, of_sample).astype(float)
        drawn = bootstrap_means(table.mean(axis=0), resamples=200, seed=trial)
        found = crossed_interval(table.mean(), table.mean(axis=1), drawn, 80)
        covered.append(found.low <= truth <= found.high)
    assert np.mean(covered) >= 0.9


@pytest.mark.parametrize("seeds", [3, 5])
def test_disagreement_and_error_of_few_seeds_are_covered(seeds: int) -> None:
    generator = np.random.default_rng(1)

    def picked(count: int, samples: int) -> np.ndarray:
        return np.where(hits(generator, count, samples, 0.5, 1.0), 0, generator.integers(1, 3, (count, samples)))

    pairs = [picked(2, 2000) for _ in range(400)]
    error = np.mean([pair != 0 for pair in pairs])
    disagreement = np.mean([pair[0] != pair[1] for pair in pairs])
    truths, covered = (disagreement, error, disagreement - error), []
    for _ in range(200):
        found = seed_disagreement(np.eye(3)[picked(seeds, 80)], np.zeros(80, int))
        each = (found.disagreement, found.error, found.gap)
        covered.append([one.low <= truth <= one.high for one, truth in zip(each, truths, strict=True)])
    assert (np.mean(covered, axis=0) >= 0.9).all()
