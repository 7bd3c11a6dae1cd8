"""A teacher's probabilities with more weight on the target, as far as the teacher is sure of it."""

from __future__ import annotations

import torch
from torch import Tensor

from workbench.maths.divergences import finite_logits, one_hot, soft_cross_entropy


def enhanced_targets(soft_targets: Tensor, targets: Tensor, power: float) -> Tensor:
    """``p ** power`` of every class but the target, which has ``(1 + p) ** power - 1``; (B, C), its rows sum to any number.

    A power of 1 changes nothing. A larger one lifts the target and lets the other classes fade (Hao et al., NeurIPS 2023).

    Args:
        soft_targets: (B, C) probabilities.
        targets: (B,) int64.
        power: 1 or more.
    """
    mask = one_hot(targets, soft_targets)
    return (soft_targets + mask).pow(power) - mask


def enhanced_cross_entropy(
    student_logits: Tensor, teacher_logits: Tensor, targets: Tensor, power: float, temperature: float = 1.0
) -> Tensor:
    """Cross-entropy of the student against enhanced targets, (B,).

    Args:
        student_logits: (B, C).
        teacher_logits: (B, C).
        targets: (B,) int64.
        power: of the enhancement.
        temperature: softens both.
    """
    soft_targets = torch.softmax(finite_logits(teacher_logits) / temperature, 1)
    return soft_cross_entropy(
        finite_logits(student_logits) / temperature, enhanced_targets(soft_targets, targets, power)
    )
