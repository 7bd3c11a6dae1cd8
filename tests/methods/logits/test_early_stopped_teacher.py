"""The early teacher: both stages, the end of listening, and where a teacher of the same design comes from."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from tests.methods.case import FACTS, Case, batch, check, trace
from tests.methods.literal import cross_entropy, kl, softmax
from workbench.methods.logits.early_stopped_teacher import EarlyStoppedTeacher
from workbench.methods.parts.untrained import untrained
from workbench.models.convnet import ConvNet
from workbench.models.learners import CallableTeacher
from workbench.models.mlp import MLP
from workbench.models.vit import ViT
from workbench.records.batch import Batch

STUDENT = trace([[0.3, -1.2, 0.8], [1.5, 0.2, -0.7], [-0.4, 0.9, 0.1]])
TEACHER = trace([[2.1, -0.5, 0.4], [0.1, 1.7, -1.1], [-1.0, 0.3, 2.2]])
LABELS = [0, -1, 2]
PLAN = (("early_teacher", "early_teacher", None, 0.25), ("distill", "student", "early_teacher", 1.0))


def at(progress, **settled):
    def make(**parameters):
        method = EarlyStoppedTeacher(**(settled | parameters))
        method.schedule(progress)
        return method

    return make


def formula(label_weight, soft_weight):
    def terms(student, constants):
        found = {"labels": [label_weight * cross_entropy(s, y) for s, y in zip(student["logits"], LABELS, strict=True)]}
        if constants.teacher is not None:
            pairs = zip(student["logits"], constants.teacher["logits"], strict=True)
            found["soft"] = [soft_weight * 16 * kl(softmax(t, 4), softmax(s, 4)) for s, t in pairs]
        return found

    return terms


ORACLES = [
    Case("the early teacher", at(0.1), STUDENT, None, batch(LABELS), formula(1.0, 0.0), PLAN),
    Case("near the end", at(0.99), STUDENT, TEACHER, batch(LABELS), formula(0.1, 0.9), PLAN),
    Case("still listening", at(0.59, soft_share=0.6), STUDENT, TEACHER, batch(LABELS), formula(0.1, 0.9), PLAN),
    Case("no longer listening", at(0.6, soft_share=0.6), STUDENT, TEACHER, batch(LABELS), formula(1.0, 0.0), PLAN),
]


@pytest.mark.parametrize("case", ORACLES, ids=lambda case: case.name)
def test_it_is_the_formula(case):
    check(case, case.make())


def built(student, teacher, inputs):
    method = EarlyStoppedTeacher()
    method.build(student, teacher, Batch(torch.arange(2), inputs, torch.tensor([0, 1])), FACTS)
    return method


def test_the_early_teacher_is_the_teachers_design_untrained():
    teacher = ConvNet(1, (2, 3), 3)
    teacher(torch.randn(8, 1, 8, 8))  # moves the running statistics
    teacher.requires_grad_(requires_grad=False)
    early = built(ConvNet(1, (2,), 3), teacher, torch.zeros(2, 1, 8, 8)).stages(FACTS)[0].factory()
    assert [p.shape for p in early.parameters()] == [p.shape for p in teacher.parameters()]
    assert all(p.requires_grad for p in early.parameters())
    assert not torch.equal(early.layer1[0].weight, teacher.layer1[0].weight)
    assert early.layer1[1].running_mean.abs().sum() == 0
    assert teacher.layer1[1].running_mean.abs().sum() > 0


def test_a_design_that_cannot_be_renewed_is_named():
    vit = ViT(8, 4, 8, 1, 2, 3, 1)
    with pytest.raises(
        ValueError,
        match=r"of this ViT can be made: give ViT, layer1\.attention a method reset_parameters",
    ):
        untrained(vit)
    with pytest.raises(ValueError, match="of this CallableTeacher can be made: it has no parameters"):
        untrained(CallableTeacher(nn.Identity()))


def test_the_early_teacher_is_trained_on_the_inputs_of_the_teacher():
    method = EarlyStoppedTeacher()
    example = Batch(torch.arange(2), torch.zeros(2, 4), torch.tensor([0, 1]), teacher_inputs=torch.zeros(2, 7))
    method.build(MLP(4, (), 3), MLP(7, (), 3), example, FACTS)
    assert [plan.inputs for plan in method.stages(FACTS)] == ["teacher", "student"]


def test_it_is_no_method_for_fitted_students():
    with pytest.raises(TypeError, match="early_stopped_teacher is not a method of pure targets"):
        EarlyStoppedTeacher().targets(TEACHER, batch(LABELS))
