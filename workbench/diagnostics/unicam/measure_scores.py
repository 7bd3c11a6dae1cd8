"""Partial distance correlations of five kinds of knowledge, their p values, intervals and maps; see ``unicam``.

A partial distance correlation says how far the distances of two tables go together once those of a third are taken out.
It is made of U-centred distance matrices (Szekely and Rizzo 2014), so that the estimates are unbiased and the matrices of
N samples can be added, projected and compared like vectors. Differentiable.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from workbench.maths.intervals import critical
from workbench.maths.representations import u_centred
from workbench.records.interval import Interval

EPSILON = 1e-12
"""Added under the root of squared distances, whose slope is infinite at 0."""


def distances(features: Tensor) -> Tensor:
    """Euclidean distances of all pairs of rows, (N, ...) -> (N, N), with 0 on the diagonal."""
    flat = features.flatten(1)
    flat = flat - flat.mean(0)
    lengths = flat.square().sum(1)
    squared = (lengths[:, None] + lengths - 2 * flat @ flat.T).clamp(min=0)
    away = 1 - torch.eye(len(flat), dtype=flat.dtype, device=flat.device)
    return (squared + EPSILON).sqrt() * away


def shape_of(features: Tensor) -> Tensor:
    """U-centred distances, (N, ...) -> (N, N)."""
    return u_centred(distances(features))


def label_shape(labels: Tensor, classes: int) -> Tensor:
    """U-centred distances of one-hot labels, (N,) -> (N, N): 0 within a class, the same between any two."""
    return shape_of(F.one_hot(labels, classes).double())


def product(left: Tensor, right: Tensor) -> Tensor:
    """Inner product of two U-centred matrices, the unbiased squared distance covariance."""
    n = len(left)
    return (left * right).sum() / (n * (n - 3))


def without(shape: Tensor, other: Tensor) -> Tensor:
    """What is left of a U-centred matrix when another one is projected out; all of it if the other is 0."""
    weight = product(other, other)
    return shape - product(shape, other) / weight.clamp(min=EPSILON) * other


def correlation(left: Tensor, right: Tensor) -> Tensor:
    """Bias-corrected squared distance correlation in [-1, 1]; 0 where one matrix is 0, as when it was projected out."""
    scale = (product(left, left).clamp(min=0) * product(right, right).clamp(min=0)).sqrt()
    return product(left, right) / scale.clamp(min=EPSILON)


def class_activation_maps(features: Tensor, score: Tensor) -> Tensor:
    """Where channels that raise a score are active: (N, C, H, W) and () -> (N, H, W) in [0, 1].

    Gradients of the score are averaged over the places of each channel and weigh the channels; what is negative is cut, and
    every map is stretched to [0, 1].
    """
    (slopes,) = torch.autograd.grad(score, features, retain_graph=True)
    maps = (slopes.mean((2, 3), keepdim=True) * features).sum(1).relu().detach()
    low, high = maps.amin((1, 2), keepdim=True), maps.amax((1, 2), keepdim=True)
    return (maps - low) / (high - low).clamp(min=EPSILON)


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

    made = {name: shape_of(torch.from_numpy(each)) for name, each in arrays.items()}
    made["distilled"] = without(made["student"], made["control"])
    made["residual"] = without(made["control"], made["student"])
    return made


def _label_shape(labels: np.ndarray) -> Tensor:
    import torch

    classes, numbers = np.unique(labels, return_inverse=True)
    return label_shape(torch.from_numpy(numbers), len(classes))


def _scores(shapes: Mapping[str, Tensor], target: Tensor, teacher: Tensor | None = None) -> dict[Key, float]:

    guide = shapes["teacher"] if teacher is None else teacher
    similarity = {("similarity", part): float(correlation(shapes[part], guide)) for part in PARTS}
    relevance = {("relevance", part): float(correlation(shapes[part], target)) for part in (*PARTS, "teacher")}
    return similarity | relevance
