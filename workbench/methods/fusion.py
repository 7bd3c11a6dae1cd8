"""A review of deeper features while an earlier one is looked at."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from workbench.methods.adapters import kernel_for
from workbench.models.blocks import conv_bn


class Fusion(nn.Module):
    """Attention-based fusion of a level's features with what was fused at the deeper levels.

    Args:
        student: the level's maps, (B, C, H, W).
        teacher: the maps that are wanted, (B, D, H', W').
        inner: channels of what is handed on.
        deepest: True where nothing was fused before.
    """

    def __init__(self, student: Tensor, teacher: Tensor, inner: int, *, deepest: bool) -> None:
        super().__init__()
        self.size = tuple(teacher.shape[2:])
        self.enter = nn.Sequential(*conv_bn(student.shape[1], inner))
        self.leave = nn.Sequential(*conv_bn(inner, teacher.shape[1], kernel_for(teacher)))
        self.attention = None if deepest else nn.Sequential(nn.Conv2d(2 * inner, 2, 1), nn.Sigmoid())
        for convolution in (self.enter[0], self.leave[0]):
            nn.init.kaiming_uniform_(convolution.weight, a=1)

    def forward(self, features: Tensor, deeper: Tensor | None) -> tuple[Tensor, Tensor]:
        """What is compared with the teacher, (B, D, H', W'), and what is handed on, (B, inner, H', W')."""
        fused = self.enter(features)
        if self.attention is not None:
            deeper = F.interpolate(deeper, fused.shape[2:])
            weights = self.attention(torch.cat([fused, deeper], 1))
            fused = fused * weights[:, :1] + deeper * weights[:, 1:]
        fused = F.interpolate(fused, self.size)
        return self.leave(fused), fused
