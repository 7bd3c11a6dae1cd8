"""The staircase: the formula on several steps, its ends, and the second stage."""

from __future__ import annotations

import pytest
import torch

from tests.methods.case import FACTS, Case, batch, check, trace
from tests.methods.literal import cross_entropy
from workbench.methods.logits.annealing import Annealing

STUDENT = trace([[0.3, -1.2, 0.8], [1.5, 0.2, -0.7], [-0.4, 0.9, 0.1]])
TEACHER = trace([[2.1, -0.5, 0.4], [0.1, 1.7, -1.1], [-1.0, 0.3, 2.2]])
LABELS = [0, -1, 2]
PLAN = (("annealing", "student", "teacher", 2 / 3), ("labels", "student", None, 1 / 3))


def at(progress):
    def make(**parameters):
        method = Annealing(**parameters)
        method.schedule(progress)
        return method

    return make


def annealed(factor):
    def formula(student, constants):
        pairs = zip(student["logits"], constants.teacher["logits"], strict=True)
        return {"logits": [sum((s[c] - factor * t[c]) ** 2 for c in range(3)) / 3 for s, t in pairs]}

    return formula


def labels(student, constants):
    return {"labels": [cross_entropy(s, y) for s, y in zip(student["logits"], LABELS, strict=True)]}


ORACLES = [
    Case("the first step", at(0.0), STUDENT, TEACHER, batch(LABELS), annealed(0.1), PLAN),
    Case("the fifth", at(4.5 / 15), STUDENT, TEACHER, batch(LABELS), annealed(0.5), PLAN),
    Case("the last", at(0.66), STUDENT, TEACHER, batch(LABELS), annealed(1.0), PLAN),
    Case("labels", at(0.7), STUDENT, None, batch(LABELS), labels, PLAN),
]


@pytest.mark.parametrize("case", ORACLES, ids=lambda case: case.name)
def test_it_is_the_formula(case):
    check(case, case.make())


def test_the_factor_is_the_papers_function_of_the_temperature():
    """1 - (T - 1) / K while T falls from K to 1, each in its tenth of the stage, which is two thirds of the run."""
    for k, temperature in enumerate(range(10, 0, -1)):
        method = at((k + 0.5) / 10 * 2 / 3)()
        followed = trace(((1 - (temperature - 1) / 10) * TEACHER.logits).tolist())
        assert method(followed, TEACHER, batch(LABELS))["logits"].max() == pytest.approx(0)


def test_one_step_is_plain_regression_and_the_second_stage_takes_labelled_samples():
    method = Annealing(steps=1)
    torch.testing.assert_close(
        method(STUDENT, TEACHER, batch(LABELS))["logits"], (STUDENT.logits - TEACHER.logits).square().mean(1)
    )
    assert [plan.data for plan in method.stages(FACTS)] == ["all", "labelled"]
