"""A momentum for the labels and another for distillation, from an optimiser that knows only one."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class MomentumSplit(nn.Module):
    """A gradient rule after Zhao et al., ICCV 2023, for stochastic gradient descent with momentum.

    The sum of the velocities ``v <- (momentum -+ delta) v + gradient`` of both kinds is the one velocity of an
    optimiser with ``momentum`` whose gradient is that of both plus ``delta * (v_distillation - v_labels)``.

    Args:
        delta: what distillation's momentum is above and the labels' below the optimiser's.
        momentum: of the optimiser.
    """

    def __init__(self, delta: float, momentum: float) -> None:
        super().__init__()
        self.delta, self.momentum, self.count = delta, momentum, 0

    def prepare(self, student: nn.Module) -> None:
        """Two velocities for each of the student's parameters, at rest."""
        moved = [p for p in student.parameters() if p.requires_grad]
        self.count = len(moved)
        for k, parameter in enumerate(moved):
            self.register_buffer(f"labels_{k}", torch.zeros_like(parameter))
            self.register_buffer(f"soft_{k}", torch.zeros_like(parameter))

    def combine(self, gradients: dict[str, list[Tensor | None]], player: str) -> list[Tensor | None]:
        """One gradient for each parameter; those after the student's have no velocities and are plain sums."""
        kinds = [[g for name, g in gradients.items() if _of_the_task(name) is task] for task in (True, False)]
        labels, soft = ([_sum(column) for column in zip(*kind, strict=True)] for kind in kinds)
        total = len(next(iter(gradients.values())))
        pairs = zip(labels or [None] * total, soft or [None] * total, strict=True)
        return [self._split(k, *pair) if k < self.count else _sum(pair) for k, pair in enumerate(pairs)]

    def _split(self, k: int, labels: Tensor | None, soft: Tensor | None) -> Tensor:
        slow, fast = getattr(self, f"labels_{k}"), getattr(self, f"soft_{k}")
        lead = self.delta * (fast - slow)
        for velocity, gradient, own in ((slow, labels, -self.delta), (fast, soft, self.delta)):
            velocity.mul_(self.momentum + own)
            if gradient is not None:
                velocity.add_(gradient)
        return _sum([lead, labels, soft])


def _of_the_task(term: str) -> bool:
    name = term.rpartition(".")[2]
    return name == "labels" or name.startswith("reg_")


def _sum(gradients: Sequence[Tensor | None]) -> Tensor | None:
    found = [gradient for gradient in gradients if gradient is not None]
    return sum(found[1:], found[0]) if found else None
