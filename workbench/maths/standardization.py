"""Logits brought to a common location and scale, those of impossible classes, minus infinity, left out."""

from __future__ import annotations

import torch
from torch import Tensor


def standardize(logits: Tensor, dim: int = 1, epsilon: float = 1e-7) -> Tensor:
    """Z-scores of each row, (logits - mean) / (epsilon + standard deviation), with the unbiased deviation.

    Args:
        logits: (B, C) or (B, C, ...), C >= 2.
        dim: the class dimension.
        epsilon: keeps rows of equal logits at 0.
    """
    possible = logits > -torch.inf
    centred, count = _centred(logits, possible, dim)
    return (centred / (epsilon + _spread(centred, count, dim))).masked_fill(~possible, -torch.inf)


def unit_deviation(logits: Tensor) -> Tensor:
    """The logits of each row, (B, C), divided by their unbiased standard deviation; rows of equal logits stay."""
    impossible, spread = logits == -torch.inf, deviation(logits)
    scaled = logits.masked_fill(impossible, 0) / spread.masked_fill(spread == 0, 1.0)
    return scaled.masked_fill(impossible, -torch.inf)


def deviation(logits: Tensor, dim: int = 1) -> Tensor:
    """Unbiased standard deviation of each row, (B, C) -> (B, 1); 0, with gradient 0, where the logits are equal."""
    centred, count = _centred(logits, logits > -torch.inf, dim)
    return _spread(centred, count, dim)


def _centred(logits: Tensor, possible: Tensor, dim: int) -> tuple[Tensor, Tensor]:
    """The logits less their mean, 0 for impossible classes, and how many are possible."""
    count = possible.sum(dim, keepdim=True).clamp(min=1)
    kept = logits.masked_fill(~possible, 0)
    return (kept - kept.sum(dim, keepdim=True) / count).masked_fill(~possible, 0), count


def _spread(centred: Tensor, count: Tensor, dim: int) -> Tensor:
    """The root of the unbiased variance, with gradient 0 instead of NaN where it is 0."""
    variance = centred.square().sum(dim, keepdim=True) / (count - 1).clamp(min=1)
    constant = variance == 0
    return variance.masked_fill(constant, 1.0).sqrt().masked_fill(constant, 0.0)
