"""Transformed teacher: the formula, and what it adds to soft targets."""

from __future__ import annotations

import math

import pytest
import torch

from tests.methods.case import Case, batch, check, trace
from tests.methods.literal import cross_entropy, kl, softmax
from workbench.methods.logits.kd import KD
from workbench.methods.logits.ttm import TTM
from workbench.records.trace import Trace

STUDENT = trace([[0.3, -1.2, 0.8], [1.5, 0.2, -0.7], [-0.4, 0.9, 0.1]])
TEACHER = trace([[2.1, -0.5, 0.4], [0.1, 1.7, -1.1], [-1.0, 0.3, 4.2]])
LABELS = [0, -1, 2]


def powers(row, exponent):
    """The transformed teacher, and the sum it is divided by."""
    raised = [p**exponent for p in softmax(row)]
    return [x / sum(raised) for x in raised], sum(raised)


def formula(student, constants):
    pairs = list(zip(student["logits"], constants.teacher["logits"], LABELS, strict=True))
    return {
        "labels": [1 * cross_entropy(s, y) for s, _, y in pairs],
        "soft": [45 * kl(powers(t, 0.1)[0], softmax(s)) for s, t, _ in pairs],
    }


ORACLES = [Case("three samples", TTM, STUDENT, TEACHER, batch(LABELS), formula)]


@pytest.mark.parametrize("case", ORACLES, ids=lambda case: case.name)
def test_it_is_the_formula(case):
    check(case, case.make())


def test_dividing_the_logits_of_the_student_as_well_gives_kd():
    softened = TTM(exponent=0.25, soft_weight=1.0)(Trace(STUDENT.logits / 4), TEACHER, batch(LABELS))["soft"]
    torch.testing.assert_close(16 * softened, KD(4.0, 1.0)(STUDENT, TEACHER, batch(LABELS))["soft"])


def test_the_limit_of_a_small_exponent_asks_for_equal_probabilities():
    soft = TTM(exponent=0.02, soft_weight=1.0)(STUDENT, Trace(TEACHER.logits / 1000), batch(LABELS))["soft"]
    uniform = [sum(-math.log(3 * q) / 3 for q in softmax(s)) for s in STUDENT.logits.tolist()]
    torch.testing.assert_close(soft, torch.tensor(uniform, dtype=torch.float64), atol=1e-4, rtol=0)
