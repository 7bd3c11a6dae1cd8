"""Standardised logits: the formula, and what the z-score does not see."""

from __future__ import annotations

import math

import pytest
import torch

from tests.methods.case import Case, batch, check, trace
from tests.methods.literal import cross_entropy, kl, softmax
from workbench.maths.standardization import standardize
from workbench.methods.logits.kd import KD
from workbench.methods.logits.logit_standardization import LogitStandardization
from workbench.methods.transforms import Standardize
from workbench.records.trace import Trace

STUDENT = trace([[0.3, -1.2, 0.8, 0.1], [1.5, 0.2, -0.7, 1.1], [-0.4, 0.9, 0.1, 0.0]])
TEACHER = trace([[2.1, -0.5, 0.4, 0.3], [0.1, 1.7, -1.1, 0.9], [-1.0, 0.3, 2.2, 0.4]])
LABELS = [0, -1, 2]


def z_scores(row):
    mean = sum(row) / len(row)
    deviation = math.sqrt(sum((x - mean) ** 2 for x in row) / (len(row) - 1))
    return [(x - mean) / (1e-7 + deviation) for x in row]


def formula(student, constants):
    soft = [
        9 * 2**2 * kl(softmax(z_scores(t), 2), softmax(z_scores(s), 2))
        for s, t in zip(student["logits"], constants.teacher["logits"], strict=True)
    ]
    labels = [0.1 * cross_entropy(s, y) for s, y in zip(student["logits"], LABELS, strict=True)]
    return {"labels": labels, "soft": soft}


ORACLES = [Case("three samples", LogitStandardization, STUDENT, TEACHER, batch(LABELS), formula)]


@pytest.mark.parametrize("case", ORACLES, ids=lambda case: case.name)
def test_it_is_the_formula(case):
    check(case, case.make())


def test_the_z_score_does_not_see_affine_maps_of_the_logits():
    torch.testing.assert_close(standardize(3 * STUDENT.logits - 5), standardize(STUDENT.logits), rtol=1e-6, atol=0)


def test_it_is_kd_through_the_transform():
    both = [
        method(STUDENT, TEACHER, batch(LABELS))
        for method in (LogitStandardization(), KD(2, 9, 0.1).through(Standardize()))
    ]
    torch.testing.assert_close(*both)


def test_fitted_students_get_standardised_targets_too():
    mine, theirs = (LogitStandardization().targets(Trace(f * TEACHER.logits), batch(LABELS))[0] for f in (1, 4))
    torch.testing.assert_close(mine, theirs, rtol=1e-6, atol=0)


def test_equal_logits_give_zeros_and_a_finite_gradient():
    logits = torch.ones(2, 4, dtype=torch.float64, requires_grad=True)
    standardize(logits).square().sum().backward()
    assert standardize(logits).abs().max() == 0
    assert logits.grad.isfinite().all()
