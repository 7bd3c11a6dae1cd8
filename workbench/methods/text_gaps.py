"""How much likelier a text is to its writer than to the other side, and what that was at the beginning of a run."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from workbench.methods.tokenwise import mean_over

LEAST, MARGIN = 0.01, 1e-5
"""Smallest skew, and what keeps its quotient finite, in the code of Ko et al., ICML 2025."""


def likelihood(logits: Tensor, labels: Tensor, counted: Tensor) -> Tensor:
    """The geometric mean of the probabilities of a text's tokens, (B, L, V) with (B, L) and (B, L) bool -> (B,)."""
    logs = logits.log_softmax(2).gather(2, labels.clamp(min=0)[..., None]).squeeze(2)
    return mean_over(logs, counted).exp()


class FirstGaps(nn.Module):
    """The mean gap of the texts of each of two writers, over those it was shown.

    Attributes:
        total: (2,), sums of the gaps.
        count: (2,), numbers of texts.
    """

    def __init__(self) -> None:
        """Nothing yet."""
        super().__init__()
        self.register_buffer("total", torch.zeros(2))
        self.register_buffer("count", torch.zeros(2))

    def observe(self, gap: Tensor, writer: Tensor) -> None:
        """Take further texts into the means; their gaps, (B,), and whose they are, (B,) 0 or 1."""
        self.total.index_add_(0, writer, gap.to(self.total))
        self.count.index_add_(0, writer, torch.ones_like(gap).to(self.count))

    def skews(self, gap: Tensor, writer: Tensor, largest: float) -> Tensor:
        """The skew of each text, (B,): ``largest`` where it is as far from the other side as at first, less where not.

        It is 1 - (1 - largest) * first / (gap + margin), between 0.01 and ``largest``; arguments as in ``observe``.
        """
        first = (self.total / self.count.clamp(min=1)).to(gap)[writer]
        return (1 - (1 - largest) * first / (gap + MARGIN)).clamp(LEAST, largest)
