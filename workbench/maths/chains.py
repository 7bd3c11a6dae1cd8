"""How many independent draws is a chain of dependent ones worth?

How it is measured: by the sum of its autocorrelations, over lags as long as sums of neighbouring pairs stay positive.
Formula: n_eff = n / (1 + 2 sum_k r_k), r_k the autocorrelation at lag k.
When it misleads: a chain that has not yet seen most of the distribution does not know what it misses.
After: Geyer 1992, initial positive sequence. Cost: O(n log n) per quantity.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike


def effective_samples(chain: ArrayLike) -> np.ndarray:
    """Of each quantity of an (n, P) chain, (P,), at most n; NaN for one that does not move.

    Raises:
        ValueError: the chain is no (n, P) of four draws or more.
    """
    values = np.asarray(chain, np.float64)
    if values.ndim != 2 or len(values) < 4:
        raise ValueError(f"a chain of shape {values.shape}; needed is (n, P) with n of 4 or more")
    n = len(values)
    spectrum = np.fft.rfft(values - values.mean(0), 2 * n, axis=0)
    covariance = np.fft.irfft(np.abs(spectrum) ** 2, axis=0)[:n]
    pairs = covariance[: n - n % 2].reshape(n // 2, 2, -1).sum(1)
    kept = np.where(np.logical_and.accumulate(pairs > 0, axis=0), pairs, 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        times = 2 * kept.sum(0) / covariance[0] - 1
        return np.where(np.ptp(values, axis=0) > 0, n / np.maximum(times, 1), np.nan)
