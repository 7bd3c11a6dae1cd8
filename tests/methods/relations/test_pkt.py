"""Neighbours: the formula, that it is a divergence, and the mean over all pairs."""

from __future__ import annotations

import math

import pytest
import torch

from tests.methods.case import Case, batch, check, trace
from tests.methods.literal import cross_entropy, dot, length
from workbench.maths.similarities import neighbour_probabilities, neighbourhood_divergence
from workbench.methods.relations.pkt import PKT

LABELS = [0, 2, -1]
LOGITS = [[0.3, -1.2, 0.8], [1.5, 0.2, -0.7], [-0.4, 0.9, 0.1]]
STUDENT = trace(LOGITS, mine=[[0.3, 0.1], [1.0, -0.3], [-0.2, 1.5]])
TEACHER = trace(LOGITS, theirs=[[0.3, 0.0, 1.0], [1.2, -0.5, 0.1], [0.4, 0.9, -0.8]])


def probabilities(points):
    affinities = [[(1 + dot(a, b) / length(a) / length(b)) / 2 for b in points] for a in points]
    return [[x / sum(row) for x in row] for row in affinities]


def formula(student, constants):
    pairs = zip(probabilities(student["mine"]), probabilities(constants.teacher["theirs"]), strict=True)
    divergences = [[p * math.log((p + 1e-7) / (q + 1e-7)) for q, p in zip(s, t, strict=True)] for s, t in pairs]
    return {
        "labels": [cross_entropy(row, y) for row, y in zip(student["logits"], LABELS, strict=True)],
        "neighbours": [30000 * sum(row) / 3 for row in divergences],
    }


def make(**parameters):
    method = PKT(**parameters)
    method.student_layers, method.teacher_layers = ("mine",), ("theirs",)
    return method


ORACLES = [Case("three points", make, STUDENT, TEACHER, batch(LABELS), formula)]


@pytest.mark.parametrize("case", ORACLES, ids=lambda case: case.name)
def test_it_is_the_formula(case):
    check(case, case.make())


def test_turning_and_scaling_change_nothing():
    points = torch.randn(6, 3, dtype=torch.float64)
    turn, _ = torch.linalg.qr(torch.randn(3, 3, dtype=torch.float64))
    scaled = points @ turn * torch.rand(6, 1, dtype=torch.float64).add(0.5)
    torch.testing.assert_close(neighbourhood_divergence(scaled, points), torch.zeros(6, 6, dtype=torch.float64))


def test_rows_are_probabilities_and_their_divergences_are_not_negative():
    mine, theirs = torch.randn(6, 3, dtype=torch.float64), torch.randn(6, 5, dtype=torch.float64)
    torch.testing.assert_close(neighbour_probabilities(mine).sum(1), torch.ones(6, dtype=torch.float64))
    assert (neighbourhood_divergence(mine, theirs).sum(1) > 0).all()


def test_the_loss_is_a_mean_over_all_pairs_so_it_shrinks_with_the_batch():
    """The trap of its weight: the sum over neighbours is a divergence, the mean of B of them is B times smaller."""
    found = make(weight=1.0)(STUDENT, TEACHER, batch(LABELS))["neighbours"]
    torch.testing.assert_close(found, neighbourhood_divergence(STUDENT["mine"], TEACHER["theirs"]).sum(1) / 3)


def test_silent_features_give_finite_values_and_gradients():
    points = torch.zeros(4, 3, requires_grad=True)
    neighbourhood_divergence(points, torch.randn(4, 2)).sum().backward()
    assert points.grad.isfinite().all()
