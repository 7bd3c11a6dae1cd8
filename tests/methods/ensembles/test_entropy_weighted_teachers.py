"""Certain teachers: the formula, and who is listened to."""

from __future__ import annotations

import math

import pytest
import torch

from tests.methods.case import Case, batch, check, trace
from tests.methods.literal import cross_entropy, kl, softmax
from workbench.methods.ensembles.entropy_weighted_teachers import EntropyWeightedTeachers

STUDENT = trace([[0.3, -1.2, 0.8], [1.5, 0.2, -0.7], [-0.4, 0.9, 0.1]])
ONE = trace([[2.1, -0.5, 0.4], [0.1, 1.7, -1.1], [-1.0, 0.3, 2.2]])
TWO = trace([[0.4, 0.9, -0.6], [2.0, -0.3, 0.2], [0.1, 0.2, -1.4]])
LABELS = [0, 2, -1]
PLAN = (
    ("teacher_2", "teacher_2", None, 1.0),
    ("teacher_3", "teacher_3", None, 1.0),
    ("distill", "student", ("teacher", "teacher_2", "teacher_3"), 1.0),
)


def labels_alone(student, constants):
    return {"labels": [cross_entropy(s, y) for s, y in zip(student["logits"], LABELS, strict=True)]}


def entropy(row):
    return -sum(p * math.log(p) for p in softmax(row))


def formula(student, constants):
    soft = []
    for b, s in enumerate(student["logits"]):
        rows = [teacher["logits"][b] for teacher in constants.teacher]
        doubts = [entropy(row) for row in rows]
        weights = [(1 - doubt / sum(doubts)) / 2 for doubt in doubts]
        soft.append(16 * sum(w * kl(softmax(row, 4), softmax(s, 4)) for w, row in zip(weights, rows, strict=True)))
    return labels_alone(student, constants) | {"soft": soft}


ORACLES = [
    Case("a further teacher", EntropyWeightedTeachers, STUDENT, None, batch(LABELS), labels_alone, PLAN),
    Case("two teachers", EntropyWeightedTeachers, STUDENT, (ONE, TWO), batch(LABELS), formula, PLAN),
]


@pytest.mark.parametrize("case", ORACLES, ids=lambda case: case.name)
def test_it_is_the_formula(case):
    check(case, case.make())


def test_a_teacher_without_any_doubt_has_all_the_weight_a_pair_can_give():
    sure = trace([[50.0, 0.0, 0.0]] * 3)
    soft = EntropyWeightedTeachers()(ONE, (sure, ONE), batch(LABELS))["soft"]
    expected = [16 * 0.5 * kl(softmax([50.0, 0.0, 0.0], 4), softmax(row, 4)) for row in ONE.logits.tolist()]
    assert soft.tolist() == pytest.approx(expected)


def test_teachers_without_any_doubt_at_all_are_no_trouble():
    sure = trace([[500.0, 0.0, 0.0]] * 3)
    assert EntropyWeightedTeachers()(STUDENT, (sure, sure), batch(LABELS))["soft"].isfinite().all()


def test_who_answers_like_all_teachers_is_left_alone():
    soft = EntropyWeightedTeachers()(ONE, (ONE, ONE), batch(LABELS))["soft"]
    torch.testing.assert_close(soft, torch.zeros(3).double())
