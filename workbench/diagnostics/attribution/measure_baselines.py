"""What does a sample without information look like? The inputs from which an attribution starts to count.

How it is measured: the sample itself, blurred until only its shades are left; the mean of the training data; or several
training samples, whose attributions are averaged.
Reading it: an attribution says what the input has beyond its baseline, so another baseline is another question.
When it misleads: what equals its baseline gets nothing: black strokes on a black baseline are invisible.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor

if TYPE_CHECKING:
    from workbench.data.transfer import TransferSet
    from workbench.diagnostics.attribution.measure_plan import Plan

SPATIAL = {"image": 2, "series": 1}
"""How many of the last axes are places rather than columns."""

MOST = 2048
"""Training samples that the mean is taken of, at most."""


def baselines(inputs: Tensor, plan: Plan, look: str, pool: Tensor) -> Tensor:
    """(K, B, ...) starting points of a batch; K is 1 unless they are drawn.

    Args:
        inputs: (B, ...), as the model sees them.
        plan: says which.
        look: how the samples look; only images and series can be blurred.
        pool: (M, ...) training inputs, likewise.

    Raises:
        ValueError: columns of a table cannot be blurred.
    """
    if plan.baseline == "sampled":
        generator = torch.Generator().manual_seed(plan.seed)
        return pool[torch.randint(len(pool), (plan.draws, len(inputs)), generator=generator)]
    if plan.baseline == "mean":
        return pool.mean(0).expand_as(inputs)[None]
    if look not in SPATIAL:
        raise ValueError(f"samples that look like a {look} cannot be blurred; baseline='mean' or 'sampled' work")
    return blurred(inputs, SPATIAL[look])[None]


def blurred(inputs: Tensor, axes: int, share: float = 1 / 6) -> Tensor:
    """Inputs (B, ..., places) under a Gaussian along each of the last axes, as wide as a share of that axis.

    The edge is reflected; every place keeps a mean of its neighbours, so a constant input stays what it is.
    """
    for axis in range(-axes, 0):
        length = inputs.shape[axis]
        width = max(share * length, 1e-6)
        reach = min(length - 1, round(3 * width))
        kernel = torch.exp(-(torch.arange(-reach, reach + 1, dtype=inputs.dtype) ** 2) / (2 * width**2))
        moved = inputs.movedim(axis, -1)
        padded = F.pad(moved.reshape(-1, 1, length), (reach, reach), mode="reflect")
        smooth = F.conv1d(padded, (kernel / kernel.sum()).view(1, 1, -1).to(inputs.device))
        inputs = smooth.reshape(moved.shape).movedim(-1, axis)
    return inputs


def pool_of(data: TransferSet, seed: int = 0) -> Tensor:
    """Training inputs as the model sees them, (M, ...), a random part of them where there are many."""
    order = torch.randperm(len(data), generator=torch.Generator().manual_seed(seed))[:MOST]
    return data.batch(order.to(data.ids.device)).student_inputs.detach().cpu()
