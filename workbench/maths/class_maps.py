"""Where in a picture a linear classifier finds each class."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from workbench.maths.maps import as_maps, averaged


def class_maps(features: Tensor, weight: Tensor) -> Tensor:
    """Scores of all classes at every position, without the bias, (B, C, H, W); their mean are the logits without it.

    Args:
        features: (B, D, H, W), (B, L, D) or (B, D), averaged over positions before they are classified.
        weight: (C, D) of the classifier.
    """
    return F.conv2d(as_maps(features), weight[:, :, None, None])


def class_map_distance(student: Tensor, teacher: Tensor, grid: int, *, normalised: bool) -> Tensor:
    """Mean squared difference of class maps that are averaged over the cells of a grid first, (B,).

    Args:
        student: (B, C, H, W).
        teacher: (B, C, H', W').
        grid: cells in either direction; fewer where a map has fewer positions.
        normalised: brings each class's map to length 1; not where there is one cell only, of which the sign would be left.
    """
    height, width = (min(grid, mine, theirs) for mine, theirs in zip(student.shape[2:], teacher.shape[2:], strict=True))
    mine, theirs = (averaged(maps, (height, width)).flatten(2) for maps in (student, teacher))
    if normalised and height * width > 1:
        mine, theirs = F.normalize(mine, dim=2), F.normalize(theirs, dim=2)
    return (mine - theirs).square().mean((1, 2))
