"""How the tokens of a text relate to each other inside a transformer."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def value_relations(values: Tensor, heads: int, real: Tensor) -> Tensor:
    """How alike the values of the tokens are, as probabilities over the real ones.

    Args:
        values: (B, L, D), the heads side by side.
        heads: their number H.
        real: (B, L) bool; what the others hold is not read.

    Returns:
        (B, H, L, L), after Wang et al., NeurIPS 2020, Eqs. 7 and 8.
    """
    values = values.masked_fill(~real[..., None], 0)
    split = values.unflatten(2, (heads, -1)).transpose(1, 2)
    scores = split @ split.mT / math.sqrt(split.shape[-1])
    return scores.masked_fill(~real[:, None, None], -math.inf).softmax(-1)


def relation_kl(student: Tensor, teacher: Tensor, real: Tensor) -> Tensor:
    """KL(teacher || student) of what each token attends to, mean over the heads; 0 for padding.

    Args:
        student: (B, H, L, S) probabilities.
        teacher: (B, H, L, S) probabilities.
        real: (B, L) bool; the rows of the other tokens are not read.

    Returns:
        (B, L).
    """
    student, teacher = (side.masked_fill(~real[:, None, :, None], 0) for side in (student, teacher))
    least = torch.finfo(student.dtype).tiny
    return (torch.xlogy(teacher, teacher) - teacher * student.clamp(min=least).log()).sum(3).mean(1)


def score_gap(student: Tensor, teacher: Tensor, real: Tensor) -> Tensor:
    """Mean squared difference of the scores between real tokens, (B, H, L, L) each with (B, L) bool -> (B,)."""
    both = real[:, :, None] & real[:, None]
    student, teacher = (side.masked_fill(~both[:, None], 0) for side in (student, teacher))
    squares = (student - teacher).square().mean(1)
    return squares.sum((1, 2)) / both.sum((1, 2)).clamp(min=1)
