"""Mean number of features over subsets of models, with weights that stand for resampled models."""

from __future__ import annotations

import numpy as np

CHUNK = 2_000_000
"""Numbers held at a time."""


def means(owned: np.ndarray, sizes: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """(R, S) weighted mean number of features over subsets of distinct models; NaN where there is none of that size.

    A subset weighs the product of its models' weights. These products, summed over all subsets of a size, are the
    elementary symmetric polynomials, which grow model by model; a feature is missing from the subsets of models without
    it.
    """
    patterns, of = np.unique(owned, axis=1, return_counts=True)
    most = max(1, CHUNK // patterns.size)
    if len(weights) > most:
        pieces = np.split(weights, range(most, len(weights), most))
        return np.concatenate([means(owned, sizes, piece) for piece in pieces])
    largest = min(int(sizes.max()), len(owned))
    every = _symmetric(weights[:, None, :], largest)
    without = _symmetric(weights[:, None, :] * ~patterns.T, largest)
    found = np.full((len(weights), len(sizes)), np.nan)
    for place, size in enumerate(sizes):
        if size <= largest:
            total = every[:, 0, size]
            present = (of * (1 - without[:, :, size] / np.where(total > 0, total, 1)[:, None])).sum(axis=1)
            found[:, place] = np.where(total > 0, present, np.nan)
    return found


def _symmetric(values: np.ndarray, largest: int) -> np.ndarray:
    """(..., M) -> (..., largest + 1) elementary symmetric polynomials."""
    found = np.zeros((*values.shape[:-1], largest + 1))
    found[..., 0] = 1
    for model in range(values.shape[-1]):
        found[..., 1:] += values[..., model, None] * found[..., :-1]
    return found
