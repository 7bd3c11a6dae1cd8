"""Inputs moved a little so that a loss grows much."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


def projected_gradient(
    loss: Callable[[Tensor], Tensor],
    inputs: Tensor,
    radius: float,
    step_size: float,
    steps: int,
    bounds: tuple[Tensor, Tensor],
) -> Tensor:
    """Climb a loss within a box around the inputs, from a random place in it (Madry et al., ICLR 2018, section 2.1).

    Args:
        loss: (B, ...) -> (B,), each from its own row.
        inputs: (B, ...), floating-point.
        radius: half a side of the box, in units of the inputs.
        step_size: how far each entry goes in a step, in the direction of its gradient's sign.
        steps: one or more.
        bounds: smallest and largest value that an input may have.

    Returns:
        (B, ...), without a graph.
    """
    low, high = (inputs - radius).clamp(min=bounds[0]), (inputs + radius).clamp(max=bounds[1])
    moved = inputs + radius * (2 * torch.rand_like(inputs) - 1)
    for _ in range(steps):
        moved = moved.detach().requires_grad_()
        with torch.enable_grad():
            slope = torch.autograd.grad(loss(moved).sum(), moved)[0]
        moved = torch.clamp(moved.detach() + step_size * slope.sign(), low, high)
    return moved
