"""Where a net saw a class: Grad-CAM, and how alike two such explanations are."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from workbench.maths.maps import as_maps, to_common_size


def grad_cam(scores: Tensor, features: Tensor, *, differentiable: bool) -> Tensor:
    """What speaks for the scores, position by position, (B, 1, H, W), at least 0 (Selvaraju et al., ICCV 2017, Eqs. 1, 2).

    Each channel is weighted with the mean slope of the score over positions. Of vectors each unit is a position, weighted
    with its own slope.

    Args:
        scores: (B,), each computed from its own row of the features.
        features: (B, C, H, W), (B, L, D) or (B, D), part of the graph of the scores.
        differentiable: True keeps the graph, for gradients of the result.

    Raises:
        ValueError: the scores were not computed from these features with gradients on.
    """
    slopes = None
    if features.requires_grad and scores.requires_grad:
        slopes = torch.autograd.grad(
            scores.sum(), features, create_graph=differentiable, retain_graph=True, allow_unused=True
        )[0]
    if slopes is None:
        raise ValueError(
            f"no gradient leads from the outputs to the feature of shape {tuple(features.shape)} that is to be explained; "
            "name a layer between inputs and outputs that is not overwritten in place"
        )
    maps, steepness = as_maps(features), as_maps(slopes)
    if features.dim() == 2:
        return (steepness * maps).relu().transpose(1, 2)
    return (steepness.mean((2, 3), keepdim=True) * maps).sum(1, keepdim=True).relu()


def unlikeness(student: Tensor, teacher: Tensor) -> Tensor:
    """1 minus the cosine of two explanations, (B, 1, H, W) each -> (B,); the larger is averaged to the smaller first."""
    mine, theirs = to_common_size(student, teacher)
    return 1 - F.cosine_similarity(mine.flatten(1), theirs.flatten(1))
