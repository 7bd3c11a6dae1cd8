"""Transport between wrong classes: the formula, the decay, and what the teacher's classifier says of classes."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from tests.methods.case import FACTS, Case, batch, check, trace
from tests.methods.literal import cross_entropy, dot, length, softmax
from workbench.methods.logits.wkd_l import WKDL
from workbench.records.batch import Batch
from workbench.records.plan import Facts

STUDENT = trace([[0.3, -1.2, 0.8, 0.1], [1.5, 0.2, -0.7, 0.4], [-0.4, 0.9, 0.1, -1.3]])
TEACHER = trace([[2.1, -0.5, 0.4, 1.2], [0.1, 1.7, -1.1, 0.6], [-1.0, 0.3, 2.2, 0.9]])
LABELS, TARGETS = [0, -1, 3], [0, 1, 3]
CLASSIFIER = [[1.0, 0.2, -0.3], [0.5, -1.0, 0.4], [-0.6, 0.3, 0.9], [0.1, 0.8, -0.2]]
FOUR = Facts(samples=6, classes=4, steps=1000, epochs=10)


def make(**parameters):
    teacher = nn.Linear(3, 4)
    teacher.weight.data = torch.tensor(CLASSIFIER)
    method = WKDL(**parameters)
    method.build(nn.Identity(), nn.Sequential(teacher), Batch(torch.arange(2), torch.ones(2, 3)), FOUR)
    method.distances = torch.tensor(DISTANCES, dtype=torch.float64)  # not rounded to float32
    return method


DISTANCES = [[max(1 - dot(a, b) / length(a) / length(b), 0.0) for b in CLASSIFIER] for a in CLASSIFIER]


def price(i, j):
    return 1 - math.exp(-1 * DISTANCES[i][j])


def transport(mine, theirs, classes):
    """Ten rounds of Sinkhorn among some classes."""
    kernel = [[math.exp(-price(i, j) / 0.05) for j in classes] for i in classes]
    n = range(len(classes))
    u = [1.0 / len(classes)] * len(classes)
    for _ in range(10):
        v = [theirs[j] / sum(kernel[i][j] * u[i] for i in n) for j in n]
        u = [mine[i] / sum(kernel[i][j] * v[j] for j in n) for i in n]
    return sum(u[i] * kernel[i][j] * v[j] * price(classes[i], classes[j]) for i in n for j in n)


def formula(ramp):
    def at(student, constants):
        terms = {"labels": [], "target_class": [], "transport": []}
        for s, t, y, target in zip(student["logits"], constants.teacher["logits"], LABELS, TARGETS, strict=True):
            others = [c for c in range(4) if c != target]
            mine, theirs = (softmax([z[c] for c in others], 8) for z in (s, t))
            terms["labels"].append(1 * cross_entropy(s, y))
            terms["target_class"].append(-softmax(t)[target] * math.log(softmax(s)[target]))
            terms["transport"].append(ramp * 600 * transport(mine, theirs, others))
        return terms

    return at


def at_progress(progress):
    def made(**parameters):
        method = make(**parameters)
        method.schedule(progress)
        return method

    return made


ORACLES = [
    Case("before the decay", at_progress(0.5), STUDENT, TEACHER, batch(LABELS), formula(1.0)),
    Case("a third of the decay", at_progress(180 / 240), STUDENT, TEACHER, batch(LABELS), formula(0.75)),
]


@pytest.mark.parametrize("case", ORACLES, ids=lambda case: case.name)
def test_it_is_the_formula(case):
    check(case, case.make())


def test_classes_are_as_far_apart_as_the_rows_of_the_teachers_classifier():
    method = WKDL()
    teacher = nn.Linear(3, 4)
    teacher.weight.data = torch.tensor(CLASSIFIER)
    method.build(nn.Identity(), nn.Sequential(teacher), Batch(torch.arange(2), torch.ones(2, 3)), FOUR)
    torch.testing.assert_close(method.distances, torch.tensor(DISTANCES))


def test_mass_on_the_class_next_to_the_teachers_choice_is_cheaper_than_on_one_far_away():
    near, far = sorted((1, 2), key=lambda c: DISTANCES[3][c])
    teacher = trace([[0.0, 0.0, 0.0, 40.0]])
    costs = [
        make()(trace([[40.0 * (c == k) for k in range(4)]]), teacher, batch([0]))["transport"] for c in (near, far)
    ]
    assert costs[0] < costs[1]


def test_a_teacher_without_a_row_for_each_class_is_refused():
    example = Batch(torch.arange(2), torch.ones(2, 3))
    with pytest.raises(ValueError, match=r"last nn\.Linear '0' has 4 rows for 3 classes"):
        WKDL().build(nn.Identity(), nn.Sequential(nn.Linear(3, 4)), example, FACTS)
    with pytest.raises(ValueError, match=r"no nn\.Linear"):
        WKDL().build(nn.Identity(), nn.Sequential(nn.ReLU()), example, FACTS)
