"""LogSum: the formula, what it is invariant to, and equal features."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from tests.methods.case import Case, batch, check
from tests.methods.features.board import traces
from tests.methods.literal import cross_entropy, dot, kl, softmax
from workbench.methods.features.srd import SRD, log_sum_distance, normalised_over_batch

LABELS = [1, -1, 0, 2]
STUDENT, TEACHER = traces(4, {"f": (2,)}, samples=4)
WEIGHT, BIAS = [[0.5, -1.0], [0.25, 0.75]], [0.1, -0.2]


def columns_normalised(rows):
    made = []
    for column in zip(*rows, strict=True):
        mean = sum(column) / len(column)
        variance = sum((x - mean) ** 2 for x in column) / len(column)
        made.append([(x - mean) / math.sqrt(variance + 1e-4) for x in column])
    return list(zip(*made, strict=True))


def formula(student, constants):
    projected = [[dot(w, row) + b for w, b in zip(WEIGHT, BIAS, strict=True)] for row in student["f"]]
    mine, theirs = columns_normalised(projected), columns_normalised(constants.teacher["f"])
    total = sum(abs(x - y) ** 4 for s, t in zip(mine, theirs, strict=True) for x, y in zip(s, t, strict=True))
    pairs = zip(student["logits"], constants.teacher["logits"], strict=True)
    return {
        "labels": [cross_entropy(s, y) for s, y in zip(student["logits"], LABELS, strict=True)],
        "soft": [kl(softmax(t), softmax(s)) for s, t in pairs],
        "features": [2 * math.log(total + 1e-5)] * 4,
    }


def make(**parameters):
    method = SRD(**parameters)
    method.student_layers = method.teacher_layers = ("f",)
    method.projector = nn.Linear(2, 2).double()
    method.projector.weight.data = torch.tensor(WEIGHT, dtype=torch.float64)
    method.projector.bias.data = torch.tensor(BIAS, dtype=torch.float64)
    return method


ORACLES = [Case("four samples", make, STUDENT, TEACHER, batch(LABELS), formula)]


@pytest.mark.parametrize("case", ORACLES, ids=lambda case: case.name)
def test_it_is_the_formula(case):
    check(case, case.make())


def test_it_is_batch_norm_without_weights_and_does_not_see_location_and_scale():
    features = torch.randn(6, 4, dtype=torch.float64)
    norm = nn.BatchNorm1d(4, eps=1e-4, affine=False).double()
    torch.testing.assert_close(normalised_over_batch(features), norm(features))
    moved = normalised_over_batch(1000 * features + 5)
    torch.testing.assert_close(moved, normalised_over_batch(features), rtol=1e-3, atol=1e-3)


def test_equal_features_and_single_samples_are_at_a_finite_distance_without_a_slope():
    features = torch.randn(3, 4, requires_grad=True)
    log_sum_distance(features, features.detach(), 4.0).backward()
    assert features.grad.abs().max() == 0
    assert log_sum_distance(features, features, 4.0).item() == pytest.approx(math.log(1e-5))
    assert normalised_over_batch(torch.randn(1, 4)).abs().max() == 0


def test_a_high_power_listens_to_the_largest_error():
    errors = torch.tensor([[1.0, 3.0]], requires_grad=True)
    log_sum_distance(errors, torch.zeros(1, 2), 4.0).backward()
    assert float(errors.grad[0, 1] / errors.grad[0, 0]) == pytest.approx(27)
