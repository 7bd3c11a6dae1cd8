"""Curvature of quadratic bowls and small nets whose Hessian is written out."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import nn

from tests.diagnostics.flatness.bowls import bowl, rotated
from workbench.data.transfer import TransferSet
from workbench.diagnostics.flatness.measure_curvature import curvature, density
from workbench.diagnostics.flatness.measure_objective import Loss, Objective, Piece, pieces_of
from workbench.models.mlp import MLP


@pytest.fixture
def net() -> tuple[MLP, TransferSet]:
    model = MLP(3, (5,), 4)
    return model, TransferSet(torch.randn(30, 3), torch.arange(30) % 4)


def full_hessian(model: nn.Module, data: TransferSet, loss: Loss, taught: torch.Tensor | None = None) -> torch.Tensor:
    """The Hessian of the mean loss, written out by torch over one flat vector."""
    names = [name for name, _ in model.named_parameters()]
    start = torch.cat([p.detach().double().reshape(-1) for p in model.parameters()])

    def value(vector: torch.Tensor) -> torch.Tensor:
        pieces = vector.split([p.numel() for p in model.parameters()])
        state = {n: v.reshape(p.shape) for n, v, p in zip(names, pieces, model.parameters(), strict=True)}
        logits = torch.func.functional_call(model, state, (data.inputs.double(),))
        total = nn.functional.cross_entropy(logits, data.labels)
        if loss.kind == "labels":
            return total
        assert taught is not None
        log_s, p = (logits / loss.temperature).log_softmax(1), (taught / loss.temperature).softmax(1)
        soft = (p * (p.log() - log_s)).sum(1).mean() * loss.temperature**2
        return loss.label_weight * total + loss.soft_weight * soft

    return torch.autograd.functional.hessian(value, start)


def test_a_bowl_with_a_known_spectrum() -> None:
    matrix = rotated([50.0, 20.0, -8.0, *np.random.default_rng(0).uniform(0, 1, 97)])
    found = curvature(bowl(matrix), probes=4, steps=25, most=100)
    assert (found.top, found.bottom) == pytest.approx((50, -8), abs=1e-4)
    assert found.weights.sum() == pytest.approx(1)
    error = (found.trace.high - found.trace.low) / 2
    assert abs(found.trace.mean - matrix.trace().item()) < 2 * error


def test_the_trace_is_drawn_until_its_standard_error_is_a_twentieth() -> None:
    matrix = rotated([float(k) for k in range(1, 41)])
    found = curvature(bowl(matrix), probes=1, steps=2)
    half_width = (found.trace.high - found.trace.low) / 2
    assert half_width / 2 < 0.06 * found.trace.mean  # about two standard errors
    assert 8 <= found.trace.n < 200
    none = curvature(bowl(matrix - 20.5 * torch.eye(40)), probes=1, steps=2, most=30)  # its trace is zero
    assert none.trace.n == 30
    assert any("standard error" in warning for warning in none.warnings)


def test_the_variance_of_a_quadratic_form_is_twice_the_off_diagonal() -> None:
    matrix = rotated([30.0, 3.0, 2.0, 1.0, -5.0, 0.5])
    wanted = 2 * (matrix.square().sum() - matrix.diagonal().square().sum()).item()
    objective = bowl(matrix)
    signs = torch.tensor([[1 if code >> k & 1 else -1 for k in range(6)] for code in range(64)]).double()
    forms = [float(v @ objective.product(v)) for v in signs]  # all 64 sign vectors: no sampling error
    assert np.var(forms) == pytest.approx(wanted)
    assert np.mean(forms) == pytest.approx(matrix.trace().item())


def test_moments_of_the_density_are_those_of_the_matrix() -> None:
    spectrum = [4.0, 3.0, 2.0, 1.0] * 10
    found = curvature(bowl(torch.diag(torch.tensor(spectrum).double())), probes=3, steps=40)
    for power in (1, 2, 3):  # a diagonal matrix: every sign vector gives its moments exactly
        assert found.weights @ found.values**power == pytest.approx(np.mean(np.array(spectrum) ** power))
    grid = np.linspace(-5, 10, 3001)
    curve = density(found, grid, 0.2)
    assert np.trapezoid(curve, grid) == pytest.approx(1, abs=1e-6)
    assert np.trapezoid(curve * grid, grid) == pytest.approx(2.5, abs=1e-6)
    one = math.exp(0) / (0.2 * math.sqrt(2 * math.pi)) / 4  # a quarter of the weight is at 4
    assert density(found, np.array([4.0]), 0.2)[0] == pytest.approx(one, rel=1e-5)


@pytest.mark.parametrize("kind", ["labels", "kd"])
def test_products_and_slopes_of_a_net_are_those_of_its_full_hessian(net: tuple[MLP, TransferSet], kind: str) -> None:
    model, data = net
    taught, loss = torch.randn(30, 4, dtype=torch.float64), Loss(kind, temperature=2.0)
    pieces = [Piece(data.inputs[rows], data.labels[rows], taught[rows]) for rows in torch.arange(30).split(11)]
    objective = Objective(model, pieces, loss)
    full = full_hessian(model.double(), data, loss, taught)
    vector = torch.randn(len(full), dtype=torch.float64)
    assert torch.allclose(objective.product(vector), full @ vector, atol=1e-9)
    step = 1e-6 * torch.randn(len(full), dtype=torch.float64)
    rise = objective.value(objective.weights + step) - objective.value(objective.weights - step)
    assert rise / 2 == pytest.approx(float(objective.slope() @ step), rel=1e-5)


def test_the_gauss_newton_trace_is_that_of_fishers_matrix(net: tuple[MLP, TransferSet]) -> None:
    model, data = net
    model.double()
    trace = 0.0
    for row in data.inputs.double():
        probabilities = model(row[None]).softmax(1)[0].detach()
        for label in range(4):
            slopes = torch.autograd.grad(model(row[None]).log_softmax(1)[0, label], list(model.parameters()))
            trace += float(probabilities[label] * sum(s.square().sum() for s in slopes)) / 30
    objective = Objective(model, pieces_of(data), Loss())
    found = curvature(objective, probes=1, steps=3)
    assert abs(found.gauss_newton.mean - trace) < found.gauss_newton.high - found.gauss_newton.low


def test_a_distilled_gauss_newton_trace_against_jacobians(net: tuple[MLP, TransferSet]) -> None:
    model, data = net
    pieces, loss, trace = pieces_of(data, MLP(3, (6,), 4)), Loss("kd", 3.0, 0.6, 0.4), 0.0
    model.double()
    for row in pieces[0].inputs.double():
        logits = model(row[None])[0]
        jacobian = torch.stack(
            [
                torch.cat([g.reshape(-1) for g in torch.autograd.grad(z, list(model.parameters()), retain_graph=True)])
                for z in logits
            ]
        )
        for weight, probabilities in ((0.4, logits.softmax(0)), (0.6, (logits / 3).softmax(0))):
            middle = torch.diag(probabilities) - torch.outer(probabilities, probabilities)
            trace += weight * float((jacobian.T @ middle @ jacobian).trace().detach()) / 30
    generator, objective = torch.Generator().manual_seed(0), Objective(model, pieces, loss)
    draws = [objective.gauss_newton_draw(generator) for _ in range(150)]
    assert abs(np.mean(draws) - trace) < 3 * np.std(draws) / 150**0.5


def test_biases_and_norms_may_be_left_out(net: tuple[MLP, TransferSet]) -> None:
    model, data = net
    everything = Objective(model, pieces_of(data), Loss())
    matrices = Objective(model, pieces_of(data), Loss(), matrices_only=True)
    assert (len(everything.weights), len(matrices.weights)) == (15 + 5 + 20 + 4, 15 + 20)
    assert matrices.shapes == [(5, 3), (4, 5)]


def test_it_never_touches_the_model_that_was_given(net: tuple[MLP, TransferSet]) -> None:
    model, data = net
    before = [p.clone() for p in model.parameters()]
    objective = Objective(model.train(), pieces_of(data), Loss())
    objective.value(objective.weights + 1)
    curvature(objective, probes=1, steps=2, most=8)
    assert model.training
    assert all(torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True))
    assert objective.value() == pytest.approx(nn.functional.cross_entropy(model(data.inputs), data.labels).item())


def test_batch_norms_are_frozen_and_attention_has_a_second_derivative() -> None:
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))
    model[1].running_mean += 1.0
    before = model[1].running_mean.clone()
    data = TransferSet(torch.randn(8, 3), torch.arange(8) % 2)
    curvature(Objective(model, pieces_of(data), Loss()), probes=1, steps=3, most=8)
    assert torch.equal(model[1].running_mean, before)

    class Attends(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = nn.Linear(4, 4)

        def forward(self, inputs: torch.Tensor) -> torch.Tensor:
            query = self.inner(inputs)
            return nn.functional.scaled_dot_product_attention(query, query, query)[:, 0, :2]

    sequences = TransferSet(torch.randn(8, 3, 4), torch.arange(8) % 2)
    found = curvature(Objective(Attends(), pieces_of(sequences), Loss()), probes=1, steps=3, most=8)
    assert math.isfinite(found.top)


def test_stopping_keeps_what_there_is() -> None:
    told: list[str] = []

    def tell(share: float, words: str) -> None:
        told.append(words)
        if len(told) == 3:
            raise StopIteration

    objective = bowl(rotated([3.0, 2.0, 1.0] * 5))
    found = curvature(objective, probes=8, steps=4, tell=tell)
    assert any("stopped after 2 of 8" in warning for warning in found.warnings)
    assert found.trace.n == 2
    assert math.isnan(found.gauss_newton.mean)
    with pytest.raises(StopIteration):  # there is nothing to keep
        curvature(objective, tell=tell_nothing)


def tell_nothing(share: float, words: str) -> None:
    raise StopIteration


def test_pieces_are_some_samples_the_same_for_the_same_seed(net: tuple[MLP, TransferSet]) -> None:
    model, data = net
    first, again, other = (pieces_of(data, model, samples=12, seed=seed) for seed in (0, 0, 1))
    assert torch.equal(first[0].inputs, again[0].inputs)
    assert not torch.equal(first[0].inputs, other[0].inputs)
    assert sum(len(piece.labels) for piece in first) == 12
    assert torch.allclose(first[0].teacher_logits, model(first[0].inputs))


def test_bad_input_is_one_clear_error(net: tuple[MLP, TransferSet]) -> None:
    model, data = net
    with pytest.raises(ValueError, match="0 probes of 80 steps"):
        curvature(Objective(model, pieces_of(data), Loss()), probes=0)
    with pytest.raises(ValueError, match="0 parameters and 30 samples"):
        Objective(nn.Identity(), pieces_of(data), Loss())
