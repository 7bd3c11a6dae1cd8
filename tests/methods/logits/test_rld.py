"""Refined logits: the formula with right and wrong teachers, its meeting with DKD, and a label nothing is below."""

from __future__ import annotations

import pytest
import torch

from tests.methods.case import Case, batch, check, trace
from tests.methods.literal import cross_entropy, kl, softmax
from workbench.methods.logits.dkd import DKD
from workbench.methods.logits.rld import RLD

STUDENT = trace([[0.3, -1.2, 0.8, 0.1], [1.5, 0.2, -0.7, 0.4], [-0.4, 0.9, 0.1, -1.3], [0.6, 0.2, -0.5, 1.1]])
TEACHER = trace([[2.1, -0.5, 0.4, 1.2], [0.1, 1.7, -1.1, 0.6], [-1.0, 0.3, 2.2, 0.9], [0.7, 1.3, -0.8, 0.2]])
LABELS = [0, -1, 3, 2]  # right; none, so the teacher's 1; wrong, below its choice; wrong, the last of all
TARGETS = [0, 1, 3, 2]


def formula(ramp):
    def at(student, constants):
        terms = {"labels": [], "confidence": [], "correlation": []}
        for s, t, y, target in zip(student["logits"], constants.teacher["logits"], LABELS, TARGETS, strict=True):
            sure, own = max(softmax(t)), softmax(s)[target]
            below = [c for c in range(4) if t[c] < t[target]]
            mine, theirs = (softmax([z[c] for c in below], 4) for z in (s, t))
            terms["labels"].append(1 * cross_entropy(s, y))
            terms["confidence"].append(ramp * 1 * 1**2 * kl([sure, 1 - sure], [own, 1 - own]))
            terms["correlation"].append(ramp * 8 * 4**2 * kl(theirs, mine))
        return terms

    return at


def at_progress(progress):
    def make(**parameters):
        method = RLD(**parameters)
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


def test_where_the_teacher_is_right_it_is_dkd():
    labels = TEACHER.logits.argmax(1).tolist()
    refined = RLD(confidence_temperature=4.0)(STUDENT, TEACHER, batch(labels))
    decoupled = DKD()(STUDENT, TEACHER, batch(labels))
    torch.testing.assert_close(refined["confidence"], decoupled["target_class"])
    torch.testing.assert_close(refined["correlation"], decoupled["non_target_classes"])


def test_a_label_that_the_teacher_ranks_last_leaves_no_correlation_and_a_finite_gradient():
    student = trace(STUDENT.logits.tolist())
    student.logits.requires_grad_()
    correlation = RLD()(student, TEACHER, batch(TEACHER.logits.argmin(1).tolist()))["correlation"]
    correlation.sum().backward()
    assert correlation.tolist() == [0, 0, 0, 0]
    assert student.logits.grad.tolist() == [[0] * 4] * 4
