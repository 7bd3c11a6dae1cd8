"""Partial distance correlations of five kinds of knowledge, their p values, intervals and maps; see ``unicam``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from workbench.maths.intervals import critical
from workbench.records.interval import Interval

if TYPE_CHECKING:
    from torch import Tensor

PARTS = ("student", "control", "distilled", "residual")
PERMUTATIONS, GROUPS, SHOWN = 199, 10, 12
Key = tuple[str, str]


def scores_of(arrays: Mapping[str, np.ndarray], labels: np.ndarray) -> dict[Key, float]:
    """``similarity`` and ``relevance`` by part."""
    return _scores(_shapes(arrays), _label_shape(labels))


def p_values_of(arrays: Mapping[str, np.ndarray], labels: np.ndarray, seed: int) -> dict[Key, float]:
    """Share of permutations of the samples with as large a score; teacher and labels change places, not the parts."""
    generator, shapes, target = np.random.default_rng(seed), _shapes(arrays), _label_shape(labels)
    seen = _scores(shapes, target)
    reached = dict.fromkeys(seen, 1)
    for _ in range(PERMUTATIONS):
        order = generator.permutation(len(labels))
        moved = shapes["teacher"][order][:, order]
        drawn = _scores(shapes, target[order][:, order], teacher=moved)
        reached = {key: count + (drawn[key] >= seen[key] - 1e-12) for key, count in reached.items()}
    return {key: float(count) / (1 + PERMUTATIONS) for key, count in reached.items()}


def intervals_of(
    arrays: Mapping[str, np.ndarray], labels: np.ndarray, scores: Mapping[Key, float], seed: int
) -> dict[Key, Interval]:
    """A t interval from leaving out one of ten groups of samples at a time; no bounds below 20 samples."""
    n = len(labels)
    if n < 2 * GROUPS:
        return {key: Interval(score, np.nan, np.nan, n, "none") for key, score in scores.items()}
    left_out = []
    for group in np.array_split(np.random.default_rng(seed).permutation(n), GROUPS):
        kept = np.setdiff1d(np.arange(n), group)
        left_out.append(scores_of({name: each[kept] for name, each in arrays.items()}, labels[kept]))
    found = {}
    for key, score in scores.items():
        values = np.array([each[key] for each in left_out])
        error = float(np.sqrt((GROUPS - 1) / GROUPS * ((values - values.mean()) ** 2).sum()))
        half = float(critical(GROUPS, 0.95)) * error
        found[key] = Interval(score, max(-1.0, score - half), min(1.0, score + half), n, "t")
    return found


def maps_of(arrays: Mapping[str, np.ndarray], labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Maps of the distilled and of the residual part for the first samples, (M, H, W) each; empty without places."""
    import torch

    from workbench.maths.partial_distance import class_activation_maps, correlation, shape_of, without

    if arrays["student"].ndim != 4 or arrays["control"].ndim != 4:
        return np.zeros((0, 0, 0)), np.zeros((0, 0, 0))
    target, found = _label_shape(labels), []
    for own, other in (("student", "control"), ("control", "student")):
        features = torch.from_numpy(arrays[own]).requires_grad_()
        rest = without(shape_of(features), shape_of(torch.from_numpy(arrays[other])))
        found.append(class_activation_maps(features, correlation(rest, target))[:SHOWN].numpy())
    return found[0], found[1]


def _shapes(arrays: Mapping[str, np.ndarray]) -> dict[str, Tensor]:
    import torch

    from workbench.maths.partial_distance import shape_of, without

    made = {name: shape_of(torch.from_numpy(each)) for name, each in arrays.items()}
    made["distilled"] = without(made["student"], made["control"])
    made["residual"] = without(made["control"], made["student"])
    return made


def _label_shape(labels: np.ndarray) -> Tensor:
    import torch

    from workbench.maths.partial_distance import label_shape

    classes, numbers = np.unique(labels, return_inverse=True)
    return label_shape(torch.from_numpy(numbers), len(classes))


def _scores(shapes: Mapping[str, Tensor], target: Tensor, teacher: Tensor | None = None) -> dict[Key, float]:
    from workbench.maths.partial_distance import correlation

    guide = shapes["teacher"] if teacher is None else teacher
    similarity = {("similarity", part): float(correlation(shapes[part], guide)) for part in PARTS}
    relevance = {("relevance", part): float(correlation(shapes[part], target)) for part in (*PARTS, "teacher")}
    return similarity | relevance
