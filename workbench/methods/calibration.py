"""Which layer of the teacher suits which of the student, sample by sample."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from workbench.maths.maps import to_common_size
from workbench.methods.adapters import kernel_for
from workbench.models.blocks import conv_bn_relu


def similarity_profile(features: Tensor, points: int) -> Tensor:
    """How like the others in the batch a sample is: its inner products with all, in falling order, at some points.

    It depends neither on the order of the batch nor, in its shape, on its size; B^2 numbers are held.

    Args:
        features: (B, ...).
        points: along the order, linearly interpolated.

    Returns:
        (B, points).
    """
    flat = features.flatten(1)
    falling = (flat @ flat.T).sort(1, descending=True).values
    places = torch.linspace(0, len(flat) - 1, points, device=flat.device, dtype=torch.float64)
    low = places.long()
    between = (places - low).to(flat)
    return falling[:, low] * (1 - between) + falling[:, (low + 1).clamp(max=len(flat) - 1)] * between


class Profiler(nn.Module):
    """A query or a key, a quarter as wide and of length 1, from a similarity profile.

    Args:
        points: of the profile.
    """

    def __init__(self, points: int) -> None:
        super().__init__()
        self.points, width = points, points // 4
        self.layers = nn.Sequential(nn.Linear(points, 2 * width), nn.ReLU(), nn.Linear(2 * width, width))

    def forward(self, features: Tensor) -> Tensor:
        """(B, ...) -> (B, points // 4)."""
        return F.normalize(self.layers(similarity_profile(features, self.points)), dim=1)


def projection(student: Tensor, teacher: Tensor) -> nn.Sequential:
    """From the channels of the student's maps to those of the teacher's: three convolutions, twice as wide inside.

    Args:
        student: (B, C, H, W).
        teacher: (B, D, H', W'); the maps that are projected have the smaller size of both.
    """
    common, _ = to_common_size(student, teacher)
    inner = 2 * teacher.shape[1]
    layers = conv_bn_relu(student.shape[1], inner) + conv_bn_relu(inner, inner, kernel_for(common))
    return nn.Sequential(*layers, nn.Conv2d(inner, teacher.shape[1], 1, bias=False)).to(student)
