"""Sharpness of quadratic bowls, whose worst case and mean rise are known."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from tests.diagnostics.flatness.bowls import bowl, rotated
from workbench.data.transfer import TransferSet
from workbench.diagnostics.flatness.measure_objective import Loss, Objective, pieces_of
from workbench.diagnostics.flatness.measure_radius import best_radius, operational_radius, smoothed_bound
from workbench.diagnostics.flatness.measure_sharpness import noise_directions, rises, tolerated_noise, worst_rise
from workbench.models.mlp import MLP


def test_at_a_minimum_the_worst_rise_is_half_the_top_eigenvalue() -> None:
    found = worst_rise(bowl(rotated([9.0, 3.0, 1.0, 0.5])), 0.2)
    assert found.ascent == pytest.approx(0.5 * 0.2**2 * 9, rel=1e-3)
    assert math.isnan(found.one_step)  # there is no slope to follow


def test_on_a_slope_one_step_has_a_closed_form_and_ascent_is_no_worse() -> None:
    matrix, start = rotated([9.0, 3.0, 1.0, 0.5]), torch.tensor([0.3, -0.2, 0.5, 0.1]).double()
    slope = matrix @ start
    step = 0.4 * slope / slope.norm()
    found = worst_rise(bowl(matrix, start), 0.4)
    assert found.one_step == pytest.approx(float(slope @ step + step @ matrix @ step / 2), rel=1e-9)
    ways = 0.4 * torch.nn.functional.normalize(torch.randn(20000, 4, dtype=torch.float64), dim=1)
    tried = (ways @ slope + (ways @ matrix * ways).sum(1) / 2).max().item()
    assert found.ascent >= tried * (1 - 1e-3)
    assert found.ascent >= found.one_step


def test_a_saddle_is_no_worse_than_its_upward_side_and_a_summit_is_zero() -> None:
    assert worst_rise(bowl(rotated([2.0, -30.0])), 0.1).ascent == pytest.approx(0.01, rel=0.05)
    assert worst_rise(bowl(-torch.eye(3).double()), 0.1).ascent == 0


def test_adaptive_sharpness_survives_stretching_a_weight() -> None:
    """f(w1, w2) = f(w1 / a, w2 a) when one weight is stretched and its curvature shrinks with the square."""
    start, stretch = torch.tensor([2.0, -1.0, 0.5]).double(), torch.diag(torch.tensor([10.0, 0.1, 1.0]).double())
    matrix = rotated([4.0, 2.0, 1.0])
    plain, other = bowl(matrix, start), bowl(stretch.inverse() @ matrix @ stretch.inverse(), stretch @ start)
    assert worst_rise(other, 0.1).ascent > 1.5 * worst_rise(plain, 0.1).ascent
    first, second = (worst_rise(each, 0.1, adaptive=True).ascent for each in (plain, other))
    assert second == pytest.approx(first, rel=0.1)  # not exactly: 0.01 is added to each size


def test_the_mean_rise_of_a_bowl_is_half_the_squared_radius_times_its_trace() -> None:
    matrix = rotated([9.0, 3.0, -1.0, 0.5])
    objective = bowl(matrix, torch.randn(4).double())
    directions = noise_directions(objective, draws=400)
    found = rises(objective, directions, [0.1, 0.7])
    for row, radius in enumerate((0.1, 0.7)):
        wanted = [0.5 * radius**2 * float(d @ matrix @ d) for d in directions]  # the slope has dropped out
        assert found[row] == pytest.approx(wanted)
        assert abs(found[row].mean() - 0.5 * radius**2 * 11.5) < 4 * found[row].std() / 20


def test_tolerated_noise_of_a_bowl() -> None:
    start = torch.tensor([1.0, 2.0]).double()
    objective = bowl(torch.diag(torch.tensor([3.0, 1.0]).double()), start)
    directions = noise_directions(objective)
    allowed = 0.1 * (3 * 1 + 1 * 4) / 2
    form = np.mean([3 * float(d[0]) ** 2 + float(d[1]) ** 2 for d in directions]) / 2
    assert tolerated_noise(objective, directions) == pytest.approx(math.sqrt(allowed / form), rel=0.011)
    assert math.isnan(tolerated_noise(bowl(torch.eye(2).double()), directions))  # the loss is zero: no share of it


def test_directions_by_filter_have_the_weights_norms() -> None:
    model = MLP(3, (5,), 2)
    objective = Objective(model, pieces_of(TransferSet(torch.randn(6, 3), torch.arange(6) % 2)), Loss())
    (direction,) = noise_directions(objective, by_filter=True, draws=1)
    first = direction[:15].reshape(5, 3).norm(dim=1)
    assert torch.allclose(first.float(), model.layer1[0].weight.norm(dim=1), atol=1e-6)
    assert direction[15:20].abs().sum() == 0  # biases
    plain = noise_directions(objective, draws=2, seed=3)
    assert not torch.equal(plain[0], plain[1])
    assert torch.equal(plain[0], noise_directions(objective, draws=1, seed=3)[0])


def test_the_best_radius_is_where_the_bound_is_lowest() -> None:
    distance, trace, sigma = 3.0, 40.0, 0.7
    radius, bound = best_radius(distance, trace, sigma)
    grid = np.linspace(0.01, 2, 20001)
    curve = sigma * distance / grid + grid**2 * trace / 2
    assert radius == pytest.approx(grid[curve.argmin()], abs=1e-4)
    assert bound == pytest.approx(curve.min(), rel=1e-7)
    assert smoothed_bound(radius, distance, trace * radius**2 / 2, sigma) == pytest.approx(bound)
    flatter = best_radius(distance, trace / 8, sigma)
    assert flatter == pytest.approx((2 * radius, bound / 2))
    assert all(map(math.isnan, best_radius(distance, -1.0)))


def test_the_operational_radius_is_the_larger_root_on_a_quadratic() -> None:
    """bound(r) = 1/r + r^2 equals 2 at r = 1 and at (sqrt(5) - 1) / 2: between them it is lower."""
    radii = [0.1, 0.3, 0.7, 0.9, 1.5, 3.0]
    assert operational_radius(1.0, lambda r: r**2, radii, 2.0) == pytest.approx(1.0, abs=1e-3)
    assert math.isnan(operational_radius(1.0, lambda r: r**2, radii, 1.5))
    assert operational_radius(1.0, lambda r: 0.0, radii, 2.0) == 3.0


def test_bad_input_is_one_clear_error() -> None:
    with pytest.raises(ValueError, match="radius = 0 must be positive"):
        worst_rise(bowl(torch.eye(2).double()), 0)
