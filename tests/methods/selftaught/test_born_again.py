"""Generations: the formula of each, the chain, and its fixed point."""

from __future__ import annotations

import pytest
import torch

from tests.methods.case import FACTS, Case, batch, check, trace
from tests.methods.literal import cross_entropy, kl, softmax
from workbench.methods.selftaught.born_again import BornAgain

STUDENT = trace([[0.3, -1.2, 0.8], [1.5, 0.2, -0.7], [-0.4, 0.9, 0.1]])
BEFORE = trace([[2.1, -0.5, 0.4], [0.1, 1.7, -1.1], [-1.0, 0.3, 2.2]])
LABELS = [0, 2, -1]


def first(student, constants):
    return {"labels": [cross_entropy(s, y) for s, y in zip(student["logits"], LABELS, strict=True)]}


def later(student, constants):
    pairs = zip(student["logits"], constants.teacher["logits"], strict=True)
    return first(student, constants) | {"soft": [kl(softmax(t), softmax(s)) for s, t in pairs]}


PLAN = (
    ("generation_0", "generation_0", None, 1.0),
    ("generation_1", "generation_1", "generation_0", 1.0),
    ("generation_2", "generation_2", "generation_1", 1.0),
    ("student", "student", "generation_2", 1.0),
)
ORACLES = [
    Case("the first generation", BornAgain, STUDENT, None, batch(LABELS), first, PLAN),
    Case("a later generation", BornAgain, STUDENT, BEFORE, batch(LABELS), later, PLAN),
]


@pytest.mark.parametrize("case", ORACLES, ids=lambda case: case.name)
def test_it_is_the_formula(case):
    check(case, case.make())


def test_the_first_generation_sees_labelled_samples_and_the_others_all():
    assert [plan.data for plan in BornAgain(generations=1).stages(FACTS)] == ["labelled", "all"]


def test_who_answers_like_the_predecessor_has_nothing_left_to_learn_from_it():
    soft = BornAgain()(BEFORE, BEFORE, batch(LABELS))["soft"]
    torch.testing.assert_close(soft, torch.zeros(3, dtype=torch.float64))


def test_fitted_students_are_refused():
    with pytest.raises(TypeError, match="born_again is not a method of pure targets"):
        BornAgain().targets(BEFORE, batch(LABELS))
