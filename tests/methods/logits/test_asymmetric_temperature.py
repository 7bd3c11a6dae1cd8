"""Two temperatures for the teacher: the formula, equal temperatures, and what the asymmetry is for."""

from __future__ import annotations

import pytest
import torch

from tests.methods.case import Case, batch, check, trace
from tests.methods.literal import cross_entropy, kl, softmax
from workbench.methods.logits.asymmetric_temperature import AsymmetricTemperature
from workbench.methods.logits.kd import KD
from workbench.records.trace import Trace

STUDENT = trace([[0.3, -1.2, 0.8], [1.5, 0.2, -0.7], [-0.4, 0.9, 0.1]])
TEACHER = trace([[2.1, -0.5, 0.4], [0.1, 1.7, -1.1], [-1.0, 0.3, 2.2]])
LABELS, TARGETS = [1, -1, 2], [1, 1, 2]


def formula(student, constants):
    soft = []
    for s, t, target in zip(student["logits"], constants.teacher["logits"], TARGETS, strict=True):
        softened = [z / (4.0 if c == target else 3.0) for c, z in enumerate(t)]
        soft.append(0.5 * 1.0 * kl(softmax(softened), softmax(s, 1.0)))
    labels = [(1 - 0.5) * cross_entropy(s, y) for s, y in zip(student["logits"], LABELS, strict=True)]
    return {"labels": labels, "soft": soft}


ORACLES = [Case("three samples", AsymmetricTemperature, STUDENT, TEACHER, batch(LABELS), formula)]


@pytest.mark.parametrize("case", ORACLES, ids=lambda case: case.name)
def test_it_is_the_formula(case):
    check(case, case.make())


def test_three_equal_temperatures_are_kd():
    both = [
        method(STUDENT, TEACHER, batch(LABELS))
        for method in (AsymmetricTemperature(4.0, 4.0, 4.0, 0.9), KD(4.0, 0.9, 0.1))
    ]
    torch.testing.assert_close(*both)


def test_the_wrong_classes_of_a_sure_teacher_differ_more_than_at_the_higher_temperature():
    def spread(wrong_temperature):
        """Of the wrong classes' probabilities, by what a student has to say to have no loss at all."""
        student = torch.zeros(1, 4, dtype=torch.float64, requires_grad=True)
        sure = Trace(torch.tensor([[12.0, 4.0, 2.0, 0.0]], dtype=torch.float64))
        method = AsymmetricTemperature(4.0, wrong_temperature, 1.0, 1.0)
        (slope,) = torch.autograd.grad(method(Trace(student), sure, batch([0]))["soft"].sum(), student)
        return (0.25 - slope)[0, 1:].var()

    assert spread(2.0) > spread(4.0)


def test_logits_are_taken_as_they_are():
    """Two temperatures see a number added to all logits, so a centred copy would be another method."""
    shifted = AsymmetricTemperature()(STUDENT, Trace(TEACHER.logits + 6.0), batch(LABELS))["soft"]
    assert (shifted - AsymmetricTemperature()(STUDENT, TEACHER, batch(LABELS))["soft"]).abs().max() > 1e-3
