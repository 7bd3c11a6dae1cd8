"""Hints: the formula of both stages, the decay, and a student that contains its teacher's hint."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from tests.methods.case import FACTS, Case, batch, check, trace
from tests.methods.literal import cross_entropy, kl, softmax
from workbench.methods.features.fitnets import FitNets
from workbench.methods.parts.adapters import adapter
from workbench.records.batch import Batch

STUDENT = trace([[0.3, -1.2, 0.8], [1.5, 0.2, -0.7]], guide=[[0.2, -0.4, 0.9], [1.1, 0.3, -0.5]])
TEACHER = trace([[2.1, -0.5, 0.4], [0.1, 1.7, -1.1]], hint=[[0.5, 1.0, -0.3], [0.2, -0.8, 0.6]])
LABELS = [1, -1]
WEIGHT, BIAS = [[0.5, -1.0, 0.2], [0.25, 0.75, -0.4], [-0.6, 0.1, 0.8]], [0.1, -0.2, 0.3]


def at(stage, progress):
    def make(**parameters):
        method = FitNets(**parameters)
        method.student_layers, method.teacher_layers = ("guide",), ("hint",)
        method.adapter = nn.Linear(3, 3).double()
        method.adapter.weight.data = torch.tensor(WEIGHT, dtype=torch.float64)
        method.adapter.bias.data = torch.tensor(BIAS, dtype=torch.float64)
        method.stage = stage
        method.schedule(progress)
        return method

    return make


def hints(student, constants):
    losses = []
    for b in range(2):
        total = 0.0
        for i in range(3):
            predicted = BIAS[i] + sum(WEIGHT[i][j] * student["guide"][b][j] for j in range(3))
            total += (predicted - constants.teacher["hint"][b][i]) ** 2
        losses.append(10 * total / 3)
    return {"hint": losses}


def answers(weight):
    def formula(student, constants):
        pairs = zip(student["logits"], constants.teacher["logits"], strict=True)
        return {
            "labels": [cross_entropy(s, y) for s, y in zip(student["logits"], LABELS, strict=True)],
            "soft": [weight * kl(softmax(t, 3), softmax(s, 3)) for s, t in pairs],
        }

    return formula


PLAN = (("hint", "student", "teacher", 0.125), ("distill", "student", "teacher", 0.875))
ORACLES = [
    Case("hints", at("hint", 0.05), STUDENT, TEACHER, batch(LABELS), hints, PLAN),
    Case("the second stage begins", at("distill", 0.125), STUDENT, TEACHER, batch(LABELS), answers(4.0), PLAN),
    Case("half-way through it", at("distill", 0.5625), STUDENT, TEACHER, batch(LABELS), answers(2.5), PLAN),
]


@pytest.mark.parametrize("case", ORACLES, ids=lambda case: case.name)
def test_it_is_the_formula(case):
    check(case, case.make())


def test_a_hint_that_is_a_linear_map_of_the_guided_layer_can_be_met():
    method = at("hint", 0.0)()
    features = STUDENT["guide"] @ torch.tensor(WEIGHT, dtype=torch.float64).T + torch.tensor(BIAS, dtype=torch.float64)
    met = method(STUDENT, trace([[0.0] * 3] * 2, hint=features.tolist()), batch(LABELS))["hint"]
    torch.testing.assert_close(met, torch.zeros(2, dtype=torch.float64))


@pytest.mark.parametrize(
    ("student", "teacher", "kind"),
    [
        ((2, 5), (2, 7), nn.Linear),
        ((2, 6, 5), (2, 6, 7), nn.Linear),
        ((2, 3, 8, 8), (2, 5, 8, 8), nn.Conv2d),
        ((2, 3, 8, 9), (2, 5, 4, 4), nn.Conv2d),
        ((2, 3, 4, 9), (2, 5, 8, 4), nn.Sequential),
        ((2, 10), (2, 5, 4, 4), nn.Sequential),
        ((2, 6, 5), (2, 9, 7), nn.Sequential),
    ],
)
def test_the_adapter_maps_any_shape_to_any_other_in_the_type_of_the_student(student, teacher, kind):
    features = torch.zeros(student, dtype=torch.float64)
    made = adapter(features, torch.zeros(teacher))
    assert isinstance(made, kind)
    assert made(features).shape == teacher
    assert made(features).dtype == torch.float64


def test_the_middle_stages_are_matched():
    student = nn.Sequential(*(nn.Sequential(nn.Linear(4, 4), nn.ReLU()) for _ in range(4)), nn.Linear(4, 3))
    teacher = nn.Sequential(*(nn.Sequential(nn.Linear(4, 4), nn.ReLU()) for _ in range(3)), nn.Linear(4, 3))
    method = FitNets()
    method.build(student, teacher, Batch(torch.arange(2), torch.ones(2, 4), torch.tensor([0, 1])), FACTS)
    assert (method.student_layers, method.teacher_layers) == (("1",), ("1",))
