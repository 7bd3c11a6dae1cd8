"""Divergences between softened distributions, all from logits, per sample."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def forward_kl(
    student_logits: Tensor, teacher_logits: Tensor, temperature: float | Tensor = 1.0, dim: int = 1
) -> Tensor:
    """KL(teacher || student) at a temperature, summed over classes.

    Args:
        student_logits: (B, C) or (B, C, ...).
        teacher_logits: the same shape.
        temperature: a number, or a tensor that broadcasts against the logits.
        dim: the class dimension.

    Returns:
        (B,) or (B, ...); not multiplied with the squared temperature.
    """
    log_student = F.log_softmax(student_logits / temperature, dim)
    log_teacher = F.log_softmax(teacher_logits / temperature, dim)
    return F.kl_div(log_student, log_teacher, reduction="none", log_target=True).sum(dim)


def pairwise_kl(student_logits: Tensor, teacher_logits: Tensor, temperature: float = 1.0) -> Tensor:
    """KL(teacher || student) between every row of one and every row of the other, (B, C) and (N, C) -> (B, N).

    Args:
        student_logits: (B, C).
        teacher_logits: (N, C).
        temperature: softens both.
    """
    log_student = F.log_softmax(student_logits / temperature, 1)
    log_teacher = F.log_softmax(teacher_logits / temperature, 1)
    teacher = log_teacher.exp()
    return (teacher * log_teacher).sum(1) - log_student @ teacher.T


def soft_cross_entropy(student_logits: Tensor, soft_targets: Tensor, dim: int = 1) -> Tensor:
    """Cross-entropy against soft targets, (B, C) with (B, C) -> (B,)."""
    return -(soft_targets * F.log_softmax(student_logits, dim)).sum(dim)


def one_hot(labels: Tensor, like: Tensor) -> Tensor:
    """Labels (B,) as probabilities (B, C) of the shape and type of ``like``."""
    return torch.zeros_like(like).scatter(1, labels[:, None], 1.0)
