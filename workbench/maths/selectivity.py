"""What a layer's channels respond to, as a cloud of patterns over positions."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from workbench.maths.maps import as_maps, to_common_size


def selectivity_distance(student_features: Tensor, teacher_features: Tensor) -> Tensor:
    """Squared maximum mean discrepancy of the channels' unit patterns, with the kernel (u . v)^2, (B,).

    It is the squared distance of the two mean outer products u u^T. Maps of different sizes are averaged to the smaller
    size first. Vectors are one channel whose units are positions. At most min(C, positions)^2 numbers per sample and side
    are held.

    Args:
        student_features: (B, C, H, W), (B, L, D) or (B, D).
        teacher_features: the same rank; any number of channels.

    Raises:
        ValueError: the ranks differ.
    """
    if student_features.dim() != teacher_features.dim():
        shapes = f"{tuple(student_features.shape)} and {tuple(teacher_features.shape)}"
        raise ValueError(f"features of shapes {shapes} have no comparable patterns; choose layers of one rank")
    maps = to_common_size(_positions(student_features), _positions(teacher_features))
    student, teacher = (F.normalize(side.flatten(2), dim=2) for side in maps)
    within = mean_squared_products(student, student) + mean_squared_products(teacher, teacher)
    return within - 2 * mean_squared_products(student, teacher)


def mean_squared_products(first: Tensor, second: Tensor) -> Tensor:
    """Mean of (u . v)^2 over all pairs of a row u of the first and v of the second, (B, C, N) with (B, D, N) -> (B,).

    Summed up over the pairs or, where there are fewer positions than rows, over the entries of both outer products.
    """
    rows = first.shape[1], second.shape[1]
    if first.shape[2] >= min(rows):
        return (first @ second.mT).square().mean((1, 2))
    return ((first.mT @ first) * (second.mT @ second)).sum((1, 2)) / (rows[0] * rows[1])


def _positions(features: Tensor) -> Tensor:
    return features[:, None, :, None] if features.dim() == 2 else as_maps(features)
