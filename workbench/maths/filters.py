"""Steps in weight space that are measured filter by filter, so that rescaling a layer does not change their meaning.

A filter is what one output of a layer reads: the first index of its weights, a row of a fully connected one.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def filter_norms(weights: Sequence[Tensor]) -> list[Tensor]:
    """Norm of each filter, as (F, 1, ...) beside its weights; zero for biases and norms, which have no filters."""
    return [
        w.flatten(1).norm(dim=1).reshape(-1, *[1] * (w.dim() - 1)) if w.dim() > 1 else torch.zeros_like(w)
        for w in weights
    ]


def filter_normalised(direction: Sequence[Tensor], weights: Sequence[Tensor]) -> list[Tensor]:
    """A direction whose filters have the norms of the weights' (Li et al. 2018); zero where there are none."""
    wanted, given = filter_norms(weights), filter_norms(direction)
    return [
        torch.where(g > 0, d * (w / g), torch.zeros_like(d)) for d, w, g in zip(direction, wanted, given, strict=True)
    ]


def orthogonal_in_filters(direction: Sequence[Tensor], other: Sequence[Tensor]) -> list[Tensor]:
    """The first direction without what it has of the second, filter by filter.

    Rescaling filters then leaves the two orthogonal. A filter of one weight has no second direction and stays.
    """
    found = []
    for mine, theirs in zip(direction, other, strict=True):
        if mine.dim() < 2 or mine[0].numel() < 2:
            found.append(mine)
            continue
        first, second = mine.flatten(1), theirs.flatten(1)
        share = (first * second).sum(1, keepdim=True) / second.square().sum(1, keepdim=True)
        found.append((first - share.nan_to_num() * second).reshape(mine.shape))
    return found
