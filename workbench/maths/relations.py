"""Structure among the samples of a batch: distances and angles."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def relative_distances(features: Tensor) -> Tensor:
    """Euclidean distances of all pairs divided by their mean over distinct points, (B, D) -> (B, B).

    Distances of 0 (a point to itself, or to its duplicate) do not count in the mean; if all are 0, so is the result.
    """
    distances = _distances(features)
    mean = distances.sum() / (distances > 0).sum().clamp(min=1)
    return distances / torch.where(mean > 0, mean, torch.ones_like(mean))


def angles(features: Tensor) -> Tensor:
    """Cosines of the angles that all pairs of points make at each point.

    Args:
        features: (B, D).

    Returns:
        (B, B, B); entry [a, b, c] is the cosine at vertex a between the rays to b and to c, 0 where a ray has no length.
    """
    centred = (features - features.mean(0)).double()  # inner products of rays are small differences of large numbers
    gram = centred @ centred.T
    inner = gram[None] - gram[:, :, None] - (gram - gram.diagonal()[:, None])[:, None, :]
    lengths = _distances(centred)
    none = lengths == 0
    inverse = (1 / lengths.masked_fill(none, 1.0)).masked_fill(none, 0.0).to(features.dtype)
    return inner.to(features.dtype) * inverse[:, :, None] * inverse[:, None, :]


def distance_loss(student_features: Tensor, teacher_features: Tensor) -> Tensor:
    """Huber loss between the relative distances, averaged over the partners of each sample, (B, ...) -> (B,)."""
    student, teacher = (relative_distances(f.flatten(1)) for f in (student_features, teacher_features))
    return F.smooth_l1_loss(student, teacher, reduction="none").mean(1)


def angle_loss(student_features: Tensor, teacher_features: Tensor) -> Tensor:
    """Huber loss between the cosines, averaged over the pairs seen from each sample, (B, ...) -> (B,)."""
    student, teacher = (angles(f.flatten(1)) for f in (student_features, teacher_features))
    return F.smooth_l1_loss(student, teacher, reduction="none").mean((1, 2))


def _distances(features: Tensor) -> Tensor:
    """Exactly 0, with gradient 0, between equal rows; (B, D) -> (B, B)."""
    return torch.cdist(features, features, compute_mode="donot_use_mm_for_euclid_dist")
