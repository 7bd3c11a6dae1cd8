"""Relative flatness of nets whose Hessian is written out, and what rescaling their layers does to it."""

from __future__ import annotations

import copy
from itertools import product

import numpy as np
import pytest
import torch
from torch import nn

from tests.diagnostics.flatness.bowls import bowl
from workbench.data.transfer import TransferSet
from workbench.diagnostics.flatness.measure_numbers import form, relative_flatness
from workbench.diagnostics.flatness.measure_objective import Loss, Objective, pieces_of

LAST = 2  # of the parameters: weights, biases, weights, biases


@pytest.fixture
def net() -> nn.Module:
    return nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2)).double()


@pytest.fixture
def data() -> TransferSet:
    return TransferSet(torch.randn(25, 4), torch.arange(25) % 2)


def literal(net: nn.Module, data: TransferSet) -> float:
    """The sum over pairs of rows of the last layer, each with the trace of its own block of the Hessian."""
    weights = net[2].weight.detach()

    def loss(moved: torch.Tensor) -> torch.Tensor:
        outputs = net[1](net[0](data.inputs.double())) @ moved.T + net[2].bias.detach()
        return nn.functional.cross_entropy(outputs, data.labels)

    hessian, total = torch.autograd.functional.hessian(loss, weights), 0.0
    for i in range(2):
        for j in range(2):
            inner = sum(float(weights[i, t] * weights[j, t]) for t in range(3))
            total += inner * sum(float(hessian[i, t, j, t]) for t in range(3))
    return total


def test_the_mean_over_all_signs_is_the_sum_over_pairs_of_rows(net: nn.Module, data: TransferSet) -> None:
    objective = Objective(net, pieces_of(data), Loss())
    forms = [form(objective, LAST, torch.tensor(signs).reshape(3, 3)) for signs in product((-1, 1), repeat=9)]
    wanted = literal(net, data)
    assert np.mean(forms) == pytest.approx(wanted, rel=1e-9)
    found, _ = relative_flatness(objective)
    assert abs(found.mean - wanted) < found.high - found.low
    assert found.n >= 8


def test_rescaling_the_layers_leaves_it_as_it_is_and_changes_the_trace(net: nn.Module, data: TransferSet) -> None:
    other = copy.deepcopy(net)
    with torch.no_grad():
        for weights, factor in ((other[0].weight, 5), (other[0].bias, 5), (other[2].weight, 0.2)):
            weights.mul_(factor)
    assert torch.allclose(net(data.inputs.double()), other(data.inputs.double()))
    plain, scaled = (Objective(each, pieces_of(data), Loss()) for each in (net, other))
    for layer in (0, LAST):
        (first, _), (second, _) = (relative_flatness(each, layer) for each in (plain, scaled))
        assert second.mean == pytest.approx(first.mean, rel=1e-9)
    last = torch.zeros_like(plain.weights)
    last[-8:-2] = 1.0
    assert last @ scaled.product(last) == pytest.approx(float(25 * (last @ plain.product(last))))


def test_a_convolution_has_its_filters_as_rows() -> None:
    net = nn.Sequential(nn.Conv2d(1, 2, 2), nn.Flatten())
    objective = Objective(net, pieces_of(TransferSet(torch.randn(9, 1, 2, 2), torch.arange(9) % 2)), Loss())
    again = nn.Sequential(nn.Flatten(), nn.Linear(4, 2))
    again[1].load_state_dict({"weight": net[0].weight.detach().reshape(2, 4), "bias": net[0].bias.detach()})
    flat = TransferSet(objective._pieces[0].inputs.float(), torch.arange(9) % 2)
    found = relative_flatness(objective)[0].mean
    assert found == pytest.approx(relative_flatness(Objective(again, pieces_of(flat), Loss()))[0].mean, rel=1e-6)


def test_what_is_no_matrix_is_refused(net: nn.Module, data: TransferSet) -> None:
    with pytest.raises(ValueError, match=r"parameter 1 of .* is none"):
        relative_flatness(Objective(net, pieces_of(data), Loss()), 1)
    with pytest.raises(ValueError, match="that of a matrix"):
        relative_flatness(bowl(torch.eye(2).double()))
