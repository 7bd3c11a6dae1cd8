"""Divergences between softened distributions, all from logits, per sample, in single precision at least.

A class whose logit is minus infinity is impossible: its probability is 0, and it adds nothing where both sides say so.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

LOWEST = -1e9
"""A logit whose probability is 0, finite so that products with it and rows of nothing else are finite."""


def precise(tensor: Tensor) -> Tensor:
    """The tensor in single precision, or double if it is in that."""
    return tensor if tensor.dtype == torch.float32 else tensor.to(torch.promote_types(tensor.dtype, torch.float32))


def finite_logits(logits: Tensor) -> Tensor:
    """The logits in single precision at least, those of impossible classes finite; the latter have no gradient."""
    return torch.threshold(precise(logits), LOWEST, LOWEST)  # what clamp gives, at half its price in the backward pass


def log_probabilities(logits: Tensor, temperature: float | Tensor = 1.0, dim: int = 1) -> Tensor:
    """The logarithm of the softmax at a temperature, (B, C) or (B, C, ...) -> the same, finite for impossible classes."""
    return F.log_softmax(finite_logits(logits) / temperature, dim)


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
    log_student = log_probabilities(student_logits, temperature, dim)
    log_teacher = log_probabilities(teacher_logits, temperature, dim)
    return F.kl_div(log_student, log_teacher, reduction="none", log_target=True).sum(dim)


def positions_kl(
    student_logits: Tensor, teacher_logits: Tensor, mask: Tensor | None = None, temperature: float = 1.0
) -> Tensor:
    """KL(teacher || student) of each position, averaged over those that count, (B, C, ...) and (B, C, ...) -> (B,).

    Args:
        student_logits: (B, C, ...).
        teacher_logits: (B, C, ...).
        mask: (B, ...) boolean, the positions that count; None is all. What the others hold is not read.
        temperature: softens both.
    """
    if mask is None or mask.dim() == 1:
        return forward_kl(student_logits, teacher_logits, temperature).flatten(1).mean(1)
    student, teacher = (logits.masked_fill(~mask[:, None], 0) for logits in (student_logits, teacher_logits))
    return forward_kl(student, teacher, temperature).flatten(1).sum(1) / mask.flatten(1).sum(1).clamp(min=1)


def binary_kl(student_logits: Tensor, teacher_logits: Tensor, temperature: float = 1.0) -> Tensor:
    """KL(teacher || student) of every entry as a decision between yes, with the sigmoid of its logit, and no.

    Args:
        student_logits: (B, C).
        teacher_logits: (B, C).
        temperature: softens both.

    Returns:
        (B, C), not multiplied with the squared temperature.
    """
    student, teacher = (finite_logits(z).clamp(max=-LOWEST) / temperature for z in (student_logits, teacher_logits))
    yes = torch.sigmoid(teacher) * (F.logsigmoid(teacher) - F.logsigmoid(student))
    return yes + torch.sigmoid(-teacher) * (F.logsigmoid(-teacher) - F.logsigmoid(-student))


def pairwise_kl(student_logits: Tensor, teacher_logits: Tensor, temperature: float = 1.0) -> Tensor:
    """KL(teacher || student) between every row of one and every row of the other, (B, C) and (N, C) -> (B, N).

    Args:
        student_logits: (B, C).
        teacher_logits: (N, C).
        temperature: softens both.
    """
    log_student, log_teacher = (log_probabilities(z, temperature) for z in (student_logits, teacher_logits))
    teacher = log_teacher.exp()
    with torch.autocast(teacher.device.type, enabled=False):  # what counts is a small difference of products
        return (teacher * log_teacher).sum(1) - log_student @ teacher.T


def soft_cross_entropy(student_logits: Tensor, soft_targets: Tensor, dim: int = 1) -> Tensor:
    """Cross-entropy against soft targets, (B, C) with (B, C) -> (B,)."""
    return -(soft_targets * log_probabilities(student_logits, dim=dim)).sum(dim)


def one_hot(labels: Tensor, like: Tensor) -> Tensor:
    """Labels (B,) as probabilities (B, C) of the shape and type of ``like``."""
    return torch.zeros_like(like).scatter(1, labels[:, None], 1.0)


def logit_gaps(student_logits: Tensor, teacher_logits: Tensor) -> Tensor:
    """The differences of the logits, (B, C); 0 where both call a class impossible."""
    impossible = (student_logits == -torch.inf) & (teacher_logits == -torch.inf)
    student, teacher = (logits.masked_fill(impossible, 0) for logits in (student_logits, teacher_logits))
    return student - teacher
