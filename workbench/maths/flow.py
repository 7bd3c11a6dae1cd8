"""How a net gets from one layer to another."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

Step = tuple[Tensor, Tensor]


def flow(first: Tensor, second: Tensor) -> Tensor:
    """Inner products of all pairs of channels of two layers, averaged over the positions, (B, D, E).

    Args:
        first: (B, positions, D), see ``step``.
        second: (B, positions, E).
    """
    return first.transpose(1, 2) @ second / first.shape[1]


def step(first: Tensor, second: Tensor) -> Step:
    """Two layers over the same positions, (B, positions, D) and (B, positions, E).

    Args:
        first: (B, D, H, W) maps, (B, L, D) sequences, or (B, D) vectors, which have one position.
        second: the same with E channels; maps of the larger size are average-pooled to the smaller.

    Raises:
        ValueError: the layers have no positions in common.
    """
    if first.dim() == second.dim() == 4:
        size = tuple(min(a, b) for a, b in zip(first.shape[2:], second.shape[2:], strict=True))
        first, second = (F.adaptive_avg_pool2d(f, size) if tuple(f.shape[2:]) != size else f for f in (first, second))
    left, right = _positions(first), _positions(second)
    if left.shape[1] != right.shape[1]:
        shapes = f"{tuple(first.shape)} and {tuple(second.shape)}"
        raise ValueError(f"layers of shapes {shapes} have no positions in common; name layers of one kind")
    return left, right


def flow_gap(student: Step, teacher: Step) -> Tensor:
    """Mean squared difference of the entries of two flows of one shape, (B,).

    Where a layer has many channels at few positions, the inner products of the positions say the same for less.
    """
    width, other = teacher[0].shape[2], teacher[1].shape[2]
    if student[0].shape[1] * teacher[0].shape[1] >= width * other:
        return (flow(*student) - flow(*teacher)).square().mean((1, 2))
    square = _inner(student, student) + _inner(teacher, teacher) - 2 * _inner(student, teacher)
    return square / (width * other)


def _inner(one: Step, other: Step) -> Tensor:
    """Sum of the products of the entries of two flows, (B,)."""
    products = (one[0] @ other[0].transpose(1, 2)) * (one[1] @ other[1].transpose(1, 2))
    return products.mean((1, 2))


def _positions(features: Tensor) -> Tensor:
    """(B, positions, channels)."""
    if features.dim() == 2:
        return features[:, None]
    return features.flatten(2).transpose(1, 2) if features.dim() == 4 else features.flatten(1, -2)
