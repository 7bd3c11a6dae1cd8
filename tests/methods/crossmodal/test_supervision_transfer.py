"""Supervision across modalities: both stages, pairs of two kinds of inputs, and a run in which the few labels come last."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from torch import nn

from tests.methods.case import FACTS, Case, batch, check, trace
from tests.methods.literal import cross_entropy
from workbench.data.transfer import TransferSet
from workbench.engine.conditions import Conditions
from workbench.engine.distill import collect, distill
from workbench.methods.crossmodal.supervision_transfer import SupervisionTransfer
from workbench.models.mlp import MLP
from workbench.records.batch import Batch
from workbench.records.budget import Budget
from workbench.settings.setting import Setting

STUDENT = trace([[0.3, -1.2, 0.8], [1.5, 0.2, -0.7]], guide=[[0.2, -0.4, 0.9], [1.1, 0.3, -0.5]])
TEACHER = trace([[2.1, -0.5, 0.4], [0.1, 1.7, -1.1]], hint=[[0.5, 1.0, -0.3], [0.2, -0.8, 0.6]])
LABELS = [1, -1]
WEIGHT, BIAS = [[0.5, -1.0, 0.2], [0.25, 0.75, -0.4], [-0.6, 0.1, 0.8]], [0.1, -0.2, 0.3]


def at(stage):
    def make(**parameters):
        method = SupervisionTransfer(**parameters)
        method.student_layers, method.teacher_layers = ("guide",), ("hint",)
        method.adapter = nn.Linear(3, 3).double()
        method.adapter.weight.data = torch.tensor(WEIGHT, dtype=torch.float64)
        method.adapter.bias.data = torch.tensor(BIAS, dtype=torch.float64)
        method.stage = stage
        return method

    return make


def transfer(student, constants):
    losses = []
    for b in range(2):
        total = 0.0
        for i in range(3):
            predicted = BIAS[i] + sum(WEIGHT[i][j] * student["guide"][b][j] for j in range(3))
            total += (predicted - constants.teacher["hint"][b][i]) ** 2
        losses.append(total / 3)
    return {"features": losses}


def finetune(student, constants):
    return {"labels": [cross_entropy(s, y) for s, y in zip(student["logits"], LABELS, strict=True)]}


PLAN = (("transfer", "student", "teacher", 0.5), ("finetune", "student", "teacher", 0.5))
ORACLES = [
    Case("transfer", at("transfer"), STUDENT, TEACHER, batch(LABELS), transfer, PLAN),
    Case("finetune", at("finetune"), STUDENT, TEACHER, batch(LABELS), finetune, PLAN),
]


@pytest.mark.parametrize("case", ORACLES, ids=lambda case: case.name)
def test_it_is_the_formula(case):
    check(case, case.make())


def test_rows_that_are_no_pairs_are_refused():
    example = Batch(torch.arange(2), torch.ones(2, 4), torch.tensor([0, 1]), alignment=torch.tensor([1, -1]))
    with pytest.raises(ValueError, match=r"needs each sample in both modalities; .*teacher_inputs="):
        SupervisionTransfer().build(MLP(4, (5,), 3), MLP(4, (6,), 3), example, FACTS)


@pytest.fixture
def two_modalities():
    """The class of a sample is plain to the teacher, and turned and noisy to the student, who has ten labels."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.randint(3, (300,), generator=generator)
    clear = 3 * torch.eye(3)[labels] + torch.randn(300, 3, generator=generator) / 2
    other = clear @ torch.randn(3, 5, generator=generator) + torch.randn(300, 5, generator=generator) / 4
    few = torch.where(torch.arange(300) < 30, labels, -1)

    def part(rows, known):
        return TransferSet(other[rows], known[rows], ids=rows, teacher_inputs=clear[rows])

    torch.manual_seed(0)
    teacher = MLP(3, (8,), 3)
    optimizer = torch.optim.Adam(teacher.parameters(), 0.05)
    for _ in range(100):
        optimizer.zero_grad()
        nn.functional.cross_entropy(teacher(clear), labels).backward()
        optimizer.step()
    return Setting(
        train=part(torch.arange(200), few),
        test=part(torch.arange(200, 300), labels),
        teacher=teacher,
        student=partial(MLP, 5, (8,), 3),
        name="two modalities",
        budget=Budget(epochs=8, batch_size=16),
    )


def test_the_student_learns_its_own_modality_from_a_teacher_of_another_one(two_modalities, tmp_path):
    conditions = Conditions(folder=tmp_path, checkpoint=False)
    run = collect(distill(two_modalities, SupervisionTransfer(), None, 0, conditions))
    features = run.curves["terms/features"].values
    assert features[-5:].mean() < features[:5].mean()
    assert run.scores["student"].last > 80
