"""Features compared at several scales."""

from __future__ import annotations

from torch import Tensor

from workbench.maths.maps import averaged

GRIDS = (4, 2, 1)


def hierarchical_distance(student: Tensor, teacher: Tensor) -> Tensor:
    """Mean squared difference of maps, of themselves and of their averages over ever coarser grids, (B,).

    The grids of 4 x 4, 2 x 2 and 1 x 1 that are coarser than the maps' height count 1/2, 1/4 and 1/8 of the maps
    themselves (the first of them that is coarser counts 1/2); the counts are brought to a sum of 1.

    Args:
        student: (B, C, H, W).
        teacher: the same shape.
    """
    difference = student - teacher
    distance, count, total = difference.square().flatten(1).mean(1), 1.0, 1.0
    for grid in GRIDS:
        if grid < student.shape[2]:
            count /= 2
            size = grid, min(grid, student.shape[3])
            distance = distance + count * averaged(difference, size).square().flatten(1).mean(1)
            total += count
    return distance / total
