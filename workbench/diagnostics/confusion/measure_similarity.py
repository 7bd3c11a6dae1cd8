"""How alike two tables of class by class are off their diagonal: five numbers, each undefined where it means nothing.

All functions take any number of leading axes, so that many resampled tables are compared at once, and (..., C) rows that
count. Two tables, the teacher's and the student's, are (..., C, C - 1).
"""

from __future__ import annotations

import numpy as np

NAMES = ("pearson", "spearman", "cosine", "soft_iou", "top_overlap")
"""Two correlations over all entries, and three means over the rows."""

TOP = 3
FLAT = 1e-12
"""Entries that differ by less than this share of their size are equal."""


def similarity(soft: np.ndarray, hard: np.ndarray, used: np.ndarray) -> np.ndarray:
    """(..., 5) the numbers of ``NAMES``; NaN where one is not defined."""
    ranked = [ranks(table, used) for table in (soft, hard)]
    by_row = (cosines(soft, hard), soft_ious(soft, hard), top_overlaps(soft, hard))
    means = [mean(values, used) for values in by_row]
    return np.stack([correlation(soft, hard, used), correlation(*ranked, used), *means], axis=-1)


def off_diagonal(table: np.ndarray) -> np.ndarray:
    """(..., C, C) -> (..., C, C - 1) without the diagonal."""
    classes = table.shape[-1]
    return table[..., ~np.eye(classes, dtype=bool)].reshape(*table.shape[:-2], classes, classes - 1)


def correlation(first: np.ndarray, second: np.ndarray, used: np.ndarray) -> np.ndarray:
    """(...,) Pearson's over all entries of the rows that count; NaN where either table is flat."""
    weight = np.broadcast_to(used[..., None], first.shape)
    count = np.maximum(weight.sum(axis=(-2, -1), keepdims=True), 1)
    moved, flat = [], np.zeros(first.shape[:-2], bool)
    for table in (first, second):
        kept = np.where(weight, table, 0.0)
        centred = np.where(weight, kept - kept.sum(axis=(-2, -1), keepdims=True) / count, 0.0)
        flat = flat | (_length(centred) <= FLAT * _length(kept))
        moved.append(centred)
    product = (moved[0] * moved[1]).sum(axis=(-2, -1))
    return np.where(flat, np.nan, product / np.where(flat, 1.0, _length(moved[0]) * _length(moved[1])))


def ranks(table: np.ndarray, used: np.ndarray) -> np.ndarray:
    """Ranks from 1 among all entries of the rows that count, the mean of their places for equal ones; the others come last.

    ``scipy.stats.rankdata`` does the same, but takes a second to import.
    """
    flat = np.where(used[..., None], table, np.inf).reshape(*table.shape[:-2], -1)
    order = np.argsort(flat, axis=-1)
    ascending = np.take_along_axis(flat, order, axis=-1)
    place = np.broadcast_to(np.arange(flat.shape[-1]), flat.shape)
    rises = ascending[..., 1:] > ascending[..., :-1]
    edge = np.ones_like(rises[..., :1])
    first = np.maximum.accumulate(np.where(np.concatenate([edge, rises], axis=-1), place, 0), axis=-1)
    ends = np.where(np.concatenate([rises, edge], axis=-1), place, flat.shape[-1])
    last = np.minimum.accumulate(ends[..., ::-1], axis=-1)[..., ::-1]
    found = np.empty_like(flat)
    np.put_along_axis(found, order, (first + last) / 2 + 1, axis=-1)
    return found.reshape(table.shape)


def cosines(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """(..., C) of each pair of rows; NaN where one is empty."""
    lengths = np.linalg.norm(first, axis=-1) * np.linalg.norm(second, axis=-1)
    return np.where(lengths > 0, (first * second).sum(axis=-1) / np.where(lengths > 0, lengths, 1), np.nan)


def soft_ious(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """(..., C) sum of minima over sum of maxima; NaN where both rows are empty."""
    union = np.maximum(first, second).sum(axis=-1)
    return np.where(union > 0, np.minimum(first, second).sum(axis=-1) / np.where(union > 0, union, 1), np.nan)


def top_overlaps(soft: np.ndarray, hard: np.ndarray, top: int = TOP) -> np.ndarray:
    """(..., C) share of the largest entries of the second row that are among as many of the first; NaN for a flat row.

    At most ``top`` entries, and only those that exceed the smallest of their row. Where several tie for the last place,
    each counts in part.
    """
    ascending = np.sort(hard, axis=-1)
    count = np.minimum(top, (hard > ascending[..., :1]).sum(axis=-1))
    cut = np.take_along_axis(ascending, hard.shape[-1] - np.maximum(count, 1)[..., None], axis=-1)
    above, tied = hard > cut, hard == cut
    rest = (count - above.sum(axis=-1)) / tied.sum(axis=-1)
    place = np.argsort(np.argsort(-soft, axis=-1, kind="stable"), axis=-1)
    shared = ((above + tied * rest[..., None]) * (place < count[..., None])).sum(axis=-1)
    return np.where(count > 0, shared / np.maximum(count, 1), np.nan)


def mean(values: np.ndarray, used: np.ndarray) -> np.ndarray:
    """(...,) mean over the rows that count and have a value; NaN where there are none."""
    known = used & np.isfinite(values)
    count = known.sum(axis=-1)
    return np.where(count > 0, np.where(known, values, 0.0).sum(axis=-1) / np.maximum(count, 1), np.nan)


def _length(table: np.ndarray) -> np.ndarray:
    return np.sqrt((table * table).sum(axis=(-2, -1)))
