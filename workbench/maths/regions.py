"""What a classifier says about parts of an image."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from workbench.maths.maps import averaged

SCALES = (1, 2, 4)


def region_logits(maps: Tensor, weight: Tensor, bias: Tensor | None, sizes: list[tuple[int, int]]) -> Tensor:
    """The logits of every cell of some grids, (B, cells, C), the whole image first if its grid is.

    Args:
        maps: (B, D, H, W).
        weight: (C, D) of the classifier on their averages.
        bias: (C,), or None.
        sizes: height and width of each grid; each is averaged from the last, which is to be the finest.
    """
    finest = averaged(maps, sizes[-1])
    cells = torch.cat([averaged(finest, size).flatten(2) for size in sizes], 2)
    return F.linear(cells.transpose(1, 2), weight, bias)


def grids(*maps: Tensor) -> list[tuple[int, int]]:
    """Grids of 1, 4 and 16 cells as far as the smallest of some maps, (B, D, H, W), have as many positions."""
    height, width = (min(m.shape[axis] for m in maps) for axis in (2, 3))
    return list(dict.fromkeys((min(scale, height), min(scale, width)) for scale in SCALES))
