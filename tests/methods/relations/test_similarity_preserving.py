"""Similar activations: the formula, on maps and vectors, and what the rows do not see."""

from __future__ import annotations

import pytest
import torch

from tests.methods.case import Case, batch, check, trace
from tests.methods.literal import cross_entropy, dot, unit
from workbench.maths.similarities import row_normalised_gram
from workbench.methods.relations.similarity_preserving import SimilarityPreserving

LABELS = [0, 2, -1]
LOGITS = [[0.3, -1.2, 0.8], [1.5, 0.2, -0.7], [-0.4, 0.9, 0.1]]
STUDENT = trace(
    LOGITS, mine=[[[[0.3, 0.1]], [[1.0, -0.2]]], [[[0.7, 1.1]], [[0.4, 0.0]]], [[[0.2, 0.9]], [[-0.5, 0.6]]]]
)
TEACHER = trace(LOGITS, theirs=[[0.3, 0.0, 1.0], [1.2, -0.5, 0.1], [0.4, 0.9, -0.8]])


def rows(features):
    flat = [f.ravel().tolist() for f in features]
    return [unit([dot(a, b) for b in flat]) for a in flat]


def formula(student, constants):
    pairs = zip(rows(student["mine"]), rows(constants.teacher["theirs"]), strict=True)
    return {
        "labels": [cross_entropy(row, y) for row, y in zip(student["logits"], LABELS, strict=True)],
        "similarity": [3000 / 3 * sum((x - y) ** 2 for x, y in zip(s, t, strict=True)) for s, t in pairs],
    }


def make(**parameters):
    method = SimilarityPreserving(**parameters)
    method.student_layers, method.teacher_layers = ("mine",), ("theirs",)
    return method


ORACLES = [Case("maps and vectors", make, STUDENT, TEACHER, batch(LABELS), formula)]


@pytest.mark.parametrize("case", ORACLES, ids=lambda case: case.name)
def test_it_is_the_formula(case):
    check(case, case.make())


def test_turning_and_scaling_change_nothing_but_moving_does():
    points = torch.randn(6, 3, dtype=torch.float64)
    turn, _ = torch.linalg.qr(torch.randn(3, 3, dtype=torch.float64))
    torch.testing.assert_close(row_normalised_gram(5 * points @ turn), row_normalised_gram(points))
    assert (row_normalised_gram(points + 1) - row_normalised_gram(points)).abs().max() > 0.01


def test_rows_are_brought_to_length_1_not_the_whole_matrix():
    lengths = row_normalised_gram(torch.randn(5, 4, dtype=torch.float64)).norm(dim=1)
    torch.testing.assert_close(lengths, torch.ones(5, dtype=torch.float64))


def test_silent_layers_give_finite_values_and_gradients():
    points = torch.zeros(4, 3, requires_grad=True)
    loss = row_normalised_gram(points).square().sum()
    loss.backward()
    assert loss == 0
    assert points.grad.isfinite().all()
