"""What it costs to turn one distribution into another by moving mass between classes."""

from __future__ import annotations

import torch
from torch import Tensor


def sinkhorn(student: Tensor, teacher: Tensor, cost: Tensor, regularisation: float, iterations: int) -> Tensor:
    """Cost of the transport plan that balances cost and entropy, (B,); with no regularisation, Wasserstein's distance.

    Scales the rows and columns of ``exp(-cost / regularisation)`` in turn until both margins fit (Cuturi, NeurIPS 2013).
    The student's margin is met exactly, the teacher's the better the more iterations there are. All samples share one
    cost, so memory is B x C for each iteration.

    Args:
        student: (B, C) probabilities; classes of probability 0 take no part.
        teacher: (B, C) probabilities.
        cost: (C, C), from a class of the student to one of the teacher.
        regularisation: in units of the cost; small numbers need more iterations, and float64 below 1 % of the cost.
        iterations: one or more.
    """
    kernel, student, teacher = torch.exp(-cost / regularisation), student.to(cost), teacher.to(cost)
    rows = (student > 0).to(student)
    columns = rows
    with torch.autocast(student.device.type, enabled=False):  # margins do not fit in half precision
        for _ in range(iterations):
            columns = teacher / _positive(rows @ kernel)
            rows = student / _positive(columns @ kernel.T)
        return ((rows @ (kernel * cost)) * columns).sum(1)


def _positive(values: Tensor) -> Tensor:
    return values.clamp(min=torch.finfo(values.dtype).tiny)
