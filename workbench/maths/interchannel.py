"""Which channels of a feature go together."""

from __future__ import annotations

from torch import Tensor

TINY = 1e-24


def row_products(first: Tensor, second: Tensor) -> Tensor:
    """Inner product of row c of F F' and row c of S S', for all c; (B, C, N) and (B, C, M) -> (B, C).

    The C x C matrices are made only where there are no more channels than positions, else one of N x M.
    """
    if first.shape[1] <= min(first.shape[2], second.shape[2]):
        return ((first @ first.mT) * (second @ second.mT)).sum(2)
    return ((first @ (first.mT @ second)) * second).sum(2)


def correlation_distance(student: Tensor, teacher: Tensor) -> Tensor:
    """Squared distance of the channels' inner products with all channels, each row at length 1, per channel, (B,).

    A row is 0 where a channel is. No more than the smaller of C^2 and N M numbers per sample and side are held.

    Args:
        student: (B, C, N), channels by positions.
        teacher: (B, C, M).
    """
    cosines, lengths = row_products(student, teacher), 0.0
    for side in (student, teacher):
        square = row_products(side, side)
        there = square > TINY
        cosines = cosines * square.clamp(min=TINY).rsqrt() * there
        lengths = lengths + there.to(student)
    return (lengths - 2 * cosines).mean(1)
