"""What is left of a teacher's answer once the label has been heard."""

from __future__ import annotations

import torch
from torch import Tensor

from workbench.maths.divergences import LOWEST, finite_logits, forward_kl, precise


def confidence_kl(student_logits: Tensor, teacher_logits: Tensor, targets: Tensor, temperature: float = 1.0) -> Tensor:
    """KL of (the teacher's choice, any other class) to (the target, any other class) of the student, (B,).

    The teacher says how sure to be, the target of what.

    Args:
        student_logits: (B, C).
        teacher_logits: (B, C).
        targets: (B,) int64.
        temperature: softens both.
    """
    student, teacher = (finite_logits(z) / temperature for z in (student_logits, teacher_logits))
    return forward_kl(_against_the_rest(student, targets), _against_the_rest(teacher, teacher.argmax(1)))


def outranked_kl(student_logits: Tensor, teacher_logits: Tensor, targets: Tensor, temperature: float = 1.0) -> Tensor:
    """KL(teacher || student) among the classes that the teacher ranks below the target, (B,); 0 if there are none.

    Args:
        student_logits: (B, C).
        teacher_logits: (B, C).
        targets: (B,) int64.
        temperature: softens both.
    """
    refused = teacher_logits >= teacher_logits.gather(1, targets[:, None])
    student, teacher = (
        (precise(z) / temperature).masked_fill(refused, LOWEST) for z in (student_logits, teacher_logits)
    )
    return forward_kl(student, teacher)


def _against_the_rest(logits: Tensor, classes: Tensor) -> Tensor:
    """Logits of (the class, any other), (B, 2)."""
    own = classes[:, None]
    rest = logits.scatter(1, own, LOWEST).logsumexp(1, keepdim=True)
    return torch.cat([logits.gather(1, own), rest], 1)
