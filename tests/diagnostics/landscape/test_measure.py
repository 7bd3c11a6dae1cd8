"""Landscapes of quadratic bowls, literal filter norms, and the line between two nets."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import nn

import workbench as wb
from tests.diagnostics.flatness.bowls import bowl, rotated
from workbench.data.transfer import TransferSet
from workbench.diagnostics.flatness.measure_objective import Loss, Objective, pieces_of
from workbench.diagnostics.landscape.measure import STEPS, landscape, landscape_of, plane
from workbench.engine.distill import collect
from workbench.models.mlp import MLP
from workbench.settings.setting import Recipe, Setting


@pytest.fixture
def net() -> tuple[nn.Module, Objective]:
    model = nn.Sequential(nn.Conv2d(1, 3, 2), nn.ReLU(), nn.Flatten(), nn.Linear(12, 4))
    data = TransferSet(torch.randn(9, 1, 3, 3), torch.arange(9) % 4)
    return model, Objective(model, pieces_of(data), Loss())


def test_both_directions_have_the_weights_norms_filter_by_filter_and_are_orthogonal(
    net: tuple[nn.Module, Objective],
) -> None:
    model, objective = net
    first, second = plane(objective)
    assert float(first @ second) == pytest.approx(0, abs=1e-9)
    start = 0
    for weights in model.parameters():
        size = weights.numel()
        for direction in (first, second):
            part = direction[start : start + size].reshape(weights.shape)
            for k in range(len(weights)):
                wanted = 0.0 if weights.dim() == 1 else math.sqrt(sum(x * x for x in weights[k].flatten().tolist()))
                assert math.sqrt(sum(x * x for x in part[k].flatten().tolist())) == pytest.approx(wanted, rel=1e-6)
        start += size


def test_as_released_the_directions_are_left_as_they_are_drawn(net: tuple[nn.Module, Objective]) -> None:
    model, objective = net
    generator = torch.Generator().manual_seed(3)
    drawn = [torch.randn(len(objective.weights), generator=generator, dtype=torch.float64) for _ in range(2)]
    for direction, raw in zip(plane(objective, 3, "paper"), drawn, strict=True):
        start = 0
        for weights in model.parameters():
            for k in range(len(weights)):
                size = weights[k].numel()
                own, row = weights[k].detach().double().reshape(-1), raw[start : start + size]
                wanted = row * own.norm() / row.norm() if weights.dim() > 1 else 0 * row
                assert torch.allclose(direction[start : start + size], wanted)
                start += size
    assert landscape({"net": objective}, mode="paper").provenance["fidelity"] == "paper"
    assert landscape({"net": objective}).provenance["fidelity"] == "corrected"


def test_a_surface_is_the_loss_at_every_corner(net: tuple[nn.Module, Objective]) -> None:
    _, objective = net
    found = landscape({"net": objective})
    first, second = plane(objective)
    inputs, labels = objective._pieces[0].inputs, objective._pieces[0].labels
    for row, column in ((0, 0), (3, 20), (12, 12), (24, 1)):
        moved = objective.weights + found.steps[column] * first + found.steps[row] * second
        other = nn.Sequential(nn.Conv2d(1, 3, 2), nn.ReLU(), nn.Flatten(), nn.Linear(12, 4)).double()
        nn.utils.vector_to_parameters(moved, other.parameters())
        assert found.surfaces[0, row, column] == pytest.approx(
            nn.functional.cross_entropy(other(inputs), labels).item()
        )
    assert found.numbers["net"]["loss"] == pytest.approx(objective.value())
    assert found.surfaces.shape == (1, STEPS, STEPS)


def test_the_line_between_two_points_of_a_bowl_is_a_parabola() -> None:
    matrix = rotated([3.0, 1.0])
    first, second = torch.tensor([1.0, 0.0]).double(), torch.tensor([0.0, 2.0]).double()
    ends = {"a": bowl(matrix, first), "b": bowl(matrix, second)}
    found = landscape(ends, ends=("a", "b"))
    for place, loss in zip(found.places, found.line, strict=True):
        point = (1 - place) * first + place * second
        assert loss == pytest.approx(float(point @ matrix @ point) / 2)
    assert found.barrier == pytest.approx(0, abs=1e-9)  # a convex line stays below its chord
    hill = {"a": bowl(-matrix, first), "b": bowl(-matrix, second)}
    apart = second - first
    assert landscape(hill, ends=("a", "b")).barrier == pytest.approx(float(apart @ matrix @ apart) / 8, rel=0.01)


def test_the_rise_on_the_circle_is_that_of_the_surface() -> None:
    found = landscape({"bowl": bowl(torch.eye(2).double())})
    exact = found.surfaces.copy()
    across, up = np.meshgrid(found.steps, found.steps)
    object.__setattr__(found, "surfaces", 2.0 + 4 * (across**2 + up**2)[None])
    assert found.numbers["bowl"] == pytest.approx({"loss": 2.0, "rise": 1.0}, rel=0.05)
    assert (exact == 0).all()  # weights of zero have no filter norm, so nothing moves


@pytest.mark.slow
def test_a_run_brings_its_nets_and_the_line_from_its_control() -> None:
    labels = torch.arange(60) % 3
    inputs = torch.eye(3)[labels] + 0.5 * torch.randn(60, 3)
    stage = Setting(
        train=(inputs, labels), test=(inputs + 1, labels), teacher=Recipe(lambda: MLP(3, (8,), 3), wb.Budget(epochs=2)),
        student=lambda: MLP(3, (4,), 3), budget=wb.Budget(epochs=2, batch_size=16), threads=1,
    )  # fmt: skip
    run = collect(wb.distill(stage, wb.methods.KD()))
    other = collect(wb.distill(stage, wb.methods.LabelsOnly()))
    found = landscape_of(run, stage, control=other, samples=20)
    assert found.models == ("teacher", "student", "control")
    assert found.ends == ("control", "student")
    assert (found.line[0], found.line[-1]) == pytest.approx(tuple(found.surfaces[[2, 1], STEPS // 2, STEPS // 2]))
    alone = landscape_of(run, stage, samples=20)
    assert alone.ends == ()
    assert math.isnan(alone.barrier)
    assert "only by filter norm" in alone.explain()


def test_surfaces_that_are_done_are_kept_when_it_is_stopped() -> None:
    def tell(share: float, words: str) -> None:
        if "second" in words:
            raise StopIteration

    found = landscape({"first": bowl(torch.eye(2).double()), "second": bowl(torch.eye(2).double())}, tell=tell)
    assert found.models == ("first",)
    assert "stopped after first" in found.warnings[0]


def test_bad_input_is_one_clear_error(net: tuple[nn.Module, Objective]) -> None:
    with pytest.raises(ValueError, match="no net is given"):
        landscape({})
    with pytest.raises(ValueError, match="differ in architecture"):
        landscape({"a": bowl(torch.eye(2).double()), "b": bowl(torch.eye(3).double())}, ends=("a", "b"))
