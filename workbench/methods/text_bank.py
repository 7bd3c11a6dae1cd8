"""What was once written for each sample, by sample id."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import pad

from workbench.methods.bank import SampleTable
from workbench.methods.memory import refuse_larger


class TextBank(SampleTable):
    """Texts of N samples, N x W tokens of 8 bytes and a byte each; W grows with the longest.

    Args:
        samples: N.
    """

    def __init__(self, samples: int) -> None:
        super().__init__(samples)
        self.register_buffer("tokens", torch.zeros(samples, 0, dtype=torch.int64))
        self.register_buffer("mask", torch.zeros(samples, 0, dtype=torch.bool))

    def missing(self, ids: Tensor) -> Tensor:
        """Which samples have no text yet, (B,) boolean."""
        return ~self._find(ids).any(1)

    def keep(self, ids: Tensor, tokens: Tensor, mask: Tensor) -> None:
        """Keep texts, (B, W) tokens and which of them are real."""
        rows, wider = self._rows(ids), tokens.shape[1] - self.tokens.shape[1]
        if wider > 0:
            refuse_larger("the texts that are kept", (len(self.ids), tokens.shape[1]), tokens, "let texts be shorter")
        self.tokens, self.mask = pad(self.tokens, (0, max(wider, 0))), pad(self.mask, (0, max(wider, 0)))
        short = (0, max(-wider, 0))
        self.tokens[rows], self.mask[rows] = pad(tokens, short), pad(mask, short)

    def recall(self, ids: Tensor) -> tuple[Tensor, Tensor]:
        """The texts of samples that have one, as wide as the longest of them."""
        rows = self._rows(ids)
        width = int(self.mask[rows].sum(1).max())
        return self.tokens[rows, :width], self.mask[rows, :width]

    def _load_from_state_dict(self, state_dict: Mapping[str, Tensor], prefix: str, *rest: Any) -> None:
        """Takes texts of whatever width."""
        for name in ("tokens", "mask"):
            if f"{prefix}{name}" in state_dict:
                setattr(self, name, torch.empty_like(state_dict[f"{prefix}{name}"]))
        super()._load_from_state_dict(state_dict, prefix, *rest)
