"""Optimisers and learning rates of a budget."""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch.nn import Parameter
from torch.optim import Optimizer

from workbench.records.budget import Budget


def optimizer_for(parameters: Iterable[Parameter], budget: Budget, scale: float = 1.0) -> Optimizer:
    """The budget's optimiser over some parameters, its learning rate scaled; fused kernels where they exist."""
    chosen = [p for p in parameters if p.requires_grad]
    rate, decay = budget.learning_rate * scale, budget.weight_decay
    fused = all(p.is_floating_point() and p.device.type in ("cpu", "cuda") for p in chosen)
    if budget.optimizer == "sgd":
        return torch.optim.SGD(chosen, lr=rate, momentum=budget.momentum, weight_decay=decay, fused=fused)
    kind = torch.optim.AdamW if budget.optimizer == "adamw" else torch.optim.Adam
    return kind(chosen, lr=rate, weight_decay=decay, fused=fused)


def rate_factor(schedule: str, progress: float) -> float:
    """Share of the highest learning rate after a share ``progress`` in [0, 1) of the stage."""
    if schedule == "cosine":
        return 0.5 * (1 + math.cos(math.pi * progress))
    if schedule == "multistep":
        return 0.1 ** sum(progress >= milestone for milestone in (0.625, 0.75, 0.875))
    return 1.0


def set_rate(optimizer: Optimizer, factor: float) -> None:
    """Scale every group's own highest rate."""
    for group in optimizer.param_groups:
        group["lr"] = group.setdefault("highest_lr", group["lr"]) * factor
