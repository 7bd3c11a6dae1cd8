"""How low a teacher's channels go on average when they are silent."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm as BatchNorm

from workbench.maths.activations import negative_mean


class Margins(nn.Module):
    """Of each channel the mean of its responses below 0: told by the batch norm they come from, else estimated.

    An estimate is the mean over all samples seen; 0 where a channel never went below 0.

    Args:
        norm: the batch norm whose output the responses are, None where there is none.
        example: responses, (B, C, H, W).

    Attributes:
        value: (C,), at most 0.
    """

    def __init__(self, norm: BatchNorm | None, example: Tensor) -> None:
        super().__init__()
        self.estimated = norm is None
        self.register_buffer("value", example.new_zeros(example.shape[1]))
        if norm is None:
            self.register_buffer("count", torch.zeros_like(self.value))
            self.observe(example)
        else:
            mean = self.value if norm.bias is None else norm.bias.detach()
            deviation = torch.ones_like(self.value) if norm.weight is None else norm.weight.detach().abs()
            self.value.copy_(negative_mean(mean, deviation))

    @torch.no_grad()
    def observe(self, responses: Tensor) -> None:
        """Take further responses, (B, C, H, W), into an estimate."""
        if not self.estimated:
            return
        silent = responses < 0
        count = silent.sum((0, 2, 3)).to(self.count)
        total = (responses * silent).sum((0, 2, 3)).to(self.value)
        self.count += count
        self.value += (total - count * self.value) / self.count.clamp(min=1)


def norm_before(model: nn.Module, feature: str) -> BatchNorm | None:
    """The batch norm whose output a feature is: the named layer, or the one before it in an ``nn.Sequential``."""
    layer, _, kind = feature.rpartition(":")
    if kind != "input":
        found = model.get_submodule(feature) if not layer else None
    else:
        parent, _, name = layer.rpartition(".")
        siblings = model.get_submodule(parent)
        earlier = list(siblings.named_children()) if isinstance(siblings, nn.Sequential) else []
        at = next((i for i, (sibling, _) in enumerate(earlier) if sibling == name), 0)
        found = earlier[at - 1][1] if at > 0 else None
    return found if isinstance(found, BatchNorm) else None
