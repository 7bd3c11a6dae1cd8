"""Optimisers and learning rates of a budget."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from numbers import Real

import torch
from torch import Tensor
from torch.nn import Module, Parameter
from torch.optim import SGD, Adam, AdamW, Optimizer

from workbench.records.budget import Budget


def optimizer_for(parameters: list[Parameter], budget: Budget, scale: float = 1.0) -> Optimizer:
    """The budget's optimiser over some parameters, its learning rate scaled; fused kernels where they exist.

    Raises:
        TypeError: The budget's own function does not return an optimiser.
        ValueError: There is nothing to train, or the optimiser returned cannot be used; the message says why.
    """
    if not parameters:
        raise ValueError("nothing to train: none of the learner's parameters can move (requires_grad is False)")
    if callable(budget.optimizer):
        return _own(parameters, budget.optimizer, scale)
    rate = budget.learning_rate * scale
    group = {"params": parameters, "highest_lr": rate}
    fused = all(p.is_floating_point() and p.device.type in ("cpu", "cuda") for p in parameters)
    rest = {"lr": rate, "weight_decay": budget.weight_decay, "fused": fused}
    if budget.optimizer == "sgd":
        return SGD([group], momentum=budget.momentum, **rest)
    return (AdamW if budget.optimizer == "adamw" else Adam)([group], **rest)


def rate_factor(schedule: str | Callable[[float], float], progress: float) -> float:
    """Share of the highest learning rate after a share ``progress`` in [0, 1) of the stage.

    Raises:
        ValueError: The budget's own function returns something else than a finite number of 0 or more.
    """
    if callable(schedule):
        return _own_factor(schedule, progress)
    if schedule == "cosine":
        return 0.5 * (1 + math.cos(math.pi * progress))
    if schedule == "multistep":
        return 0.1 ** sum(progress >= milestone for milestone in (0.625, 0.75, 0.875))
    return 1.0


def set_rate(optimizer: Optimizer, factor: float) -> None:
    """Scale every group's own highest rate."""
    for group in optimizer.param_groups:
        group["lr"] = group["highest_lr"] * factor


@torch.no_grad()
def clip(parameters: list[Parameter], most: float) -> None:
    """Scale gradients down where their joint norm is larger than ``most``.

    As PyTorch's ``clip_grad_norm_``, whose handling of devices and types takes about half its time where nets are small.
    """
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    if not gradients:
        return
    norm = torch.linalg.vector_norm(torch.stack(torch._foreach_norm(gradients)))  # pyright: ignore[reportPrivateImportUsage]
    torch._foreach_mul_(gradients, (most / (norm + 1e-6)).clamp(max=1.0))  # pyright: ignore[reportPrivateImportUsage]


def check_own(student: Module, budget: Budget) -> None:
    """Try the budget's own functions, if it has any, on an untrained student, before anything is trained.

    Raises:
        TypeError, ValueError: As ``optimizer_for`` and ``rate_factor``.
    """
    if callable(budget.optimizer):
        optimizer_for([p for p in student.parameters() if p.requires_grad], budget)
    if callable(budget.schedule):
        for progress in (0.0, 0.5, 0.999):
            rate_factor(budget.schedule, progress)


def _own(parameters: list[Parameter], make: Callable[[list[Parameter]], Optimizer], scale: float) -> Optimizer:
    made = make(parameters)
    if not isinstance(made, Optimizer):
        raise TypeError(
            f"the budget's optimizer returned {type(made).__name__}; it must return a torch.optim.Optimizer "
            "over the list of parameters it is given, as partial(torch.optim.RMSprop, lr=0.01) does"
        )
    held = {id(p) for group in made.param_groups for p in group["params"]}
    if not held or not held <= {id(p) for p in parameters}:
        raise ValueError("the budget's optimizer must hold parameters of the list it is given, and no others")
    closure = inspect.signature(made.step).parameters.get("closure")
    if closure is not None and closure.default is inspect.Parameter.empty:
        raise ValueError(f"the budget's optimizer is {type(made).__name__}, whose step needs a closure: not supported")
    for group in made.param_groups:
        rate = group.get("lr")
        if not isinstance(rate, Real | Tensor) or not math.isfinite(rate):
            raise ValueError(f"the budget's optimizer has a group with lr = {rate!r}; the schedule needs a number")
        group["highest_lr"] = float(rate) * scale
    set_rate(made, 1.0)
    return made


def _own_factor(schedule: Callable[[float], float], progress: float) -> float:
    given = schedule(progress)
    try:
        factor = float(given)
    except (TypeError, ValueError, OverflowError):
        factor = math.nan
    if not (math.isfinite(factor) and factor >= 0):
        raise ValueError(
            f"the budget's schedule returned {given!r} at {progress:.3g} of the run; "
            "it must return the factor of the learning rate, a finite number of 0 or more"
        )
    return factor
