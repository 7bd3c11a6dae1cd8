"""On which samples does which model use which feature? The interaction tensor, kept as its rows that are not empty.

How it is measured: every model is granted its largest activations: a tenth of them, over all its samples and components
together. A feature is active in a model on a sample if one of the model's components of that feature is.

Formula:
    x = score / max_n |score|;  active = x > quantile(x of the model, 0.9);  Omega[m, n, t] = any active of m, n in t.
Reading it: the tenth is the same for every model by construction. What differs between models is on which samples they
spend it, and on features that others have too.
When it misleads: a component may be turned around without changing the model, but only its positive half is active.
``aligned`` turns all components of a feature the same way first, and the feature to its longer tail.
After: Kang and Kim, ICPR 2026, steps 6 and 7; ``aligned`` and ``two_sided`` are ours.
Cost: one partial sort of N K numbers per model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from workbench.diagnostics.interaction.measure_matches import Stack

Sign = Literal["aligned", "paper", "two_sided"]


@dataclass(frozen=True)
class Omega:
    """The interaction tensor of M models, N samples and F features, by pairs of a model and a feature it has; P pairs.

    Attributes:
        model: (P,) index of the model.
        feature: (P,) index of the feature.
        active: (P, N) bool; where the model uses the feature.
        features: F, with those that no model uses anywhere.
    """

    model: np.ndarray
    feature: np.ndarray
    active: np.ndarray
    features: int

    def union(self, models: Sequence[int] | np.ndarray) -> np.ndarray:
        """(F, N) bool: on which samples any of these models uses each feature."""
        pairs = np.flatnonzero(np.isin(self.model, models))
        found = np.zeros((self.features, self.active.shape[1]), bool)
        if len(pairs):
            pairs = pairs[np.argsort(self.feature[pairs], kind="stable")]
            found[np.unique(self.feature[pairs])] = _any(self.active[pairs], self.feature[pairs])
        return found

    def summed(self, models: Sequence[int] | np.ndarray) -> np.ndarray:
        """(N,) number of features in use, added up over these models."""
        return self.active[np.isin(self.model, models)].sum(axis=0)

    def owned(self, models: int) -> np.ndarray:
        """(M, F) bool: which model uses which feature on some sample."""
        found = np.zeros((models, self.features), bool)
        used = self.active.any(axis=1)
        found[self.model[used], self.feature[used]] = True
        return found

    def frequencies(self, models: int) -> np.ndarray:
        """(M, F) number of samples on which each model uses each feature."""
        found = np.zeros((models, self.features), np.int64)
        found[self.model, self.feature] = self.active.sum(axis=1)
        return found


def signs_of(found: Stack, feature: np.ndarray, seeds: np.ndarray) -> np.ndarray:
    """(L,) -1 or 1: turns every component as the one that started its feature, and the feature to its longer tail."""
    toward = np.where(found.correlations[seeds[feature], np.arange(len(feature))] < 0, -1.0, 1.0)
    tail = np.bincount(feature, weights=toward * found.skewness, minlength=len(seeds))
    return toward * np.where(tail < 0, -1.0, 1.0)[feature]


def activity(found: Stack, signs: np.ndarray, quantile: float, *, two_sided: bool = False) -> np.ndarray:
    """(L, N) bool: the largest activations of each model.

    Args:
        found: the stacked components.
        signs: (L,) factor of each component.
        quantile: of a model's activations that must be exceeded.
        two_sided: count distances from zero, whichever the side.

    Raises:
        ValueError: a quantile outside (0, 1).
    """
    if not 0 < quantile < 1:
        raise ValueError(f"quantile = {quantile} must lie between 0 and 1")
    active = np.empty(found.scores.shape, bool)
    for rows in np.split(np.arange(len(found.owner)), np.flatnonzero(np.diff(found.owner)) + 1):
        scores = found.scores[rows]
        largest = np.abs(scores).max(axis=1)
        values = scores * (signs[rows] / largest).astype(np.float32)[:, None]
        values = np.abs(values) if two_sided else values
        active[rows] = values > np.quantile(values, quantile)
    return active


def omega_of(active: np.ndarray, owner: np.ndarray, feature: np.ndarray) -> Omega:
    """Gather the components of one model that belong to one feature.

    Args:
        active: (L, N) bool.
        owner: (L,) model of each component.
        feature: (L,) feature of each component.
    """
    features = int(feature.max()) + 1
    key = owner * features + feature
    order = np.argsort(key, kind="stable")
    pairs = np.unique(key)
    return Omega(pairs // features, pairs % features, _any(active[order], key[order]), features)


def _any(rows: np.ndarray, key: np.ndarray) -> np.ndarray:
    """Rows of equal key, which stand together, joined by *or*."""
    starts = np.flatnonzero(np.r_[True, np.diff(key) > 0])
    return rows if len(starts) == len(rows) else np.logical_or.reduceat(rows, starts, axis=0)
