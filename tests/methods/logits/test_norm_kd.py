"""A temperature per sample: the formula, the transform it is made of, and equal logits."""

from __future__ import annotations

import math

import pytest
import torch

from tests.methods.case import Case, batch, check, trace
from tests.methods.literal import cross_entropy, kl, softmax
from workbench.methods.catalog import make
from workbench.methods.logits.dkd import DKD
from workbench.methods.logits.kd import KD
from workbench.methods.logits.logit_regression import LogitRegression
from workbench.methods.logits.norm_kd import NormKD
from workbench.methods.transforms import Standardize, UnitDeviation
from workbench.records.trace import Trace

STUDENT = trace([[0.3, -1.2, 0.8, 0.1], [1.5, 0.2, -0.7, 1.1], [-0.4, 0.9, 0.1, 0.0]])
TEACHER = trace([[2.1, -0.5, 0.4, 0.3], [0.1, 1.7, -1.1, 0.9], [-1.0, 0.3, 2.2, 0.4]])
LABELS = [0, -1, 2]


def spread(row):
    mean = sum(row) / len(row)
    return math.sqrt(sum((x - mean) ** 2 for x in row) / (len(row) - 1))


def formula(student, constants):
    soft = []
    for s, t in zip(student["logits"], constants.teacher["logits"], strict=True):
        warm, own = 2 * spread(t), 2 * spread(s)
        soft.append(0.9 * warm**2 * kl(softmax(t, warm), softmax(s, own)))
    labels = [0.1 * cross_entropy(s, y) for s, y in zip(student["logits"], LABELS, strict=True)]
    return {"labels": labels, "soft": soft}


ORACLES = [Case("three samples", NormKD, STUDENT, TEACHER, batch(LABELS), formula)]


@pytest.mark.parametrize("case", ORACLES, ids=lambda case: case.name)
def test_it_is_the_formula(case):
    check(case, case.make())


def test_it_is_kd_through_the_transform_times_the_teachers_variance():
    through = KD(2.0).through(UnitDeviation())(STUDENT, TEACHER, batch(LABELS))["soft"]
    variance = torch.tensor([spread(row) ** 2 for row in TEACHER.logits.tolist()], dtype=torch.float64)
    torch.testing.assert_close(NormKD()(STUDENT, TEACHER, batch(LABELS))["soft"], variance * through)


def test_after_a_softmax_the_transform_is_standardisation_and_before_it_is_not():
    unit, standard = (DKD().through(t)(STUDENT, TEACHER, batch([0, 1, 2])) for t in (UnitDeviation(), Standardize()))
    torch.testing.assert_close(unit, standard, rtol=1e-5, atol=1e-8)
    shifted = Trace(TEACHER.logits + 2.0)
    distances = [
        LogitRegression().through(t)(TEACHER, shifted, batch(LABELS))["logits"]
        for t in (UnitDeviation(), Standardize())
    ]
    assert distances[0].min() > 0.5
    assert distances[1].max() < 1e-9


def test_the_transform_is_found_by_its_key():
    assert isinstance(make("dkd", {"transform": "unit_deviation"}).transform, UnitDeviation)


def test_equal_logits_stay_and_have_a_finite_gradient():
    logits = torch.ones(2, 4, dtype=torch.float64, requires_grad=True)
    terms = NormKD()(Trace(logits), Trace(TEACHER.logits[:2]), batch([0, 1]))
    sum(term.sum() for term in terms.values()).backward()
    assert logits.grad.isfinite().all()
    torch.testing.assert_close(UnitDeviation()(logits), logits)
