"""Two moons: the plane cut by a curve that a student can be watched to learn."""

from __future__ import annotations

import math

import torch
from torch import Generator, Tensor


def two_moons(samples: int, noise: float = 0.2, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Points on two interleaved half circles, half of them on each.

    The upper one is (cos a, sin a), the lower one (1 - cos a, 1/2 - sin a), with a uniform in [0, pi].

    Args:
        samples: number of points; of an odd one more is on the upper moon.
        noise: standard deviation of what is added to both coordinates; the radius is 1.
        seed: of the angles and the noise.

    Returns:
        (N, 2) points and (N,) labels, 0 for the upper moon, in alternating order.
    """
    generator = Generator().manual_seed(seed)
    labels = torch.arange(samples) % 2
    angles = math.pi * torch.rand(samples, generator=generator)
    upper = torch.stack([angles.cos(), angles.sin()], 1)
    lower = torch.stack([1 - angles.cos(), 0.5 - angles.sin()], 1)
    points = torch.where(labels[:, None] == 0, upper, lower)
    return points + noise * torch.randn(points.shape, generator=generator), labels
