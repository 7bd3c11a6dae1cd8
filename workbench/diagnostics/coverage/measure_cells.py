"""Cells of pairs of features: bins, counts and how they fill up; see ``coverage``."""

from __future__ import annotations

import numpy as np

from workbench.maths.intervals import share_interval
from workbench.maths.resampling import interval_of, resampled
from workbench.records.interval import Interval

POINTS = 40


def edges_of(inputs: np.ndarray, bins: int) -> np.ndarray:
    """Quantiles of the inputs that cut each feature into bins with equally many of them, (F, K - 1).

    Equal values fall into one bin, so a feature with few different values leaves some bins empty.
    """
    return np.quantile(inputs, np.arange(1, bins) / bins, axis=0).T


def bins_of(inputs: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """(N, F) bin of every value, from 0; a value on an edge belongs to the bin below."""
    return np.stack(
        [np.searchsorted(cut, column, side="left") for cut, column in zip(edges, inputs.T, strict=True)], axis=1
    )


def counts_of(cells: np.ndarray, bins: int) -> np.ndarray:
    """(F, K, F, K) rows in every cell of every pair: one product of one-hot bins."""
    features, hot = cells.shape[1], _one_hot(cells, bins)
    return (hot.T @ hot).reshape(features, bins, features, bins).astype(np.int64)


def covered(counts: np.ndarray, threshold: int) -> np.ndarray:
    """(F, F) cells of each pair that hold so many rows."""
    return (counts >= threshold).sum((1, 3))


def cumulative(cells: np.ndarray, bins: int, threshold: int) -> np.ndarray:
    """(P, 2) numbers of rows, and the coverage by the first so many of them."""
    ends = np.unique(np.geomspace(1, len(cells), min(POINTS, len(cells))).round().astype(int))
    features = cells.shape[1]
    above, total, start = np.triu_indices(features, 1), np.zeros((features, bins, features, bins), np.int64), 0
    found = []
    for end in ends:
        total += counts_of(cells[start:end], bins)
        start = end
        found.append(covered(total, threshold)[above].sum() / (len(above[0]) * bins**2))
    return np.stack([ends, np.array(found)], axis=1).astype(np.float64)


def over_pairs(part: np.ndarray, whole: np.ndarray) -> float:
    """Cells of one table over cells of the other, summed over all pairs of features: (F, F) twice."""
    above = np.triu_indices(len(part), 1)
    return float(part[above].sum() / whole[above].sum())


def seen_of(cells: np.ndarray, reached: np.ndarray) -> np.ndarray:
    """Share of each sample's cells that were reached, (n,)."""
    count, bins = cells.shape[1], reached.shape[1]
    hot = _one_hot(cells, bins)
    flat = reached.reshape(count * bins, count * bins).astype(np.float32)
    both = ((hot @ flat) * hot).sum(1) - (hot @ np.diag(flat))
    return (both / (count * (count - 1))).astype(np.float64)


def thirds(seen: np.ndarray, agrees: np.ndarray) -> tuple[Interval, ...]:
    """Agreement of the third of the samples that was seen least, in the middle, and most; equal ones stay together."""
    from scipy.stats import rankdata

    third = np.minimum((3 * (rankdata(seen) - 0.5) / len(seen)).astype(int), 2)
    return tuple(share_interval(part.sum(), len(part)) for part in (agrees[third == k] for k in range(3)))


def correlation(seen: np.ndarray, agrees: np.ndarray, seed: int) -> Interval:
    """Spearman's, of what was seen with agreeing; its bootstrap weighs the samples' ranks, which it does not make anew."""
    from scipy.stats import rankdata

    ranks = np.stack([rankdata(seen), rankdata(agrees)], axis=1)

    def of(counts: np.ndarray) -> np.ndarray:
        n = counts.sum(1)
        x, y, xx, yy, xy = (counts @ column / n for column in (*ranks.T, *(ranks**2).T, ranks.prod(1)))
        spread = (xx - x**2) * (yy - y**2)
        return np.where(spread > 1e-9, (xy - x * y) / np.sqrt(np.clip(spread, 1e-9, None)), np.nan)

    return interval_of(resampled(len(seen), of, seed=seed), float(of(np.ones((1, len(seen))))[0]), len(seen))


def _one_hot(cells: np.ndarray, bins: int) -> np.ndarray:
    """(N, F K) the bins of each row as zeros and ones."""
    n, features = cells.shape
    hot = np.zeros((n, features * bins), np.float32)
    hot[np.arange(n)[:, None], np.arange(features) * bins + cells] = 1
    return hot
