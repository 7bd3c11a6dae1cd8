"""Where a layer spends its energy."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor


def energy_map(features: Tensor, power: float = 2.0) -> Tensor:
    """Energy per position, sum over channels of ``|features| ** power``.

    Args:
        features: (B, C, H, W) maps, (B, L, D) sequences, or (B, D) vectors, whose units are positions of one channel.
        power: larger values favour the strongest channels.

    Returns:
        (B, H, W), (B, L) or (B, D).

    Raises:
        ValueError: features of another rank.
    """
    if features.dim() not in (2, 3, 4):
        raise ValueError(f"features have shape {tuple(features.shape)}; (B, C, H, W), (B, L, D) or (B, D) is needed")
    energy = features.abs().pow(power)
    if features.dim() == 4:
        return energy.sum(1)
    return energy.sum(2) if features.dim() == 3 else energy


def attention_distance(student_features: Tensor, teacher_features: Tensor, power: float = 2.0) -> Tensor:
    """Mean squared difference of the two energy maps as unit vectors, (B,).

    Maps of different sizes are average-pooled to the smaller size first.

    Args:
        student_features: see ``energy_map``; the ranks may differ in nothing but size.
        teacher_features: the same rank.
        power: of the energy.

    Raises:
        ValueError: the ranks differ.
    """
    if student_features.dim() != teacher_features.dim():
        shapes = f"{tuple(student_features.shape)} and {tuple(teacher_features.shape)}"
        raise ValueError(f"features of shapes {shapes} have no comparable maps; choose layers of one rank")
    student, teacher = energy_map(student_features, power), energy_map(teacher_features, power)
    size = tuple(min(a, b) for a, b in zip(student.shape[1:], teacher.shape[1:], strict=True))
    difference = _unit(_pooled(student, size)) - _unit(_pooled(teacher, size))
    return difference.square().mean(1)


def _pooled(energy: Tensor, size: tuple[int, ...]) -> Tensor:
    if tuple(energy.shape[1:]) == size:
        return energy
    pool = F.adaptive_avg_pool2d if len(size) == 2 else F.adaptive_avg_pool1d
    return pool(energy[:, None], size if len(size) == 2 else size[0])[:, 0]


def _unit(energy: Tensor) -> Tensor:
    return F.normalize(energy.flatten(1), dim=1)
