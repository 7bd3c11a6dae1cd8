"""A moving average of who is taken for whom."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from workbench.methods.memory import FEWER_CLASSES, refuse_larger


class ConfusionAverage(nn.Module):
    """Rows of probabilities by label; they start as smoothed labels.

    Args:
        classes: C.
        epsilon: what is shared out evenly at the start.

    Attributes:
        rows: (C, C), each row adds up to 1.
        counts: (C, C), what ``count`` has seen since it was last reset.
    """

    def __init__(self, classes: int, epsilon: float) -> None:
        super().__init__()
        refuse_larger("confusions of all classes", (classes, classes), torch.empty(0).double(), FEWER_CLASSES)
        identity = torch.eye(classes, dtype=torch.float64)
        self.register_buffer("rows", (1 - epsilon) * identity + epsilon / classes)
        self.register_buffer("counts", torch.zeros_like(identity))

    def count(self, labels: Tensor, choices: Tensor) -> None:
        """Note what samples of some labels were taken for, (B,) and (B,)."""
        self.counts.index_put_((labels, choices), self.counts.new_ones(()), accumulate=True)

    def move(self, counts: Tensor, momentum: float) -> None:
        """Draw the rows towards normalised counts, (C, C); classes without a count keep theirs."""
        counts = counts.to(self.rows)
        total = counts.sum(1, keepdim=True)
        seen = torch.where(total > 0, counts / total.clamp(min=1), self.rows)
        self.rows.mul_(momentum).add_((1 - momentum) * seen)
