"""Teacher bounded regression: the formula, and that a student beyond its teacher is left alone."""

from __future__ import annotations

from functools import partial

import pytest
import torch

from tests.methods.case import Case, check, trace
from workbench.methods.logits.bounded_regression import BoundedRegression
from workbench.records.batch import Batch
from workbench.records.plan import Facts

STUDENT = trace([[0.3, -1.2], [1.5, 0.2], [-0.4, 0.9]])
TEACHER = trace([[2.1, -0.5], [1.4, 0.1], [-1.0, 0.3]])
TARGETS = [[0.2, -1.0], [1.3, -0.1], [-0.9, 0.4]]
BATCH = Batch(torch.arange(3), torch.zeros(3, 1), torch.tensor(TARGETS, dtype=torch.float64))


def error(row, target):
    return sum((a - b) ** 2 for a, b in zip(row, target, strict=True)) / len(row)


def formula(student, constants, margin=0.0, bound_weight=0.5, label_weight=1.0):
    labels, bound = [], []
    for now, s, t, y in zip(
        constants.student["logits"], student["logits"], constants.teacher["logits"], TARGETS, strict=True
    ):
        labels.append(label_weight * error(s, y))
        bound.append(bound_weight * error(s, y) if error(now, y) + margin > error(t, y) else 0.0)
    return {"labels": labels, "bound": bound}


def built(**parameters):
    method = BoundedRegression(**parameters)
    method.build(torch.nn.Identity(), torch.nn.Identity(), BATCH, Facts(6, 0, 1000, 10, "regression"))
    return method


OTHER = {"margin": 5.0, "bound_weight": 2.0, "label_weight": 0.0}
ORACLES = [
    Case("no margin", built, STUDENT, TEACHER, BATCH, formula),
    Case("a margin", partial(built, **OTHER), STUDENT, TEACHER, BATCH, partial(formula, **OTHER)),
]


@pytest.mark.parametrize("case", ORACLES, ids=lambda case: case.name)
def test_it_is_the_formula(case):
    check(case, case.make())


def test_a_student_that_is_nearer_than_its_teacher_is_left_alone_unless_a_margin_says_by_how_much():
    near, far = trace(TARGETS), trace([[9.0, 9.0]] * 3)
    assert built()(near, far, BATCH)["bound"].tolist() == [0, 0, 0]
    assert (built()(far, near, BATCH)["bound"] > 0).all()
