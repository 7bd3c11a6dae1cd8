"""Learnt maps from the student's features to the shape of the teacher's."""

from __future__ import annotations

from torch import Tensor, nn


def adapter(student_features: Tensor, teacher_features: Tensor) -> nn.Module:
    """A linear map between the shapes of two examples.

    Maps to maps: a convolution whose kernel shrinks the student's to the teacher's size (Romero et al., ICLR 2015,
    section 2.2); smaller student maps are enlarged first. Vectors or sequences of one length: a linear layer on the
    last axis. Anything else: fully connected.

    Args:
        student_features: (B, ...).
        teacher_features: (B, ...).
    """
    student, teacher = student_features.shape, teacher_features.shape
    if len(student) == len(teacher) == 4:
        made = _convolution(student, teacher)
    elif student[1:-1] == teacher[1:-1]:
        made = nn.Linear(student[-1], teacher[-1])
    else:
        made = nn.Sequential(
            nn.Flatten(), nn.Linear(student[1:].numel(), teacher[1:].numel()), nn.Unflatten(1, teacher[1:])
        )
    return made.to(student_features)


def channel_adapter(student_features: Tensor, teacher_features: Tensor) -> nn.Module:
    """A linear map on a last axis of channels, without a bias; nothing where both examples have as many channels.

    Args:
        student_features: (B, D, H, W), or (B, ..., D).
        teacher_features: likewise.
    """
    mine, theirs = (f.shape[1 if f.dim() == 4 else -1] for f in (student_features, teacher_features))
    return nn.Identity() if mine == theirs else nn.Linear(mine, theirs, bias=False).to(student_features)


def kernel_for(maps: Tensor) -> int:
    """Side of a kernel that looks around: 3, or 1 where maps (B, C, H, W) have one position only."""
    return 1 if maps.shape[2:].numel() == 1 else 3


def _convolution(student: tuple[int, ...], teacher: tuple[int, ...]) -> nn.Module:
    sizes = [(max(mine, theirs), theirs) for mine, theirs in zip(student[2:], teacher[2:], strict=True)]
    kernel = tuple(mine - theirs + 1 for mine, theirs in sizes)
    convolution = nn.Conv2d(student[1], teacher[1], kernel)
    enlarged = tuple(mine for mine, _ in sizes)
    return convolution if enlarged == tuple(student[2:]) else nn.Sequential(nn.Upsample(enlarged), convolution)
