"""Alignment: the formula, and what an angle between Gram matrices does not see."""

from __future__ import annotations

import pytest
import torch

from tests.methods.case import Case, batch, check, trace
from tests.methods.literal import cross_entropy, dot, length
from workbench.maths.similarities import kernel_alignment
from workbench.methods.relations.cka import CKA

STUDENT = trace([[0.3, -1.2, 0.8, 0.1], [1.5, 0.2, -0.7, 0.4], [-0.4, 0.9, 0.1, -1.3]])
TEACHER = trace([[2.1, -0.5, 0.4, 1.2], [0.1, 1.7, -1.1, 0.6], [-1.0, 0.3, 2.2, 0.9]])
LABELS = [0, -1, 3]


def gram(rows):
    return [dot(a, b) / length(a) for a in rows for b in rows]


def alignment(mine, theirs):
    a, b = gram(mine), gram(theirs)
    return dot(a, b) / length(a) / length(b)


def formula(student, constants):
    s, t = student["logits"], constants.teacher["logits"]
    return {
        "labels": [1 * cross_entropy(row, y) for row, y in zip(s, LABELS, strict=True)],
        "samples": [15 * (1 - alignment(s, t))] * 3,
        "classes": [15 * (1 - alignment(s.T, t.T))] * 3,
    }


ORACLES = [Case("three samples", CKA, STUDENT, TEACHER, batch(LABELS), formula)]


@pytest.mark.parametrize("case", ORACLES, ids=lambda case: case.name)
def test_it_is_the_formula(case):
    check(case, case.make())


def test_turning_scaling_and_another_width_change_nothing():
    points, other = torch.randn(6, 3, dtype=torch.float64), torch.randn(6, 4, dtype=torch.float64)
    turn, _ = torch.linalg.qr(torch.randn(3, 3, dtype=torch.float64))
    wider = torch.cat([5 * points @ turn, torch.zeros(6, 2, dtype=torch.float64)], 1)
    torch.testing.assert_close(kernel_alignment(wider, other), kernel_alignment(points, other))
    torch.testing.assert_close(kernel_alignment(wider, points), torch.ones((), dtype=torch.float64))


def test_logits_of_the_other_sign_are_aligned_as_well():
    terms = CKA()(trace((-TEACHER.logits).tolist()), TEACHER, batch(LABELS))
    assert terms["samples"].abs().max() < 1e-12
    assert terms["classes"].abs().max() < 1e-12


def test_it_is_between_minus_1_and_1_and_silent_tables_align_with_nothing():
    points = torch.randn(6, 3)
    silent = torch.zeros(6, 3, requires_grad=True)
    found = kernel_alignment(silent, points)
    found.backward()
    assert found == 0
    assert silent.grad.isfinite().all()
    assert -1 <= kernel_alignment(torch.randn(6, 3), points) < 1
