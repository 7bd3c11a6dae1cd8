"""Decoupled distillation: the formula, the warm-up, and the teacher's choice where a label is missing."""

from __future__ import annotations

import math

import pytest
import torch

from tests.methods.case import Case, batch, check, trace
from tests.methods.literal import cross_entropy, kl, softmax
from workbench.methods.logits.dkd import DKD
from workbench.methods.logits.kd import KD
from workbench.records.batch import Batch
from workbench.records.trace import Trace

STUDENT = trace([[0.3, -1.2, 0.8], [1.5, 0.2, -0.7], [-0.4, 0.9, 0.1]])
TEACHER = trace([[2.1, -0.5, 0.4], [0.1, 1.7, -1.1], [-1.0, 0.3, 2.2]])
LABELS, TARGETS = [1, -1, 2], [1, 1, 2]  # the teacher's choice in the second row is 1


def halves(row, target):
    """Probabilities at temperature 4: (target, not target), and of the others among themselves."""
    p = softmax(row, 4)
    rest = [p[k] for k in range(3) if k != target]
    return [p[target], sum(rest)], [x / sum(rest) for x in rest]


def formula(ramp):
    def at(student, constants):
        terms = {"labels": [], "target_class": [], "non_target_classes": []}
        for s, t, y, target in zip(student["logits"], constants.teacher["logits"], LABELS, TARGETS, strict=True):
            (binary_s, others_s), (binary_t, others_t) = halves(s, target), halves(t, target)
            terms["labels"].append(1 * cross_entropy(s, y))
            terms["target_class"].append(ramp * 1 * 16 * kl(binary_t, binary_s))
            terms["non_target_classes"].append(ramp * 8 * 16 * kl(others_t, others_s))
        return terms

    return at


def at_progress(progress):
    def make(**parameters):
        method = DKD(**parameters)
        method.schedule(progress)
        return method

    return make


ORACLES = [
    Case("after the warm-up", at_progress(0.5), STUDENT, TEACHER, batch(LABELS), formula(1.0)),
    Case("5 of 240 epochs", at_progress(5 / 240), STUDENT, TEACHER, batch(LABELS), formula(5 / 20)),
]


@pytest.mark.parametrize("case", ORACLES, ids=lambda case: case.name)
def test_it_is_the_formula(case):
    check(case, case.make())


def test_weighting_the_rest_with_what_the_teacher_leaves_it_gives_kd():
    method, one = DKD(alpha=1.0, beta=1.0), Batch(torch.arange(1), torch.zeros(1, 1), torch.tensor([2]))
    student, teacher = Trace(STUDENT.logits[:1]), Trace(TEACHER.logits[:1])
    left = 1 - softmax(TEACHER.logits[0].tolist(), 4)[2]
    terms = method(student, teacher, one)
    whole = KD(4.0, 1.0)(student, teacher, one)["soft"]
    torch.testing.assert_close(terms["target_class"] + left * terms["non_target_classes"], whole)


def test_two_classes_leave_nothing_to_the_rest():
    pair = Trace(STUDENT.logits[:, :2]), Trace(TEACHER.logits[:, :2])
    terms = DKD()(*pair, batch([0, 1, 0]))
    assert terms["non_target_classes"].tolist() == [0, 0, 0]
    assert math.isfinite(terms["target_class"].sum())


def test_no_warm_up_starts_at_full_weight():
    method = DKD(warm_up=0.0)
    method.schedule(0.0)
    torch.testing.assert_close(method(STUDENT, TEACHER, batch(LABELS)), DKD()(STUDENT, TEACHER, batch(LABELS)))
