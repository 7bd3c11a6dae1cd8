"""Optimisers and learning rates of a budget."""

from __future__ import annotations

import math

from torch.nn import Parameter
from torch.optim import SGD, Adam, AdamW, Optimizer

from workbench.records.budget import Budget


def optimizer_for(parameters: list[Parameter], budget: Budget, scale: float = 1.0) -> Optimizer:
    """The budget's optimiser over some parameters, its learning rate scaled; fused kernels where they exist.

    Raises:
        ValueError: there is nothing to move.
    """
    if not parameters:
        raise ValueError("nothing to train: none of the learner's parameters can move (requires_grad is False)")
    rate = budget.learning_rate * scale
    group = {"params": parameters, "highest_lr": rate}
    fused = all(p.is_floating_point() and p.device.type in ("cpu", "cuda") for p in parameters)
    rest = {"lr": rate, "weight_decay": budget.weight_decay, "fused": fused}
    if budget.optimizer == "sgd":
        return SGD([group], momentum=budget.momentum, **rest)
    return (AdamW if budget.optimizer == "adamw" else Adam)([group], **rest)


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
        group["lr"] = group["highest_lr"] * factor
