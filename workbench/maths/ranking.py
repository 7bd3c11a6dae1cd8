"""Who is near whom, as a ranking and as a probability of rankings."""

from __future__ import annotations

from itertools import permutations

import torch
import torch.nn.functional as F
from torch import Tensor


def closeness(features: Tensor, scale: float, power: float) -> Tensor:
    """Minus ``scale`` times the distance of all pairs of directions to a power, (B, ...) -> (B, B).

    Args:
        features: (B, ...).
        scale: larger makes rankings more certain.
        power: of the distance, 1 or more.
    """
    unit = F.normalize(features.flatten(1), dim=1)
    return -scale * torch.cdist(unit, unit, compute_mode="donot_use_mm_for_euclid_dist").pow(power)


def nearest(scores: Tensor, length: int) -> Tensor:
    """For each row the ``length`` other samples of the highest score, best first, (B, B) -> (B, length)."""
    others = scores.detach().clone().fill_diagonal_(-torch.inf)
    return others.topk(length, dim=1).indices


def ranking_log_probability(scores: Tensor) -> Tensor:
    """Log-probability of drawing the entries in the order in which they stand, (..., N) -> (...).

    Each draw takes one of those left with a probability that grows with the exponential of its score (Plackett-Luce).
    """
    return (scores - scores.flip(-1).logcumsumexp(-1).flip(-1)).sum(-1)


def ranking_divergence(student_scores: Tensor, teacher_scores: Tensor) -> Tensor:
    """KL(teacher || student) between the probabilities of all orders of N entries, (B, N) -> (B,).

    Memory grows with B * N * N!; N is meant to be 5 or less.
    """
    every = list(permutations(range(student_scores.shape[1])))
    orders = torch.tensor(every, dtype=torch.int64, device=student_scores.device)
    student, teacher = (ranking_log_probability(scores[:, orders]) for scores in (student_scores, teacher_scores))
    return F.kl_div(student, teacher, reduction="none", log_target=True).sum(1)
