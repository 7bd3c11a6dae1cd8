"""Logits brought to a common location and scale."""

from __future__ import annotations

from torch import Tensor


def standardize(logits: Tensor, dim: int = 1, epsilon: float = 1e-7) -> Tensor:
    """Z-scores of each row, (logits - mean) / (epsilon + standard deviation), with the unbiased deviation.

    Args:
        logits: (B, C) or (B, C, ...), C >= 2.
        dim: the class dimension.
        epsilon: keeps rows of equal logits at 0.
    """
    centred = logits - logits.mean(dim, keepdim=True)
    return centred / (epsilon + _spread(centred, dim))


def deviation(logits: Tensor, dim: int = 1) -> Tensor:
    """Unbiased standard deviation of each row, (B, C) -> (B, 1); 0, with gradient 0, where the logits are equal."""
    return _spread(logits - logits.mean(dim, keepdim=True), dim)


def _spread(centred: Tensor, dim: int) -> Tensor:
    """The root of the unbiased variance, with gradient 0 instead of NaN where it is 0."""
    variance = centred.square().sum(dim, keepdim=True) / (centred.shape[dim] - 1)
    constant = variance == 0
    return variance.masked_fill(constant, 1.0).sqrt().masked_fill(constant, 0.0)
