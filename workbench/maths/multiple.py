"""Several comparisons at once: the more arms are tried, the more often one looks good by luck."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike


def holm(p_values: ArrayLike) -> np.ndarray:
    """Holm's step-down adjusted p values (1979), (m,), which hold the chance of any false alarm at the level.

    Formula: sorted upwards, ``adjusted_i = max over j <= i of min(1, (m - j + 1) p_j)``. NaN (not tested) stays NaN
    and does not count in m.

    Raises:
        ValueError: a p value outside [0, 1].
    """
    p_values = np.asarray(p_values, np.float64)
    tested = p_values[~np.isnan(p_values)]
    if ((tested < 0) | (tested > 1)).any():
        raise ValueError(f"p values must lie in [0, 1], got {tested.min():g} to {tested.max():g}")
    order = np.argsort(tested, kind="stable")
    adjusted = np.empty_like(tested)
    adjusted[order] = np.minimum(1, np.maximum.accumulate(tested[order] * np.arange(len(tested), 0, -1)))
    result = np.full_like(p_values, np.nan)
    result[~np.isnan(p_values)] = adjusted
    return result


def holm_errors(p_values: ArrayLike, error: float = 0.05) -> np.ndarray:
    """The error rate of each test, (m,), at which it decides as Holm's procedure does for all of them: for intervals.

    Formula: ``error / m`` (Bonferroni), which bounds the chance that any of the m intervals misses by ``error``. A test
    that only a later step of Holm's rejects, since its p value is not below ``error / m``, has the error of that step,
    ``error / (m - k)`` where k p values are smaller. So ``p < holm_errors(p)`` wherever ``holm(p) < error``, and only
    there. In those intervals alone the joint error is that of the test of 0; each still covers at least as often as
    ``1 - error`` says. NaN (not tested) does not count in m and has the error of the others.

    Raises:
        ValueError: as ``holm``.
    """
    p_values = np.asarray(p_values, np.float64)
    m = max(1, int((~np.isnan(p_values)).sum()))
    smaller = (p_values[None, :] < p_values[:, None]).sum(axis=1)
    late = (holm(p_values) < error) & (p_values >= error / m)
    return np.where(late, error / (m - smaller), error / m)
