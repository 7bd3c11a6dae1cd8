"""Bootstrap over samples: one table of counts drawn once and multiplied with all per-sample measures.

A resample of N samples is fully described by how often each was drawn. Resampled means of many measures are therefore
one matrix product, counts (R, N) times measures (N, M), and every measure meets the same resamples, so that their
differences are paired. Counts are made in chunks of bounded size, and whatever else can be computed from weighted
samples (a kappa, a share among some of them) is computed from the same chunks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import ArrayLike

from workbench.maths.checks import coverage, finite
from workbench.records.interval import Interval

CHUNK = 250_000
"""Counts held at a time, unless one resample alone has more: 2 MB of float64."""

MOST_UNDEFINED = 0.1
"""Share of resamples in which a statistic may be undefined (no error drawn, say) before it gets no bounds."""


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
    return resampled(len(values), lambda counts: counts @ values, resamples=resamples, seed=seed) / len(values)


def resampled(
    samples: int,
    statistic: Callable[[np.ndarray], np.ndarray],
    *,
    resamples: int = 1000,
    seed: int | np.random.SeedSequence = 0,
) -> np.ndarray:
    """Any statistics of weighted samples over all resamples: from chunks of counts (r, N) to (r, ...) each.

    Raises:
        ValueError: no sample, or no resample.
    """
    return np.concatenate([statistic(counts) for counts in bootstrap_counts(samples, resamples=resamples, seed=seed)])


def percentile_interval(resampled: ArrayLike, estimate: float, n: int, level: float = 0.95) -> Interval:
    """The middle ``level`` of (R,) resampled values, for an estimate made from n samples.

    Raises:
        ValueError: no finite (R,) values, or the level is not in (0, 1).
    """
    tails = (1 - coverage(level)) / 2
    low, high = np.quantile(finite(resampled, "resampled values"), [tails, 1 - tails])
    return Interval(float(estimate), float(low), float(high), n, "percentile", level)


def interval_of(resampled: np.ndarray, estimate: float, n: int, level: float = 0.95) -> Interval:
    """The same for a statistic that is undefined (NaN) in some resamples, which are left out.

    No bounds if the estimate itself is undefined, or more than ``MOST_UNDEFINED`` of the resamples are.
    """
    known = resampled[np.isfinite(resampled)]
    if not np.isfinite(estimate) or len(known) < (1 - MOST_UNDEFINED) * len(resampled):
        return Interval(float(estimate), np.nan, np.nan, n, "none", coverage(level))
    return percentile_interval(known, estimate, n, level)
