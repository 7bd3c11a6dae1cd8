"""Correlated predictions: the formula, what correlation does not see, and constant columns."""

from __future__ import annotations

import math

import pytest
import torch

from tests.methods.case import Case, batch, check, trace
from tests.methods.literal import cross_entropy, softmax
from workbench.methods.logits.dist import DIST, pearson
from workbench.records.trace import Trace

STUDENT = trace([[0.3, -1.2, 0.8], [1.5, 0.2, -0.7], [-0.4, 0.9, 0.1], [2.0, -0.3, 0.5]])
TEACHER = trace([[2.1, -0.5, 0.4], [0.1, 1.7, -1.1], [-1.0, 0.3, 2.2], [0.6, 0.2, -0.9]])
LABELS = [0, -1, 2, 1]


def correlation(a, b):
    mean_a, mean_b = sum(a) / len(a), sum(b) / len(b)
    covariance = sum((x - mean_a) * (y - mean_b) for x, y in zip(a, b, strict=True))
    lengths = math.sqrt(sum((x - mean_a) ** 2 for x in a)) * math.sqrt(sum((y - mean_b) ** 2 for y in b))
    return covariance / (lengths + 1e-8)


def formula(student, constants):
    mine = [softmax(row, 4) for row in student["logits"]]
    theirs = [softmax(row, 4) for row in constants.teacher["logits"]]
    columns = [correlation([row[c] for row in mine], [row[c] for row in theirs]) for c in range(3)]
    intra = sum(1 - r for r in columns) / 3
    return {
        "labels": [cross_entropy(s, y) for s, y in zip(student["logits"], LABELS, strict=True)],
        "inter": [2 * 16 * (1 - correlation(q, p)) for q, p in zip(mine, theirs, strict=True)],
        "intra": [2 * 16 * intra] * 4,
    }


ORACLES = [Case("four samples", DIST, STUDENT, TEACHER, batch(LABELS), formula)]


@pytest.mark.parametrize("case", ORACLES, ids=lambda case: case.name)
def test_it_is_the_formula(case):
    check(case, case.make())


def test_it_is_what_numpy_calls_a_correlation_coefficient():
    rows = pearson(STUDENT.logits, TEACHER.logits)
    expected = torch.stack(
        [torch.corrcoef(torch.stack(p))[0, 1] for p in zip(STUDENT.logits, TEACHER.logits, strict=True)]
    )
    torch.testing.assert_close(rows, expected, rtol=1e-6, atol=0)


def test_location_and_scale_of_a_side_are_not_seen_and_a_sign_is():
    torch.testing.assert_close(pearson(3 * TEACHER.logits + 5, TEACHER.logits), torch.ones(4).double())
    torch.testing.assert_close(pearson(-TEACHER.logits, TEACHER.logits), -torch.ones(4).double())


def test_a_constant_side_has_no_correlation_and_a_finite_gradient():
    flat = torch.ones(2, 3, dtype=torch.float64, requires_grad=True)
    terms = DIST()(Trace(flat), Trace(TEACHER.logits[:2]), batch([0, 1]))
    torch.testing.assert_close(terms["inter"].detach(), torch.full((2,), 2 * 16.0, dtype=torch.float64))
    sum(term.sum() for term in terms.values()).backward()
    assert flat.grad.isfinite().all()
