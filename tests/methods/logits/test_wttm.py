"""Weighted transformed teacher: the formula, and the weight's limits."""

from __future__ import annotations

import math

import pytest
import torch

from tests.methods.case import Case, batch, check
from tests.methods.literal import cross_entropy, kl, softmax
from tests.methods.logits.test_ttm import LABELS, STUDENT, TEACHER, powers
from workbench.methods.logits.wttm import WTTM


def formula(student, constants):
    terms = {"labels": [], "soft": []}
    for s, t, y in zip(student["logits"], constants.teacher["logits"], LABELS, strict=True):
        target, total = powers(t, 0.2)
        terms["labels"].append(1 * cross_entropy(s, y))
        terms["soft"].append(4 * total * kl(target, softmax(s)))
    return terms


ORACLES = [Case("three samples", WTTM, STUDENT, TEACHER, batch(LABELS), formula)]


@pytest.mark.parametrize("case", ORACLES, ids=lambda case: case.name)
def test_it_is_the_formula(case):
    check(case, case.make())


def test_the_weight_goes_from_1_for_a_sure_teacher_to_a_power_of_the_number_of_classes():
    sure, unsure = torch.tensor([[500.0, 0, 0, 0]]), torch.zeros(1, 4)
    assert WTTM(exponent=0.2).doubt(sure).item() == pytest.approx(1)
    assert WTTM(exponent=0.2).doubt(unsure).item() == pytest.approx(4**0.8)


def test_the_weight_is_a_power_of_the_renyi_entropy():
    p = softmax(TEACHER.logits[0].tolist())
    renyi = math.log(sum(x**0.2 for x in p)) / (1 - 0.2)
    assert WTTM(exponent=0.2).doubt(TEACHER.logits[:1]).item() == pytest.approx(math.exp(0.8 * renyi))
