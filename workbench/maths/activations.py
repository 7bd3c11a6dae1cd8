"""Distances of responses before a rectifier: who fires, and who fires how much."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def boundary_distance(student: Tensor, teacher: Tensor, margin: float = 1.0) -> Tensor:
    """Squared shortfall of the student from a margin beyond 0, on the side on which the teacher is; same shape.

    Args:
        student: responses, any shape.
        teacher: the same shape; a response above 0 is an active neuron.
        margin: how far beyond the boundary is far enough.
    """
    return (margin - torch.where(teacher > 0, student, -student)).clamp(min=0).square()


def partial_distance(student: Tensor, teacher: Tensor, margins: Tensor) -> Tensor:
    """Squared difference to the teacher's margin-rectified responses; 0 where both are silent and the student lower.

    Args:
        student: responses, (B, C, H, W).
        teacher: the same shape.
        margins: (C,), at most 0: what is left of a channel's lower responses.

    Returns:
        The same shape.
    """
    target = torch.maximum(teacher, margins[:, None, None])
    return (student - target).square() * ((student > target) | (target > 0))


def negative_mean(mean: Tensor, deviation: Tensor) -> Tensor:
    """Expected value of the negative part of a Gaussian, E[x | x < 0]; -3 deviations where hardly any is negative.

    Args:
        mean: (C,).
        deviation: (C,), at least 0.
    """
    spread = deviation.clamp(min=1e-12)
    negative = torch.special.ndtr(-mean / spread)
    density = torch.exp(-((mean / spread) ** 2) / 2) / math.sqrt(2 * math.pi)
    return torch.where(negative > 0.001, mean - spread * density / negative.clamp(min=0.001), -3 * spread)
