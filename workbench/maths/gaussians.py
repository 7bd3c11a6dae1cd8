"""Features at many positions as samples of a Gaussian for each channel."""

from __future__ import annotations

import torch
from torch import Tensor

from workbench.maths.maps import averaged


def moments(maps: Tensor, grid: int, epsilon: float = 1e-5) -> tuple[Tensor, Tensor]:
    """Mean and unbiased standard deviation of each channel in every cell of a grid, twice (B, C, h, w).

    Args:
        maps: (B, C, H, W).
        grid: cells in either direction; fewer where a map has fewer positions.
        epsilon: added to the variance, which is 0 where a cell has one position.
    """
    height, width = maps.shape[2:]
    size = min(grid, height), min(grid, width)
    offset = maps.mean((2, 3), keepdim=True)  # the variance does not depend on it, its rounding error does
    centred = maps - offset
    mean = averaged(centred, size)
    counts = _counts(height, size[0], maps)[:, None] * _counts(width, size[1], maps)
    variance = (averaged(centred.square(), size) - mean.square()).clamp(min=0) * counts / (counts - 1).clamp(min=1)
    return mean + offset, (variance + epsilon).sqrt()


def gaussian_distance(student: Tensor, teacher: Tensor, grid: int, mean_weight: float = 1.0) -> Tensor:
    """Squared 2-Wasserstein distance of diagonal Gaussians, ``|mean difference|^2 + |deviation difference|^2``, (B,).

    Args:
        student: (B, C, H, W).
        teacher: (B, C, H', W').
        grid: one Gaussian for each of its cells, the distance averaged over them.
        mean_weight: of the first part; 1 is the distance.
    """
    cells = min(grid, *student.shape[2:], *teacher.shape[2:])
    (mean, deviation), (wanted_mean, wanted_deviation) = moments(student, cells), moments(teacher, cells)
    squared = mean_weight * (mean - wanted_mean).square() + (deviation - wanted_deviation).square()
    return squared.sum(1).mean((1, 2))


def _counts(before: int, after: int, like: Tensor) -> Tensor:
    """How many of ``before`` places each of ``after`` cells averages, (after,)."""
    cell = torch.arange(after, device=like.device)
    return (((cell + 1) * before + after - 1) // after - cell * before // after).to(like)
