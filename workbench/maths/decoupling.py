"""The divergence of two distributions, split into the target class and the rest."""

from __future__ import annotations

import torch
from torch import Tensor

from workbench.maths.divergences import finite_logits, forward_kl
from workbench.maths.tasks import UNLABELLED


def target_classes(labels: Tensor | None, teacher_logits: Tensor) -> Tensor:
    """The class each row is about, (B,): its label, or the teacher's choice where it has none."""
    chosen = teacher_logits.argmax(1)
    return chosen if labels is None else torch.where(labels == UNLABELLED, chosen, labels)


def decoupled_kl(
    student_logits: Tensor, teacher_logits: Tensor, targets: Tensor, temperature: float = 1.0
) -> tuple[Tensor, Tensor]:
    """KL(teacher || student) of (target, everything else), and among the other classes alone.

    With p the teacher's probability of the target, the whole divergence is ``first + (1 - p) * second``.

    Args:
        student_logits: (B, C).
        teacher_logits: (B, C).
        targets: (B,) int64.
        temperature: softens both.

    Returns:
        Two of (B,), not multiplied with the squared temperature.
    """
    student, teacher = (finite_logits(z) / temperature for z in (student_logits, teacher_logits))
    student_own, student_rest = _split(student, targets)
    teacher_own, teacher_rest = _split(teacher, targets)
    binary = forward_kl(_two(student_own, student_rest), _two(teacher_own, teacher_rest))
    return binary, forward_kl(student_rest, teacher_rest)


def _split(logits: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """The target's column, (B, 1), and the others in their order, (B, C - 1)."""
    others = torch.arange(logits.shape[1] - 1, device=logits.device)
    others = others + (others >= targets[:, None])
    return logits.gather(1, targets[:, None]), logits.gather(1, others)


def _two(own: Tensor, rest: Tensor) -> Tensor:
    """Logits of (target, any other), (B, 2)."""
    return torch.cat([own, rest.logsumexp(1, keepdim=True)], 1)
