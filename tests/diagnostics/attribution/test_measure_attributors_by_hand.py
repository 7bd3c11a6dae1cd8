"""Attributors on models that are not linear, or whose inputs are pictures, against answers worked out by hand."""

from __future__ import annotations

from itertools import permutations

import pytest
import torch
from torch import Tensor, nn

from tests.diagnostics.attribution.test_measure_attributors import case_of
from workbench.diagnostics.attribution.measure_attributors import attribute
from workbench.diagnostics.attribution.measure_plan import Plan
from workbench.diagnostics.attribution.measure_scores import Case, Scored, asked
from workbench.models.learners import as_teacher

HALF = Plan(score="pair", baseline="mean", pair=(1, 0))


def only(score: object) -> nn.Module:
    """A model of two classes whose log probability ratio is the score."""
    return as_teacher(lambda x: torch.stack([0 * score(x), score(x)], 1))


def pair_case(inputs: Tensor, form: str = "table") -> Case:
    known = asked(torch.zeros(len(inputs), 2).to(inputs), torch.zeros(len(inputs), dtype=torch.int64), (1, 0))
    return Case(inputs, known, torch.zeros_like(inputs)[None], form)


def test_smooth_grad_of_a_cube_is_the_mean_slope_under_the_noise() -> None:
    case = pair_case(torch.linspace(-1, 1, 12, dtype=torch.double).view(4, 3))
    found = attribute(Scored(only(lambda x: (x**3).sum(1)), "pair"), case, Plan(attributor="smooth_grad", steps=4000))
    noise = 0.1 * 2  # a tenth of the range
    assert torch.allclose(found.maps, 3 * (case.inputs**2 + noise**2), atol=0.08)
    without = 3 * case.inputs**2
    assert (found.maps - without).mean() == pytest.approx(3 * noise**2, abs=0.02)


def test_integrated_gradients_of_a_product_are_shared_by_its_factors() -> None:
    case = pair_case(torch.rand(5, 2, dtype=torch.double) + 0.5)
    found = attribute(Scored(only(lambda x: x[:, 0] * x[:, 1] ** 2), "pair"), case, HALF)
    whole = case.inputs[:, 0] * case.inputs[:, 1] ** 2
    assert torch.allclose(found.maps, torch.stack([whole / 3, 2 * whole / 3], 1))  # along the diagonal: t^2 three times


def test_kernel_shap_shares_what_columns_do_together() -> None:
    case = pair_case(torch.rand(1, 4, dtype=torch.double) + 0.5)

    def score(x: Tensor) -> Tensor:
        return x[:, 0] * x[:, 1] + 2 * x[:, 1] * x[:, 2] * x[:, 3] - x[:, 3]

    plans = [Plan(score="pair", attributor="kernel_shap", baseline="mean", seed=seed) for seed in range(12)]
    found = torch.stack([attribute(Scored(only(score), "pair"), case, plan).maps for plan in plans])
    expected = torch.zeros_like(case.inputs)
    orders = list(permutations(range(4)))
    for order in orders:
        mixed = torch.zeros_like(case.inputs)
        for column in order:
            before = score(mixed)
            mixed[:, column] = case.inputs[:, column]
            expected[:, column] += (score(mixed) - before) / len(orders)
    assert torch.allclose(found.mean(0), expected, atol=0.08 * float(expected.abs().max()))  # of random sets
    assert torch.allclose(found.sum(2), score(case.inputs), atol=1e-3)


def test_patches_of_a_picture_are_replaced_together() -> None:
    case, weights = case_of((2, 2, 14, 14), form="image"), torch.randn(2, 14, 14, dtype=torch.double)
    case = pair_case(case.inputs, "image")
    model = only(lambda x: (x * weights).flatten(1).sum(1))
    parts = weights * case.inputs
    ablated = attribute(Scored(model, "pair"), case, Plan(score="pair", attributor="feature_ablation")).maps
    for top in range(0, 14, 2):
        for left in range(0, 14, 2):
            lost = parts[:, :, top : top + 2, left : left + 2].flatten(1).sum(1)
            assert torch.allclose(ablated[:, :, top : top + 2, left : left + 2], lost.view(-1, 1, 1, 1), atol=1e-5)
    occluded = attribute(Scored(model, "pair"), case, Plan(score="pair", attributor="occlusion")).maps
    total, seen = torch.zeros(2, 14, 14, dtype=torch.double), torch.zeros(14, 14)
    for top in range(13):  # windows of 2 x 2, moved by 1
        for left in range(13):
            lost = parts[:, :, top : top + 2, left : left + 2].flatten(1).sum(1)
            total[:, top : top + 2, left : left + 2] += lost.view(-1, 1, 1)
            seen[top : top + 2, left : left + 2] += 1
    assert torch.allclose(occluded, (total / seen)[:, None].expand_as(occluded), atol=1e-4)
