"""Weighted soft labels: the formula, the weight's limits, and that the weight is a constant of the step."""

from __future__ import annotations

import math

import pytest
import torch

from tests.methods.case import Case, batch, check, trace
from tests.methods.literal import cross_entropy, kl, softmax
from workbench.methods.logits.kd import KD
from workbench.methods.logits.wsld import WSLD, sample_weights
from workbench.records.batch import Batch

STUDENT = trace([[0.3, -1.2, 0.8], [1.5, 0.2, -0.7], [-0.4, 0.9, 0.1]])
TEACHER = trace([[2.1, -0.5, 0.4], [0.1, 1.7, -1.1], [-1.0, 0.3, 2.2]])
LABELS = [0, -1, 1]


def formula(student, constants):
    """The weight is of the student as it stands: it takes no part in the gradient."""
    soft = []
    rows = zip(student["logits"], constants.student["logits"], constants.teacher["logits"], LABELS, strict=True)
    for s, standing, t, y in rows:
        weight = 1.0 if y < 0 else 1 - math.exp(-cross_entropy(standing, y) / (cross_entropy(t, y) + 1e-7))
        soft.append(2.25 * 16 * weight * kl(softmax(t, 4), softmax(s, 4)))
    return {"labels": [cross_entropy(s, y) for s, y in zip(student["logits"], LABELS, strict=True)], "soft": soft}


ORACLES = [Case("three samples", WSLD, STUDENT, TEACHER, batch(LABELS), formula)]


@pytest.mark.parametrize("case", ORACLES, ids=lambda case: case.name)
def test_it_is_the_formula(case):
    check(case, case.make())


def test_a_student_as_good_as_its_teacher_is_weighed_with_one_minus_one_over_e():
    labels = torch.tensor([0, 1, 2])
    weights = sample_weights(TEACHER.logits, TEACHER.logits, labels)
    torch.testing.assert_close(weights, torch.full_like(weights, 1 - 1 / math.e), rtol=1e-6, atol=0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_teacher_without_any_loss_gives_weight_one_and_a_student_without_any_gives_none(dtype):
    sure, unsure = torch.tensor([[500.0, 0.0]], dtype=dtype), torch.tensor([[0.0, 0.0]], dtype=dtype)
    label = torch.tensor([0])
    assert sample_weights(unsure, sure, label).tolist() == [1.0]
    assert sample_weights(sure, unsure, label).tolist() == [0.0]


def test_without_labels_it_is_kd():
    bare = Batch(torch.arange(3), torch.zeros(3, 1))
    torch.testing.assert_close(WSLD()(STUDENT, TEACHER, bare)["soft"], KD(4.0, 2.25)(STUDENT, TEACHER, bare)["soft"])
