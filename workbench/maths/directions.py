"""How far a feature reaches in a direction."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

EPSILON = 1e-12


def norm_and_direction(student: Tensor, teacher: Tensor, directions: Tensor) -> Tensor:
    """What the student's feature lacks of the longer of both features along a direction, relative to that, (B,).

    It is 1 minus the cosine where the student's is the longer one; below that length, more length helps as well.

    Args:
        student: (B, D).
        teacher: (B, D).
        directions: (B, D), of any length but 0.
    """
    longest = torch.maximum(student.norm(dim=1), teacher.norm(dim=1))
    return 1 - (student * F.normalize(directions, dim=1)).sum(1) / longest.clamp(min=EPSILON)
