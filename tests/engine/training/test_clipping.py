"""Gradients are clipped to the bit as PyTorch clips them."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from workbench.engine.training.optimisation import clip


def net(scale: float, dtype: torch.dtype = torch.float32) -> nn.Module:
    torch.manual_seed(0)
    made = nn.Sequential(nn.Linear(5, 4), nn.ReLU(), nn.Linear(4, 3, bias=False)).to(dtype)
    for parameter in made.parameters():
        parameter.grad = scale * torch.randn_like(parameter)
    return made


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
def test_gradients_are_what_clip_grad_norm_leaves(scale: float, dtype: torch.dtype) -> None:
    ours, theirs = net(scale, dtype), net(scale, dtype)
    clip(list(ours.parameters()), 1.5)
    nn.utils.clip_grad_norm_(theirs.parameters(), 1.5)
    for one, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        assert torch.equal(one.grad, other.grad)


def test_parameters_without_gradients_and_of_two_precisions_are_clipped_together() -> None:
    ours, theirs = (net(10.0).append(net(10.0, torch.float64)) for _ in range(2))
    for each in (ours, theirs):
        next(each.parameters()).grad = None
    clip(list(ours.parameters()), 1.0)
    nn.utils.clip_grad_norm_(theirs.parameters(), 1.0)
    for one, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        assert (one.grad is None) == (other.grad is None)
        assert one.grad is None or torch.equal(one.grad, other.grad)


def test_nothing_to_clip_is_no_error() -> None:
    clip(list(nn.Linear(2, 2).parameters()), 1.0)
