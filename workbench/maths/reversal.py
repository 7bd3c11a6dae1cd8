"""A number that is used as it is and learnt the other way round."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


class _Reversed(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, value: Tensor, strength: float) -> Tensor:
        ctx.strength = strength
        return value.view_as(value)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return -ctx.strength * gradient, None


def reversed_gradient(value: Tensor, strength: float = 1.0) -> Tensor:
    """The value itself, whose gradient is multiplied with ``-strength``: who descends the loss by it climbs.

    Ganin and Lempitsky, ICML 2015, Eqs. 7 and 8.
    """
    return _Reversed.apply(value, strength)
