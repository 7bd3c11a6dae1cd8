"""The corrected teacher: the formula, the swap itself, and the fault of a public implementation."""

from __future__ import annotations

import pytest
import torch

from tests.methods.case import Case, batch, check, trace
from tests.methods.literal import cross_entropy, kl, softmax
from workbench.maths.adjustment import shifted_to_label
from workbench.methods.logits.kd import KD
from workbench.methods.logits.probability_shift import ProbabilityShift
from workbench.methods.transforms import Standardize
from workbench.records.trace import Trace

STUDENT = trace([[0.3, -1.2, 0.8], [1.5, 0.2, -0.7], [-0.4, 0.9, 0.1], [0.2, 0.4, -0.6]])
TEACHER = trace([[2.1, -0.5, 0.4], [0.1, 1.7, -1.1], [-1.0, 0.3, 2.2], [0.9, 0.8, -0.3]])
LABELS = [0, 2, -1, 2]  # right; wrong; without a label; wrong, and the label is the teacher's last choice


def formula(student, constants):
    soft = []
    for s, t, y in zip(student["logits"], constants.teacher["logits"], LABELS, strict=True):
        p = softmax(t, 4)
        if y >= 0:
            top = p.index(max(p))
            p[top], p[y] = p[y], p[top]
        soft.append(0.9 * 16 * kl(p, softmax(s, 4)))
    labels = [0.1 * cross_entropy(s, y) for s, y in zip(student["logits"], LABELS, strict=True)]
    return {"labels": labels, "soft": soft}


ORACLES = [Case("four samples", ProbabilityShift, STUDENT, TEACHER, batch(LABELS), formula)]


@pytest.mark.parametrize("case", ORACLES, ids=lambda case: case.name)
def test_it_is_the_formula(case):
    check(case, case.make())


def test_the_label_changes_place_with_the_largest_not_the_second_with_the_largest():
    shifted = shifted_to_label(torch.tensor([[5.0, 4.0, 3.0, 2.0]]), torch.tensor([3]))
    assert shifted.tolist() == [[2.0, 4.0, 3.0, 5.0]]


def test_a_teacher_that_is_right_is_left_alone():
    right = TEACHER.logits.argmax(1)
    assert torch.equal(shifted_to_label(TEACHER.logits, right), TEACHER.logits)
    assert torch.equal(shifted_to_label(TEACHER.logits, None), TEACHER.logits)
    both = [method(STUDENT, TEACHER, batch(right.tolist())) for method in (ProbabilityShift(), KD())]
    torch.testing.assert_close(*both)


def test_fitted_students_get_the_corrected_targets_and_a_transform_acts_on_them():
    for method in (ProbabilityShift(temperature=1.0, label_weight=0.0), ProbabilityShift().through(Standardize())):
        targets, _ = method.targets(TEACHER, batch(LABELS))
        assert targets.argmax(1).tolist() == [0, 2, 2, 2]
        corrected = Trace(shifted_to_label(TEACHER.logits, torch.tensor(LABELS)))
        kd = KD(method.temperature, method.soft_weight, method.label_weight)
        kd.transform = method.transform
        torch.testing.assert_close(targets, kd.targets(corrected, batch(LABELS))[0])
