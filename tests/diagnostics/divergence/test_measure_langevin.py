"""Langevin chains in bowls, whose distribution is known, and the divergence of two of them."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import nn

from workbench.data.transfer import TransferSet
from workbench.diagnostics.divergence.measure_alignment import weights_of
from workbench.diagnostics.divergence.measure_langevin import langevin, langevin_chain
from workbench.diagnostics.divergence.measure_parameters import param_sgld
from workbench.diagnostics.flatness.measure_objective import Loss, pieces_of


def chain(center: float, curvatures: tuple[float, ...], step: float, seed: int = 0, draws: int = 4000) -> np.ndarray:
    slopes = torch.tensor(curvatures).double()
    start = torch.full((len(curvatures),), center).double()
    return langevin(lambda w: slopes * (w - center), start, step, draws, seed=seed)


def test_a_bowl_gives_its_gaussian_widened_by_the_step() -> None:
    found = chain(2.0, (4.0, 1.0), step=0.4)
    for column, a in enumerate((4.0, 1.0)):
        assert found[:, column].mean() == pytest.approx(2.0, abs=0.1)
        assert found[:, column].var() == pytest.approx(1 / (a * (1 - 0.4 * a / 4)), rel=0.1)
    assert abs(np.corrcoef(found.T)[0, 1]) < 0.1


def test_two_bowls_are_as_far_apart_as_their_gaussians() -> None:
    """Variances 1/4 against 1, means 1 and 0, in each of two weights; 0.05 is too small a step to widen them."""
    student, teacher = chain(1.0, (4.0, 4.0), 0.05, 1, 3000), chain(0.0, (1.0, 1.0), 0.05, 2, 3000)
    found = param_sgld(student, teacher, {"a": 1, "b": 1})
    wanted = 2 * 0.5 * (0.25 + 1.0 - 1 - math.log(0.25))
    assert found.value.mean == pytest.approx(wanted, rel=0.1)
    assert found.parts["layer a"] + found.parts["layer b"] == pytest.approx(found.value.mean)
    memory = (1 - 0.05 / 2) ** 10  # of the teacher's chain from one kept place to the next
    assert found.parts["effective teacher"] == pytest.approx(3000 * (1 - memory) / (1 + memory), rel=0.25)
    assert 0 < found.floor < 0.1
    assert not found.warnings


def test_a_chain_that_has_not_mixed_says_so() -> None:
    slow = chain(0.0, (1.0,), 1e-4, draws=200)
    found = param_sgld(slow, chain(0.0, (1.0,), 0.2, draws=400))
    assert found.parts["effective student"] < 50
    assert "student's chain is worth" in found.warnings[0]
    assert len(found.warnings) == 1


def test_too_large_a_step_is_refused() -> None:
    with pytest.raises(ValueError, match="left for infinity"), np.errstate(all="ignore"):
        chain(0.0, (10.0,), 4.0, draws=400)


def test_a_linear_net_has_the_posterior_of_a_ridge_regression() -> None:
    """Half of a squared error of one output is the energy of a Gaussian: its covariance is the inverse Hessian."""
    inputs = torch.randn(40, 2)
    data = TransferSet(inputs, inputs @ torch.tensor([[1.0], [-2.0]]))
    net = nn.Linear(2, 1, bias=False)
    before = net.weight.clone()
    found = langevin_chain(net, weights_of(net), pieces_of(data, size=40), Loss("squared"), 900)
    x = inputs.double().numpy()
    precision = 2 * x.T @ x + np.eye(2)  # the mean squared error has no half
    mean = np.linalg.solve(precision, 2 * x.T @ data.labels.double().numpy())[:, 0]
    spread = np.linalg.inv(precision)
    assert found.mean(0) == pytest.approx(mean, abs=4 * np.sqrt(spread.diagonal() / 150).max())
    assert found.var(0) == pytest.approx(spread.diagonal(), rel=0.2)
    assert torch.equal(before, net.weight)
