"""Which components of different models rise and fall together over the samples?

How it is measured: every component of every model against every other, as one matrix of correlations; a threshold says
what counts as the same feature, and a greedy scan gathers what exceeds it.

Formula:
    Lambda = Z Z^T / N,  Z: components (L, N), each with mean 0 and standard deviation 1 (N - 1 in the denominator).
    scan: the first component without a feature starts one; all components with |Lambda| above the threshold join it.
    ``average``: the two features with the largest mean |Lambda| between them become one while it is not below the threshold.
Reading it: components of one feature are seen by several models. The number of features depends on where the scan
begins, so it is repeated in random orders; average linkage knows no order.
When it misleads: a percentile over few models is the correlation of a component with itself, and nothing joins.
After: Kang and Kim, ICPR 2026, steps 3 to 5, and their code; thresholds without self pairs and linkage are ours.
Cost: L^2 N multiplications and 8 L^2 bytes, once; O(L^2) comparisons for a scan, O(L^2) time and bytes for a linkage.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np

Rule = Literal["cross99", "null", "released"]
Assign = Literal["best", "last", "average"]
COLUMNS = 1024
PERCENTILE, NULL_PERCENTILE = 99.0, 99.9
NULL_PAIRS = 2000
"""Pairs of models with permuted samples behind the null threshold, at least."""


@dataclass(frozen=True)
class Stack:
    """The components of all models, one below the other; L in all.

    Attributes:
        scores: (L, N) float32.
        owner: (L,) index of the model, ascending.
        rank: (L,) place among the components of its model, from 0.
        correlations: (L, L) float32.
        skewness: (L,) third moment of each standardised component.
    """

    scores: np.ndarray
    owner: np.ndarray
    rank: np.ndarray
    correlations: np.ndarray
    skewness: np.ndarray

    @cached_property
    def strength(self) -> np.ndarray:
        """(L, L) absolute correlations."""
        return np.abs(self.correlations)

    @cached_property
    def tree(self) -> np.ndarray:
        """(L - 1, 4) average linkage by 1 - |correlation|, as scipy writes it."""
        from scipy.cluster.hierarchy import linkage

        above = np.triu_indices(len(self.owner), 1)
        return linkage(np.maximum(1 - self.strength[above], 0).astype(np.float64), "average")

    def only(self, wanted: np.ndarray) -> Stack:
        """The components marked in (L,)."""
        if wanted.all():
            return self
        parts = {name: getattr(self, name)[wanted] for name in ("scores", "owner", "rank", "skewness")}
        return replace(self, correlations=self.correlations[np.ix_(wanted, wanted)], **parts)

    def thinned(self, most: int) -> Stack:
        """The same components and correlations, with the scores of evenly spread samples: at most so many numbers."""
        samples = self.scores.shape[1]
        step = -(-self.scores.size // most)
        return self if step <= 1 else replace(self, scores=np.ascontiguousarray(self.scores[:, :samples:step]))


def stack(scores: Sequence[np.ndarray]) -> Stack:
    """Put the (N, K) components of each model below each other and correlate all of them.

    Raises:
        ValueError: fewer than two models, different numbers of samples, or a component that does not vary.
    """
    counts = {len(each) for each in scores}
    if len(scores) < 2 or len(counts) > 1:
        raise ValueError(f"{len(scores)} models with {sorted(counts)} samples; two or more need the same samples")
    rows = np.concatenate([np.ascontiguousarray(each.T, dtype=np.float32) for each in scores])
    owner = np.repeat(np.arange(len(scores)), [each.shape[1] for each in scores])
    rank = np.concatenate([np.arange(each.shape[1]) for each in scores])
    return stacked(rows, owner, rank)


def stacked(rows: np.ndarray, owner: np.ndarray, rank: np.ndarray) -> Stack:
    """The same from (L, N) rows and whose they are.

    Raises:
        ValueError: a component does not vary.
    """
    samples = rows.shape[1]
    mean = rows.mean(axis=1, dtype=np.float64, keepdims=True)
    spread = np.sqrt(np.maximum((_squares(rows, mean) / max(samples - 1, 1)), 0))[:, None]
    if not (spread > 0).all():
        flat = np.flatnonzero(spread[:, 0] <= 0)
        raise ValueError(f"{len(flat)} components do not vary, the first is {rank[flat[0]]} of model {owner[flat[0]]}")
    found, cubes = np.zeros((len(rows), len(rows))), np.zeros(len(rows))
    for start in range(0, samples, COLUMNS):
        piece = (rows[:, start : start + COLUMNS] - mean) / spread
        found += piece @ piece.T
        cubes += (piece * piece * piece).sum(axis=1)
    return Stack(rows, owner, rank, (found / samples).astype(np.float32), cubes / samples)


def threshold_of(found: Stack, rule: Rule | float, seed: int = 0) -> float:
    """The correlation above which two components are the same feature.

    Args:
        found: the stacked components.
        rule: a number; ``cross99``, the 99th percentile over components of different models; ``released``, the same over
            all entries, self pairs included; ``null``, which one pair of models in a thousand exceeds when the samples
            of both are permuted.
        seed: of the permutations.

    Raises:
        ValueError: a number outside (0, 1), or no such rule.
    """
    if isinstance(rule, str):
        if rule == "released":
            return float(np.percentile(found.strength, PERCENTILE))
        if rule == "cross99":
            different = found.owner[:, None] < found.owner
            return float(np.percentile(found.strength[different], PERCENTILE))
        if rule == "null":
            return _null(found, seed)
        raise ValueError(f"no threshold {rule!r}; there are cross99, null, released, or a number between 0 and 1")
    if not 0 < rule < 1:
        raise ValueError(f"threshold = {rule} must lie between 0 and 1")
    return float(rule)


def clusters(
    strength: np.ndarray, threshold: float, assign: Assign = "best", order: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """The feature of each component, (L,), and the component that started each feature.

    Args:
        strength: (L, L) absolute correlations.
        threshold: what must be exceeded to join.
        assign: a component that several features claim goes to the one it is closest to, unless ``last``.
        order: in which the components are scanned; as they stand by default.
    """
    feature, seeds = np.full(len(strength), -1), []
    best = np.full(len(strength), threshold, strength.dtype)
    for start in range(len(strength)) if order is None else order:
        if feature[start] >= 0:
            continue
        row = strength[start]
        joins = row > best
        joins[start] = True
        feature[joins] = len(seeds)
        seeds.append(start)
        if assign == "best":
            best[joins] = row[joins]
            best[start] = np.inf
    return feature, np.array(seeds)


def linked(found: Stack, threshold: float) -> tuple[np.ndarray, np.ndarray]:
    """The same by average linkage; the component that stands for a feature is the one closest to all others of it."""
    from scipy.cluster.hierarchy import fcluster

    _, first, number = np.unique(
        fcluster(found.tree, 1 - threshold, "distance"), return_index=True, return_inverse=True
    )
    feature = np.argsort(np.argsort(first))[number]  # in the order in which they are first met
    gathered = np.split(np.argsort(feature, kind="stable"), np.cumsum(np.bincount(feature))[:-1])
    return feature, np.array([each[found.strength[np.ix_(each, each)].sum(axis=1).argmax()] for each in gathered])


def _squares(rows: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """(L,) sums of squared distances from the mean."""
    pieces = (rows[:, start : start + COLUMNS] - mean for start in range(0, rows.shape[1], COLUMNS))
    return np.sum([np.einsum("ln,ln->l", piece, piece) for piece in pieces], axis=0)


def _null(found: Stack, seed: int) -> float:
    """Largest correlation between the components of two models, over pairs and permutations, at its percentile."""
    generator = np.random.default_rng(seed)
    models, samples = int(found.owner[-1]) + 1, found.scores.shape[1]
    starts = np.flatnonzero(np.r_[True, np.diff(found.owner) > 0])
    mean = found.scores.mean(axis=1, keepdims=True, dtype=np.float64)
    rows = (found.scores - mean).astype(np.float32)
    rows /= np.sqrt(np.einsum("ln,ln->l", rows, rows, dtype=np.float64)).astype(np.float32)[:, None]
    pairs, largest = np.triu_indices(models, 1), []
    for _ in range(max(2, -(-NULL_PAIRS // len(pairs[0])))):
        shuffled = np.concatenate([each[:, generator.permutation(samples)] for each in np.split(rows, starts[1:])])
        by_chance = np.abs(shuffled @ shuffled.T)
        blocks = np.maximum.reduceat(np.maximum.reduceat(by_chance, starts, axis=0), starts, axis=1)
        largest.append(blocks[pairs])
    return float(np.percentile(np.concatenate(largest), NULL_PERCENTILE, method="higher"))
