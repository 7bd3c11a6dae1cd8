"""Copies of nets of every make can be trained, and the original stays as it was."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import pytest
import torch
from torch import nn
from torch.nn.utils import weight_norm

from tests.models.nets import normed, plain, scripted, tied, traced
from workbench.models.copies import copied

INPUTS = torch.linspace(-1, 1, 32).reshape(8, 4)


@pytest.mark.parametrize(
    "make", [plain, scripted, traced, normed, tied, lambda: nn.ModuleList([scripted(), plain()])[0]]
)
def test_a_copy_is_trained_apart_from_its_original(make: Callable[[], nn.Module]) -> None:
    net = make()
    frozen = next(net.parameters()).requires_grad_(False)
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    copy = copied(copied(net))
    assert [p.requires_grad for p in copy.parameters()] == [p.requires_grad for p in net.parameters()]
    optimiser = torch.optim.SGD([p for p in copy.parameters() if p.requires_grad], lr=1.0)
    copy(INPUTS).square().mean().backward()
    optimiser.step()
    assert any(not torch.equal(a, b) for a, b in zip(copy.parameters(), net.parameters(), strict=True))
    assert torch.equal(next(copy.parameters()), frozen)
    assert all(torch.equal(before[name], tensor) for name, tensor in net.state_dict().items())
    assert all(p.grad is None for p in net.parameters())


def test_what_pytorch_cannot_copy_is_refused_in_words() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        net = weight_norm(nn.Linear(4, 2))
    net(INPUTS)
    with pytest.raises(ValueError, match="a Linear cannot be copied: it keeps a tensor computed from its weights"):
        copied(net)
