"""Features of any rank as maps of channels, and maps brought to one size."""

from __future__ import annotations

import torch
from torch import Tensor


def as_maps(features: Tensor) -> Tensor:
    """Features as maps (B, C, H, W): a sequence (B, L, D) is (B, D, L, 1), a vector (B, D) is (B, D, 1, 1).

    Raises:
        ValueError: features of another rank.
    """
    if features.dim() == 4:
        return features
    if features.dim() == 3:
        return features.transpose(1, 2)[..., None]
    if features.dim() == 2:
        return features[:, :, None, None]
    raise ValueError(f"features have shape {tuple(features.shape)}; (B, C, H, W), (B, L, D) or (B, D) is needed")


def averaged(maps: Tensor, size: tuple[int, int]) -> Tensor:
    """Maps (B, C, H, W) averaged over the cells of a grid (h, w) at most as fine, (B, C, h, w).

    The cells are those of adaptive pooling, whose own backward pass is not deterministic on CUDA.
    """
    height, width = maps.shape[2:]
    if size[0] != height:
        maps = _cells(height, size[0], maps) @ maps
    return maps if size[1] == width else maps @ _cells(width, size[1], maps).T


def to_common_size(student: Tensor, teacher: Tensor) -> tuple[Tensor, Tensor]:
    """Both maps averaged to the smaller height and the smaller width of the two."""
    size = min(student.shape[2], teacher.shape[2]), min(student.shape[3], teacher.shape[3])
    return averaged(student, size), averaged(teacher, size)


def _cells(before: int, after: int, like: Tensor) -> Tensor:
    """(after, before) weights of a mean; neighbouring cells overlap where they do not divide evenly."""
    cell = torch.arange(after, device=like.device)[:, None]
    place = torch.arange(before, device=like.device)
    inside = ((place >= cell * before // after) & (place * after < (cell + 1) * before)).to(like)
    return inside / inside.sum(1, keepdim=True)
