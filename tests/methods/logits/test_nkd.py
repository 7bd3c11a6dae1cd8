"""Normalised distillation: the formula, its identity with the whole divergence, and the two temperatures."""

from __future__ import annotations

import pytest
import torch

from tests.methods.case import Case, batch, check, trace
from tests.methods.literal import cross_entropy, kl, softmax
from workbench.methods.logits.nkd import NKD

STUDENT = trace([[0.3, -1.2, 0.8], [1.5, 0.2, -0.7], [-0.4, 0.9, 0.1]])
TEACHER = trace([[2.1, -0.5, 0.4], [0.1, 1.7, -1.1], [-1.0, 0.3, 2.2]])
LABELS, TARGETS = [1, -1, 2], [1, 1, 2]


def rest(row, target, temperature):
    powers = softmax([z for c, z in enumerate(row) if c != target], temperature)
    return [x / sum(powers) for x in powers]


def formula(student, constants):
    terms = {"labels": [], "target_class": [], "non_target_classes": []}
    for s, t, y, target in zip(student["logits"], constants.teacher["logits"], LABELS, TARGETS, strict=True):
        terms["labels"].append(1.0 * cross_entropy(s, y))
        terms["target_class"].append(softmax(t)[target] * cross_entropy(s, target))
        terms["non_target_classes"].append(3.5 * 3.0**2 * kl(rest(t, target, 3.0), rest(s, target, 3.0)))
    return terms


ORACLES = [Case("three samples", NKD, STUDENT, TEACHER, batch(LABELS), formula)]


@pytest.mark.parametrize("case", ORACLES, ids=lambda case: case.name)
def test_it_is_the_formula(case):
    check(case, case.make())


def test_the_temperature_is_of_the_non_target_classes_only():
    cold, warm = (NKD(temperature=t)(STUDENT, TEACHER, batch(LABELS)) for t in (1.0, 8.0))
    torch.testing.assert_close(cold["target_class"], warm["target_class"])
    assert (cold["non_target_classes"] - warm["non_target_classes"]).abs()[:2].min() > 1e-3


def test_the_non_target_part_sees_no_probability_of_the_target():
    louder = trace([[0.3, 9.0, 0.8], [1.5, 9.0, -0.7], [-0.4, 0.9, 9.0]])
    plain, other = (NKD()(student, TEACHER, batch(LABELS))["non_target_classes"] for student in (STUDENT, louder))
    torch.testing.assert_close(plain, other)
