"""Bootstrap over samples: one table of counts drawn once and multiplied with all per-sample measures.

A resample of N samples is fully described by how often each was drawn. Resampled means of many measures are therefore
one matrix product, counts (R, N) times measures (N, M), and every measure meets the same resamples, so that their
differences are paired. Counts are made in chunks of bounded size.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike

from workbench.records.interval import Interval
from workbench.statistics.checks import coverage, finite

CHUNK = 1_000_000
"""Counts held at a time, unless one resample alone has more: 8 MB of float64."""


def bootstrap_counts(
    samples: int, *, resamples: int = 1000, seed: int | np.random.SeedSequence = 0
) -> Iterator[np.ndarray]:
    """Chunks (r, N) float64 of how often each of N samples was drawn; the rows of all chunks are the resamples.

    The same samples, resamples and seed give the same counts, so that measures may be resampled one after another.

    Raises:
        ValueError: no sample, or no resample.
    """
    if samples < 1 or resamples < 1:
        raise ValueError(f"{samples} samples and {resamples} resamples: both must be 1 or more")
    generator = np.random.default_rng(seed)
    rows = max(1, CHUNK // samples)
    for start in range(0, resamples, rows):
        r = min(rows, resamples - start)
        drawn = generator.integers(0, samples, (r, samples)) + samples * np.arange(r)[:, None]
        yield np.bincount(drawn.ravel(), minlength=r * samples).reshape(r, samples).astype(np.float64)


def bootstrap_means(
    per_sample: ArrayLike, *, resamples: int = 1000, seed: int | np.random.SeedSequence = 0
) -> np.ndarray:
    """Means of M per-sample measures over resampled samples: (N, M) to (R, M), or (N,) to (R,).

    Raises:
        ValueError: no sample, more than two dimensions, or values that are not finite.
    """
    values = finite(per_sample, "per-sample values", (1, 2))
    chunks = bootstrap_counts(len(values), resamples=resamples, seed=seed)
    return np.concatenate([counts @ values for counts in chunks]) / len(values)


def hierarchical_means(per_sample: ArrayLike, *, resamples: int = 1000, seed: int = 0) -> np.ndarray:
    """Means over resampled seeds and resampled samples: (S, N) to (R,).

    For a measure of S seeds on the same N test samples, whose uncertainty has two sources: other seeds and other
    samples. Both are drawn with replacement, and all seeds meet the same drawn samples, since they share the test set
    (the crossed or pigeonhole bootstrap: Owen 2007); drawing anew for every seed would average the luck of the test
    set away.

    Raises:
        ValueError: not (S, N) with at least one of each, or values that are not finite.
    """
    values = finite(per_sample, "per-sample values", (2,))
    seeds = len(values)
    of_seeds, of_samples = np.random.SeedSequence(seed).spawn(2)
    by_seed = bootstrap_means(values.T, resamples=resamples, seed=of_samples)
    drawn = np.random.default_rng(of_seeds).multinomial(seeds, np.full(seeds, 1 / seeds), resamples)
    return (by_seed * drawn).sum(axis=1) / seeds


def percentile_interval(resampled: ArrayLike, estimate: float, n: int, level: float = 0.95) -> Interval:
    """The middle ``level`` of (R,) resampled values, for an estimate made from n samples.

    Raises:
        ValueError: no finite (R,) values, or the level is not in (0, 1).
    """
    tails = (1 - coverage(level)) / 2
    low, high = np.quantile(finite(resampled, "resampled values"), [tails, 1 - tails])
    return Interval(float(estimate), float(low), float(high), n, "percentile", level)


def bca_bounds(values: np.ndarray, resampled: np.ndarray, level: float) -> tuple[float, float]:
    """Bias-corrected and accelerated bounds (Efron 1987) for the mean of (n,) values that are not all equal.

    Formula: quantiles of the resampled means (R,) at ``Phi(z0 + (z0 + z) / (1 - a (z0 + z)))`` for z at both tails;
    ``Phi(z0)`` is the share of them below the mean, ties by half, and ``a = sum d^3 / (6 (sum d^2)^1.5)`` over the
    deviations d from the mean, which is what the jackknife gives.
    """
    from scipy.special import ndtr, ndtri

    mean = values.mean()
    deviations = values - mean
    noise = 1e-12 * np.ptp(values)  # resampled means that tie with the mean differ from it by rounding
    below = ((resampled < mean - noise).mean() + (resampled <= mean + noise).mean()) / 2
    acceleration = (deviations**3).sum() / (6 * (deviations**2).sum() ** 1.5)
    shifted = ndtri(below) + ndtri([(1 - level) / 2, (1 + level) / 2])
    low, high = np.quantile(resampled, ndtr(ndtri(below) + shifted / (1 - acceleration * shifted)))
    return float(low), float(high)
