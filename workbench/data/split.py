"""Stratified splits with a fixed seed."""

from __future__ import annotations

import torch
from torch import Generator, Tensor


def stratified(labels: Tensor, share: float, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Rows to keep and rows to take out, class by class.

    Args:
        labels: (N,) classes.
        share: of each class to take out, rounded, at least one sample per class.
        seed: of the shuffle.

    Returns:
        (kept, taken), both sorted.

    Raises:
        ValueError: a class has fewer than two samples, so that nothing would be left of it.
    """
    generator = Generator().manual_seed(seed)
    taken = []
    for label in labels.unique():
        rows = (labels == label).nonzero().squeeze(1)
        if len(rows) < 2:
            raise ValueError(f"class {int(label)} has {len(rows)} sample; a split needs at least two of every class")
        n = min(max(1, round(share * len(rows))), len(rows) - 1)
        taken.append(rows[torch.randperm(len(rows), generator=generator)[:n]])
    out = torch.cat(taken).sort().values
    kept = torch.ones(len(labels), dtype=torch.bool)
    kept[out] = False
    return kept.nonzero().squeeze(1), out


def uniform(n: int, share: float, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Rows to keep and rows to take out, for targets that are not classes."""
    order = torch.randperm(n, generator=Generator().manual_seed(seed))
    k = min(max(1, round(share * n)), n - 1)
    return order[k:].sort().values, order[:k].sort().values
