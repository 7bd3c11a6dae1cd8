"""What a teacher's features are like on average, class by class."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from workbench.methods.memory import FEWER_CLASSES, refuse_larger


class ClassMeans(nn.Module):
    """Mean feature of each class over all samples observed; C x D numbers.

    Args:
        classes: C.
        width: D.

    Attributes:
        mean: (C, D), 0 where no sample of a class was observed.
        count: (C,) samples observed.
    """

    def __init__(self, classes: int, width: int) -> None:
        super().__init__()
        refuse_larger("means of all classes", (classes, width), torch.empty(0), FEWER_CLASSES)
        self.register_buffer("mean", torch.zeros(classes, width))
        self.register_buffer("count", torch.zeros(classes))

    def including(self, features: Tensor, classes: Tensor) -> Tensor:
        """The means as they would be with further samples, (C, D).

        Args:
            features: (B, D).
            classes: (B,) int64.
        """
        member = F.one_hot(classes, len(self.count)).to(self.mean)
        count = self.count + member.sum(0)
        added = member.T @ features.to(self.mean) - member.sum(0)[:, None] * self.mean
        return self.mean + added / count.clamp(min=1)[:, None]

    def observe(self, features: Tensor, classes: Tensor) -> None:
        """Take further samples in."""
        self.mean.copy_(self.including(features, classes))
        self.count += F.one_hot(classes, len(self.count)).sum(0).to(self.count)
