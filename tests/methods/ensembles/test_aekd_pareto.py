"""The shortest combination against closed forms, a grid, and its conditions."""

from __future__ import annotations

import itertools

import pytest
import torch

from workbench.methods.ensembles.aekd import least_norm_weights


def test_of_two_it_is_the_foot_of_the_perpendicular():
    one, two = torch.tensor([3.0, 1.0]), torch.tensor([-1.0, 2.0])
    share = float((two - one) @ two / (one - two).square().sum())
    assert 0 < share < 1
    torch.testing.assert_close(least_norm_weights(torch.stack([one, two])), torch.tensor([share, 1 - share]))


def test_the_cap_binds():
    gradients = torch.tensor([[1.0, 0.0], [10.0, 0.0]])
    assert least_norm_weights(gradients).tolist() == [1.0, 0.0]
    assert least_norm_weights(gradients, 0.6).tolist() == pytest.approx([0.6, 0.4])
    assert least_norm_weights(gradients, 0.1).tolist() == [0.5, 0.5]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("cap", [1.0, 0.6, 0.4])
def test_no_point_of_a_fine_grid_is_shorter(seed, cap):
    torch.manual_seed(seed)
    gradients = torch.randn(3, 4) + 0.5
    weights = least_norm_weights(gradients, cap)
    assert float(weights.sum()) == pytest.approx(1)
    assert weights.min() >= 0
    assert weights.max() <= cap + 1e-6
    shares = [k / 60 for k in range(61)]
    grid = [(a, b, 1 - a - b) for a, b in itertools.product(shares, shares) if 1 - a - b >= 0]
    allowed = torch.tensor([point for point in grid if max(point) <= cap + 1e-9])
    assert (weights @ gradients).norm() <= (allowed @ gradients).norm(dim=1).min() + 1e-6


def test_equal_and_empty_gradients_are_no_trouble():
    assert least_norm_weights(torch.zeros(3, 2)).tolist() == pytest.approx([1 / 3] * 3)
    assert least_norm_weights(torch.ones(2, 5)).tolist() == [0.5, 0.5]
