"""How two tables vary together, whatever their location and scale."""

from __future__ import annotations

from torch import Tensor


def pearson(student: Tensor, teacher: Tensor, dim: int = 1, epsilon: float = 1e-8) -> Tensor:
    """Pearson's correlation along a dimension, in [-1, 1]; 0 where a side is constant.

    Args:
        student: (B, C).
        teacher: (B, C).
        dim: 1 correlates rows, giving (B,); 0 columns, giving (C,).
        epsilon: added to the product of the lengths.
    """
    mine, theirs = (side - side.mean(dim, keepdim=True) for side in (student, teacher))
    return (mine * theirs).sum(dim) / (mine.norm(dim=dim) * theirs.norm(dim=dim) + epsilon)
