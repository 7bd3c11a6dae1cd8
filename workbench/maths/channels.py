"""Where each channel responds, as a distribution over positions."""

from __future__ import annotations

from torch import Tensor

from workbench.maths.divergences import forward_kl


def channel_divergence(student: Tensor, teacher: Tensor, temperature: float = 1.0) -> Tensor:
    """KL(teacher || student) of each channel's softmax over positions, averaged over channels, (B,).

    Args:
        student: (B, C, H, W); with one position only, the channels are the positions of a single one.
        teacher: the same shape.
        temperature: softens both.

    Returns:
        (B,), not multiplied with the squared temperature.
    """
    mine, theirs = (_rows(side) for side in (student, teacher))
    return forward_kl(mine, theirs, temperature, dim=2).mean(1)


def _rows(maps: Tensor) -> Tensor:
    rows = maps.flatten(2)
    return rows.mT if rows.shape[2] == 1 else rows
