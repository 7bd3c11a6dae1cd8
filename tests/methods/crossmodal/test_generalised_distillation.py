"""Privileged information: the formula, its two ends, the softmax that stays sharp, and targets for fitted students."""

from __future__ import annotations

import math

import pytest
import torch

from tests.methods.case import Case, batch, check, trace
from tests.methods.literal import cross_entropy, softmax
from workbench.maths.divergences import soft_cross_entropy
from workbench.methods.crossmodal.generalised_distillation import GeneralisedDistillation
from workbench.methods.logits.kd import KD

STUDENT = trace([[0.3, -1.2, 0.8], [1.5, 0.2, -0.7], [-0.4, 0.9, 0.1]])
TEACHER = trace([[2.1, -0.5, 0.4], [0.1, 1.7, -1.1], [-1.0, 0.3, 2.2]])
LABELS = [0, -1, 2]


def formula(imitation, temperature):
    def terms(student, constants):
        soft = []
        for s, t in zip(student["logits"], constants.teacher["logits"], strict=True):
            pairs = zip(softmax(t, temperature), softmax(s), strict=True)
            soft.append(-imitation * sum(p * math.log(q) for p, q in pairs))
        labels = [(1 - imitation) * cross_entropy(s, y) for s, y in zip(student["logits"], LABELS, strict=True)]
        return {"labels": labels, "soft": soft}

    return terms


def softened(**parameters):
    return GeneralisedDistillation(**({"imitation": 0.4, "temperature": 5.0} | parameters))


ORACLES = [
    Case("all imitation", GeneralisedDistillation, STUDENT, TEACHER, batch(LABELS), formula(1.0, 1.0)),
    Case("both, softened", softened, STUDENT, TEACHER, batch(LABELS), formula(0.4, 5.0)),
]


@pytest.mark.parametrize("case", ORACLES, ids=lambda case: case.name)
def test_it_is_the_formula(case):
    check(case, case.make())


def test_without_a_temperature_it_has_the_gradient_of_kd_and_with_one_it_has_not():
    def slope(method):
        logits = STUDENT.logits.clone().requires_grad_()
        sum(term.sum() for term in method(trace_of(logits), TEACHER, batch(LABELS)).values()).backward()
        return logits.grad

    def trace_of(logits):
        return type(STUDENT)(logits)

    plain, softened_one = (slope(GeneralisedDistillation(0.4, t)) for t in (1.0, 5.0))
    torch.testing.assert_close(plain, slope(KD(1.0, 0.4, 0.6)))
    assert not torch.allclose(softened_one, slope(KD(5.0, 0.4, 0.6)), rtol=1e-2)


def test_targets_of_fitted_students_are_the_mixture_of_the_same_loss():
    method = softened()
    targets, weights = method.targets(TEACHER, batch(LABELS))
    fitted = weights * soft_cross_entropy(STUDENT.logits, targets)
    torch.testing.assert_close(fitted, sum(method(STUDENT, TEACHER, batch(LABELS)).values()))
    bare, weights = method.targets(TEACHER, batch(LABELS).but(labels=None))
    torch.testing.assert_close(bare, torch.softmax(TEACHER.logits / 5, 1))
    assert weights.tolist() == pytest.approx([0.4] * 3)
