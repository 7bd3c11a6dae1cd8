"""Policy gradients of texts: what a token is credited with, and how far one step may trust it."""

from __future__ import annotations

import torch
from torch import Tensor


def mean_to_come(rewards: Tensor, counted: Tensor) -> Tensor:
    """The mean reward of the tokens after each one, (B, L) with (B, L) bool -> (B, L); 0 where none comes.

    A mean instead of a sum, so that long texts are neither shunned nor sought.

    Example:
        >>> mean_to_come(torch.tensor([[9.0, 1.0, 3.0, 7.0]]), torch.tensor([[True, True, True, False]]))
        tensor([[2., 3., 0., 0.]])
    """
    kept, ones = rewards.masked_fill(~counted, 0), counted.to(rewards)
    return _after(kept) / _after(ones).clamp(min=1)


def clipped_gain(ratio: Tensor, advantage: Tensor, clip: float) -> Tensor:
    """What is to be maximised, after Schulman et al. 2017, Eq. 7: a ratio farther from 1 than clip gains nothing.

    Args:
        ratio: probability of a token now to that with which it was drawn, any shape.
        advantage: what it is credited with, the same shape.
        clip: above 0.
    """
    return torch.minimum(ratio * advantage, ratio.clamp(1 - clip, 1 + clip) * advantage)


def _after(values: Tensor) -> Tensor:
    return values.flip(1).cumsum(1).flip(1) - values
