"""Training that goes on, against a loop by hand."""

from __future__ import annotations

import torch
from torch import nn

from workbench.data.transfer import TransferSet
from workbench.diagnostics.divergence.measure_alignment import weights_of
from workbench.diagnostics.divergence.measure_steps import RATE, last_steps
from workbench.diagnostics.flatness.measure_objective import Loss, pieces_of
from workbench.models.mlp import MLP


def test_it_goes_on_from_the_given_weights_with_plain_gradient_steps() -> None:
    data = TransferSet(torch.randn(20, 3), torch.arange(20) % 2)
    model, start = MLP(3, (4,), 2), MLP(3, (4,), 2)
    before = [p.clone() for p in model.parameters()]
    found = last_steps(model, weights_of(start), pieces_of(data), Loss(), epochs=3)
    for row in found:  # one piece, so one step per epoch
        start.zero_grad()
        nn.functional.cross_entropy(start(data.inputs), data.labels).backward()
        with torch.no_grad():
            for p in start.parameters():
                p.sub_(RATE * p.grad)
        assert torch.allclose(torch.tensor(row).float(), nn.utils.parameters_to_vector(start.parameters()), atol=1e-6)
    assert all(torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True))
