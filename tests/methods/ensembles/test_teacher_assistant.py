"""An assistant: the formula, the cascade, and who the assistant is."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from tests.methods.case import FACTS, Case, batch, check, trace
from tests.methods.literal import cross_entropy, kl, softmax
from workbench.methods.ensembles.teacher_assistant import TeacherAssistant
from workbench.models.convnet import ConvNet
from workbench.models.mlp import MLP
from workbench.records.batch import Batch

STUDENT = trace([[0.3, -1.2, 0.8], [1.5, 0.2, -0.7], [-0.4, 0.9, 0.1]])
TEACHER = trace([[2.1, -0.5, 0.4], [0.1, 1.7, -1.1], [-1.0, 0.3, 2.2]])
LABELS = [0, 2, -1]


def formula(student, constants):
    pairs = zip(student["logits"], constants.teacher["logits"], strict=True)
    return {
        "labels": [0.1 * cross_entropy(s, y) for s, y in zip(student["logits"], LABELS, strict=True)],
        "soft": [0.9 * 16 * kl(softmax(t, 4), softmax(s, 4)) for s, t in pairs],
    }


PLAN = (("assistant", "assistant", "teacher", 1.0), ("student", "student", "assistant", 1.0))
ORACLES = [Case("either step", TeacherAssistant, STUDENT, TEACHER, batch(LABELS), formula, PLAN)]


@pytest.mark.parametrize("case", ORACLES, ids=lambda case: case.name)
def test_it_is_the_formula(case):
    check(case, case.make())


def assistant_of(method, student, teacher, inputs):
    method.build(student, teacher, Batch(torch.arange(2), inputs, torch.tensor([0, 1])), FACTS)
    return method.stages(FACTS)[0].factory()


def test_between_two_mlps_it_has_mean_depth_and_the_geometric_mean_of_the_widths():
    made = assistant_of(TeacherAssistant(), MLP(4, (8,), 3), MLP(4, (32, 128), 3), torch.zeros(2, 4))
    assert [layer.out_features for layer in made.modules() if isinstance(layer, nn.Linear)] == [16, 32, 3]
    assert made(torch.zeros(2, 4)).shape == (2, 3)


def test_between_a_linear_student_and_an_mlp_it_has_one_hidden_layer():
    made = assistant_of(TeacherAssistant(), MLP(4, (), 3), MLP(4, (64,), 3), torch.zeros(2, 4))
    assert [layer.out_features for layer in made.modules() if isinstance(layer, nn.Linear)] == [8, 3]


def test_between_two_convnets_it_is_a_convnet():
    images = torch.zeros(2, 1, 8, 8)
    made = assistant_of(TeacherAssistant(), ConvNet(1, (2, 4), 3), ConvNet(1, (8, 16), 3), images)
    assert [layer.out_channels for layer in made.modules() if isinstance(layer, nn.Conv2d)] == [4, 8]
    assert made(images).shape == (2, 3)


def test_it_may_be_named_or_brought_along():
    images = torch.zeros(2, 3, 32, 32)
    named = assistant_of(TeacherAssistant(assistant="resnet8"), ConvNet(3, (2,), 3), MLP(3072, (4,), 3), images)
    assert named(images).shape == (2, 3)
    method = TeacherAssistant().assisted_by(nn.Identity)
    assert isinstance(assistant_of(method, nn.Linear(2, 3), nn.Linear(2, 3), torch.zeros(2, 2)), nn.Identity)
    assert method.config()["assistant"] == "Identity"


def test_an_unknown_pair_or_name_says_what_to_do():
    with pytest.raises(ValueError, match=r"assistant='resnet32' or .* TeacherAssistant\(\).assisted_by"):
        assistant_of(TeacherAssistant(), nn.Linear(2, 3), nn.Linear(2, 3), torch.zeros(2, 2))
    with pytest.raises(ValueError, match=r"no net 'resnet33'.*resnet32"):
        assistant_of(TeacherAssistant(assistant="resnet33"), nn.Linear(2, 3), nn.Linear(2, 3), torch.zeros(2, 2))
