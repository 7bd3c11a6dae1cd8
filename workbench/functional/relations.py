"""Structure among the samples of a batch: distances and angles."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def relative_distances(features: Tensor) -> Tensor:
    """Euclidean distances of all pairs divided by their mean over distinct points, (B, D) -> (B, B).

    Distances of 0 (a point to itself, or to its duplicate) do not count in the mean; if all are 0, so is the result.
    """
    distances = _norm(_differences(features))[..., 0]
    apart = distances > 0
    mean = distances.sum() / apart.sum().clamp(min=1)
    return distances / torch.where(mean > 0, mean, torch.ones_like(mean))


def angles(features: Tensor) -> Tensor:
    """Cosines of the angles that all pairs of points make at each point.

    Args:
        features: (B, D).

    Returns:
        (B, B, B); entry [a, b, c] is the cosine at vertex a between the rays to b and to c, 0 where a ray has no length.
    """
    rays = _differences(features)
    length = _norm(rays)
    directions = rays / torch.where(length > 0, length, torch.ones_like(length))
    return directions @ directions.transpose(1, 2)


def distance_loss(student_features: Tensor, teacher_features: Tensor) -> Tensor:
    """Huber loss between the relative distances, averaged over the partners of each sample, (B, ...) -> (B,)."""
    student, teacher = (relative_distances(f.flatten(1)) for f in (student_features, teacher_features))
    return F.smooth_l1_loss(student, teacher, reduction="none").mean(1)


def angle_loss(student_features: Tensor, teacher_features: Tensor) -> Tensor:
    """Huber loss between the cosines, averaged over the pairs seen from each sample, (B, ...) -> (B,)."""
    student, teacher = (angles(f.flatten(1)) for f in (student_features, teacher_features))
    return F.smooth_l1_loss(student, teacher, reduction="none").mean((1, 2))


def _differences(features: Tensor) -> Tensor:
    """Entry [a, b] is the vector from a to b, (B, B, D)."""
    return features[None] - features[:, None]


def _norm(vectors: Tensor) -> Tensor:
    """Lengths, (..., 1), with gradient 0 instead of infinity at length 0."""
    squares = vectors.square().sum(-1, keepdim=True)
    none = squares == 0
    return squares.masked_fill(none, 1.0).sqrt().masked_fill(none, 0.0)
