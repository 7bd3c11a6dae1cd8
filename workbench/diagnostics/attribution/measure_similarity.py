"""How alike are two attributions of the same sample?

How it is measured: four ways, each sample by itself. ``cosine`` takes the maps with their signs, ``spearman`` the order
of their sizes, ``iou`` the places that are largest in both, ``ssim`` the local structure of images.

Formula: for maps A and B of one sample
    cosine   = <A, B> / (|A| |B|)
    spearman = correlation of the ranks of |A| and |B|, ties at their mean rank
    iou      = |top A and top B| / |top A or top B|, top = the largest 10 % of |A| (at least one place)
    ssim     = mean over windows of (2 m_a m_b + c1)(2 s_ab + c2) / ((m_a^2 + m_b^2 + c1)(s_a^2 + s_b^2 + c2)), maps
               between 0 and 1 with 0.5 for nothing, windows of 7 x 7 (or what fits), c1 = 0.01^2, c2 = 0.03^2

Reading it: 1 means the same; cosine, spearman and ssim are about 0 for unrelated maps, iou about 0.05.
When it misleads: two maps of the same image share where it has ink at all, so compare with what a control reaches, never
with 0. A map that is zero everywhere has no direction: NaN.
After: ssim is Wang et al. 2004; the choice of the four is that of Adebayo et al. 2018 with iou added.
Cost: O(N P log P) for N maps of P places.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

TOP = 0.1
WINDOW = 7
C1, C2 = 0.01**2, 0.03**2


def similarity(maps: ArrayLike, others: ArrayLike) -> dict[str, np.ndarray]:
    """All measures that apply, per sample: (N, ...) twice -> (N,) each; ``ssim`` for maps in two dimensions only.

    Raises:
        ValueError: shapes differ, or a value is not finite.
    """
    first, second = np.asarray(maps, np.float64), np.asarray(others, np.float64)
    if first.shape != second.shape or first.ndim < 2:
        raise ValueError(f"maps {first.shape} and {second.shape} must be (N, ...) of the same shape")
    if not (np.isfinite(first).all() and np.isfinite(second).all()):
        raise ValueError("maps hold NaN or infinite values")
    measures = {name: MEASURES[name] for name in MEASURES if name != "ssim" or _is_image(first)}
    return {name: measure(first, second) for name, measure in measures.items()}


def cosine(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """(N,) cosines of the signed maps; NaN where one is zero everywhere."""
    first, second = _flat(first), _flat(second)
    return _ratio((first * second).sum(1), np.linalg.norm(first, axis=1) * np.linalg.norm(second, axis=1))


def spearman(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """(N,) rank correlations of the sizes; NaN where all places of one are of the same size."""
    from scipy.stats import rankdata

    ranks = [rankdata(np.abs(_flat(each)), axis=1) for each in (first, second)]
    return cosine(*(each - each.mean(1, keepdims=True) for each in ranks))


def top_overlap(first: np.ndarray, second: np.ndarray, share: float = TOP) -> np.ndarray:
    """(N,) intersection over union of the largest places; of equal ones the first count; NaN where one is all zero."""
    first, second = np.abs(_flat(first)), np.abs(_flat(second))
    count = max(1, round(share * first.shape[1]))
    tops = [np.argsort(-each, axis=1, kind="stable")[:, :count] for each in (first, second)]
    common = np.array([len(np.intersect1d(*pair)) for pair in zip(*tops, strict=True)], float)
    common[(first.max(1) == 0) | (second.max(1) == 0)] = np.nan
    return common / (2 * count - common)


def ssim(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """(N,) structural similarities of maps (N, H, W); NaN where one is all zero."""
    from numpy.lib.stride_tricks import sliding_window_view

    side = min(WINDOW, *first.shape[1:])
    a, b = (sliding_window_view(_scaled(each), (side, side), axis=(1, 2)) for each in (first, second))
    mean_a, mean_b = a.mean((-1, -2)), b.mean((-1, -2))
    covariance = (a * b).mean((-1, -2)) - mean_a * mean_b
    spread = a.var((-1, -2)) + b.var((-1, -2))
    likeness = (2 * mean_a * mean_b + C1) * (2 * covariance + C2) / ((mean_a**2 + mean_b**2 + C1) * (spread + C2))
    return likeness.mean((1, 2))


MEASURES: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "cosine": cosine,
    "spearman": spearman,
    "iou": top_overlap,
    "ssim": ssim,
}


def _is_image(maps: np.ndarray) -> bool:
    return maps.ndim == 3 and min(maps.shape[1:]) > 2


def _flat(maps: np.ndarray) -> np.ndarray:
    return maps.reshape(len(maps), -1)


def _scaled(maps: np.ndarray) -> np.ndarray:
    """Each map between 0 and 1, so that what is negative in both does not count as bright in both."""
    largest = np.abs(maps).max((1, 2), keepdims=True)
    return (_ratio(maps, np.broadcast_to(largest, maps.shape)) + 1) / 2


def _ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    return np.divide(above, below, out=np.full(below.shape, np.nan), where=below > 0)
