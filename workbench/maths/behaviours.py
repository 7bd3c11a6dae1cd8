"""Who writes the next token: distributions over a vocabulary in which student and teacher take part."""

from __future__ import annotations

import torch
from torch import Tensor


def mixed(student: Tensor, teacher: Tensor, share: float) -> Tensor:
    """The teacher writes each token with a probability of ``share``, else the student, (B, V) with (B, V) -> (B, V)."""
    return (1 - share) * student + share * teacher


def interleaved(student: Tensor, teacher: Tensor, likeliest: Tensor) -> Tensor:
    """The student proposes; what is not among the teacher's likeliest tokens is replaced by a token of the teacher's.

    Args:
        student: (B, V) probabilities.
        teacher: (B, V) probabilities of the replacements.
        likeliest: (B, K) tokens that are accepted.

    Returns:
        (B, V) probabilities.
    """
    accepted = torch.zeros_like(student).scatter(1, likeliest, student.gather(1, likeliest))
    return accepted + (1 - accepted.sum(1, keepdim=True)).clamp(min=0) * teacher
