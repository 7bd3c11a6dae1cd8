"""Divergences between distributions over a vocabulary, all from logits, per position.

Every one is 0 where both distributions are equal and positive elsewhere; the entropy of the teacher is part of it, so that
the numbers of different ones can be compared. The vocabulary is the last axis: (..., V) with (..., V) -> (...).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn.functional import pad

from workbench.maths.divergences import finite_logits, forward_kl, log_probabilities


def word_kl(student_logits: Tensor, teacher_logits: Tensor) -> Tensor:
    """KL(teacher || student): the student must cover what the teacher may say."""
    return forward_kl(student_logits, teacher_logits, dim=-1)


def reverse_kl(student_logits: Tensor, teacher_logits: Tensor) -> Tensor:
    """KL(student || teacher): the student must not say what the teacher would not."""
    return forward_kl(teacher_logits, student_logits, dim=-1)


def skew_kl(student_logits: Tensor, teacher_logits: Tensor, skew: float | Tensor) -> Tensor:
    """KL(teacher || skew * teacher + (1 - skew) * student), at most -log(skew).

    Args:
        student_logits: (..., V).
        teacher_logits: (..., V).
        skew: in (0, 1), a number or a tensor that broadcasts against (...).
    """
    student, teacher = _logs(student_logits), _logs(teacher_logits)
    return _kl(teacher, _mixture(teacher, student, skew))


def skew_reverse_kl(
    student_logits: Tensor, teacher_logits: Tensor, skew: float | Tensor, *, held: bool = False
) -> Tensor:
    """KL(student || skew * student + (1 - skew) * teacher), at most -log(skew).

    Args:
        student_logits: (..., V).
        teacher_logits: (..., V).
        skew: as in ``skew_kl``.
        held: the student in the mixture is a constant.
    """
    student, teacher = _logs(student_logits), _logs(teacher_logits)
    return _kl(student, _mixture(student.detach() if held else student, teacher, skew))


def jensen_shannon(student_logits: Tensor, teacher_logits: Tensor, beta: float) -> Tensor:
    """The mean beta * KL(teacher || m) + (1 - beta) * KL(student || m), m = beta * teacher + (1 - beta) * student.

    It vanishes at both ends of beta; divided by beta it tends to KL(teacher || student) as beta tends to 0, divided by
    1 - beta to KL(student || teacher) as beta tends to 1.
    """
    student, teacher = _logs(student_logits), _logs(teacher_logits)
    mixture = _mixture(teacher, student, beta)
    return beta * _kl(teacher, mixture) + (1 - beta) * _kl(student, mixture)


def total_variation(student_logits: Tensor, teacher_logits: Tensor) -> Tensor:
    """Half the sum of absolute differences: the probability that would have to be moved, in [0, 1]."""
    return 0.5 * (_shares(student_logits) - _shares(teacher_logits)).abs().sum(-1)


def alpha_beta(student_logits: Tensor, teacher_logits: Tensor, alpha: float, beta: float) -> Tensor:
    """The divergence of Cichocki et al., Entropy 2011, of powers alpha of the teacher and beta of the student.

    It tends to KL(teacher || student) as (alpha, beta) tends to (1, 0), to KL(student || teacher) as it tends to (0, 1).

    Args:
        student_logits: (..., V).
        teacher_logits: (..., V).
        alpha: not 0.
        beta: not 0, nor -alpha.
    """
    student, teacher = _logs(student_logits), _logs(teacher_logits)
    both = alpha + beta
    crossed = (alpha * teacher + beta * student).exp().sum(-1)
    theirs, own = (both * teacher).exp().sum(-1), (both * student).exp().sum(-1)
    return (alpha * theirs + beta * own) / (both * alpha * beta) - crossed / (alpha * beta)


def head_share(student_logits: Tensor, teacher_logits: Tensor, head: float) -> Tensor:
    """The share of the total variation that lies in the teacher's head, its likeliest entries, in [0, 1].

    Args:
        student_logits: (..., V).
        teacher_logits: (..., V).
        head: the likeliest entries belong to the head as long as together they have at most this probability; the very
            likeliest does in any case.

    Returns:
        (...); 0 where both distributions are equal.
    """
    ordered, order = _shares(teacher_logits).sort(-1, descending=True)
    gaps = (ordered - _shares(student_logits).gather(-1, order)).abs()
    tail = ordered.cumsum(-1) > head
    tail[..., 0] = False
    whole = gaps.sum(-1)
    return gaps.masked_fill(tail, 0).sum(-1) / whole.masked_fill(whole == 0, 1)


def sorted_distance(student_logits: Tensor, teacher_logits: Tensor) -> Tensor:
    """How far the sorted probabilities differ, (..., V) with (..., W) -> (...), in [0, 2]; what they are of is ignored.

    The smaller vocabulary is filled up with entries of probability 0.
    """
    student, teacher = (_shares(x).sort(-1, descending=True).values for x in (student_logits, teacher_logits))
    missing = teacher.shape[-1] - student.shape[-1]
    return (pad(student, (0, max(missing, 0))) - pad(teacher, (0, max(-missing, 0)))).abs().sum(-1)


def _logs(logits: Tensor) -> Tensor:
    return log_probabilities(logits, dim=-1)


def _shares(logits: Tensor) -> Tensor:
    return finite_logits(logits).softmax(-1)


def _kl(left: Tensor, right: Tensor) -> Tensor:
    """KL of log-probabilities, (..., V) with (..., V) -> (...)."""
    return (left.exp() * (left - right)).sum(-1)


def _mixture(first: Tensor, second: Tensor, share: float | Tensor) -> Tensor:
    """The log-probabilities of share * first + (1 - share) * second."""
    if isinstance(share, Tensor):
        share = share[..., None]
        return torch.logaddexp(first + share.log(), second + (-share).log1p())
    return torch.logaddexp(first + math.log(share), second + math.log1p(-share))
