"""Classmates: the formula, who they are, and peace where a class answers alike."""

from __future__ import annotations

import pytest
import torch

from tests.methods.case import Case, batch, check, trace
from tests.methods.literal import cross_entropy, kl, softmax
from workbench.methods.selftaught.cs_kd import CSKD

STUDENT = trace(
    [[0.3, -1.2, 0.8], [1.5, 0.2, -0.7], [-0.4, 0.9, 0.1], [2.1, -0.5, 0.4], [0.1, 1.7, -1.1], [1.0, 0.3, 0.2]]
)
LABELS = [0, 2, 0, -1, 0, -1]
PLAN = (("distill", "student", None, 1.0),)


def formula(student, constants):
    classmates = []
    for b, s in enumerate(student["logits"]):
        others = [c for c in range(6) if c != b and LABELS[c] == LABELS[b] >= 0]
        found = [16 * kl(softmax(constants.student["logits"][c], 4), softmax(s, 4)) for c in others]
        classmates.append(sum(found) / len(found) if found else 0.0)
    labels = [cross_entropy(s, y) for s, y in zip(student["logits"], LABELS, strict=True)]
    return {"labels": labels, "classmates": classmates}


ORACLES = [Case("a class of three", CSKD, STUDENT, None, batch(LABELS), formula, PLAN)]


@pytest.mark.parametrize("case", ORACLES, ids=lambda case: case.name)
def test_it_is_the_formula(case):
    check(case, case.make())


def test_only_labelled_samples_are_trained_on():
    assert [plan.data for plan in CSKD().stages(None)] == ["labelled"]


def test_a_class_that_answers_alike_has_nothing_to_learn_from_itself():
    alike = trace([[0.3, -1.2, 0.8]] * 3)
    torch.testing.assert_close(CSKD()(alike, None, batch([1, 1, 1]))["classmates"], torch.zeros(3).double())


def test_who_is_alone_learns_from_nobody():
    classmates = CSKD()(STUDENT, None, batch([0, 1, 2, -1, -1, -1]))["classmates"]
    assert classmates.abs().sum() == 0
