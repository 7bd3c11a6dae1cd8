"""Peers: the formula through the moving averages and the ramp, what the ensemble reads, and who is deployed."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from tests.contracts.probes.world import net, run, setting
from tests.methods.case import FACTS, Case, batch, check, trace
from tests.methods.literal import cross_entropy, dot, kl, softmax
from workbench.engine.teacher.kinds import Following
from workbench.methods.ensembles.peer_collaborative_learning import PeerCollaborativeLearning
from workbench.models.mlp import MLP
from workbench.records.trace import Trace

NAMES = ("logits", "second", "third")
STUDENT = trace(
    [[0.3, -1.2, 0.8], [1.5, 0.2, -0.7], [-0.4, 0.9, 0.1]],
    second=[[2.1, -0.5, 0.4], [0.1, 1.7, -1.1], [-1.0, 0.3, 2.2]],
    third=[[0.4, 0.9, -0.6], [2.0, -0.3, 0.2], [0.1, 0.2, -1.4]],
    f_one=[[0.5], [0.2], [1.1]],
    f_two=[[-0.3], [0.9], [0.4]],
    f_three=[[0.8], [-0.6], [0.1]],
)
BEFORE = trace(
    [[1.3, 0.2, -0.8], [0.5, 1.2, 0.7], [0.4, -0.9, 1.1]],
    second=[[0.1, 0.5, 1.4], [1.1, -0.7, 0.1], [0.0, 1.3, -0.2]],
    third=[[1.4, -0.9, 0.6], [0.2, 1.3, 0.8], [1.1, 0.6, 0.4]],
    f_one=[[0.1], [0.9], [0.6]],
    f_two=[[0.7], [-0.2], [0.3]],
    f_three=[[-0.5], [0.4], [0.2]],
)
HEAD = [[0.4, -0.2, 0.7], [0.3, 0.8, -0.1], [-0.5, 0.1, 0.2]]
LABELS = [0, -1, 2]
PLAN = (("distill", "student", None, 1.0),)


class Table(nn.Module):
    """A model whose weights are its answers."""

    def __init__(self, logits):
        super().__init__()
        self.logits = nn.Parameter(logits.detach().clone())

    def forward(self, inputs):
        return self.logits


class Grown:
    """The method with as many peers as it grows on a small net, early in the run, after one step of the averages."""

    def __init__(self, **parameters):
        self.method = PeerCollaborativeLearning(**parameters)
        inputs = batch([0, 1]).but(student_inputs=torch.zeros(2, 4))
        self.method.build(self.method.prepare(MLP(4, (5,), 3)), None, inputs, FACTS)
        further = ("second", "third", "second")[: len(self.method.teacher_layers)]
        features = ("f_one", "f_two", "f_three", "f_two")[: len(further) + 1]
        self.method.student_layers, self.method.teacher_layers = (*features, *further), further
        self.method.classifier = nn.Linear(len(features), 3, bias=False).double()
        self.method.classifier.weight.data = torch.tensor(HEAD)[:, [0, 1, 2, 1][: len(features)]].double()
        self.method.schedule(0.1)
        self.stages = self.method.stages

    def __call__(self, student, teacher, batch):
        def moved(old, new):
            guide = Following(Table(old), (), "ema", self.method.decay)
            guide.after_step(Table(new))
            return guide(batch).outputs

        features = {name: moved(teacher[name], student[name]) for name in ("second", "third")}
        return self.method(student, Trace(moved(teacher.outputs, student.outputs), features), batch)


def formula(student, constants):
    scale = 9 * math.exp(-5 * (1 - 0.1 * 300 / 80) ** 2)
    labels, ensemble, averages = [], [], []
    for b, y in enumerate(LABELS):
        rows = [student[name][b] for name in NAMES]

        def joint(values, b=b):
            seen = [values[name][b][0] for name in ("f_one", "f_two", "f_three")]
            return [dot([float(torch.tensor(w)) for w in row], seen) for row in HEAD]

        kept = [0.999 * constants.teacher[n][b] + 0.001 * constants.student[n][b] for n in NAMES]
        labels.append(sum(cross_entropy(row, y) for row in [*rows, joint(student)]))
        ensemble.append(scale * sum(kl(softmax(joint(constants.student), 3), softmax(row, 3)) for row in rows))
        pairs = [(kept[j], rows[k]) for k in range(3) for j in range(3) if j != k]
        averages.append(scale / 2 * sum(kl(softmax(a, 3), softmax(row, 3)) for a, row in pairs))
    return {"labels": labels, "ensemble": ensemble, "averages": averages}


ORACLES = [Case("three peers", Grown, STUDENT, BEFORE, batch(LABELS), formula, PLAN)]


@pytest.mark.parametrize("case", ORACLES, ids=lambda case: case.name)
def test_it_is_the_formula(case):
    check(case, case.make())


def test_peers_that_agree_with_all_averages_are_left_alone():
    one = trace([[0.3, -1.2, 0.8]] * 3, second=[[0.3, -1.2, 0.8]] * 3, third=[[0.3, -1.2, 0.8]] * 3)
    student = Trace(one.outputs, STUDENT.features | one.features)
    averages = Grown()(student, one, batch(LABELS))["averages"]
    torch.testing.assert_close(averages, torch.zeros(3).double(), atol=1e-12, rtol=0)


def test_only_the_first_peer_is_deployed():
    result = run(setting(), PeerCollaborativeLearning())
    assert result.models["student"].keys() == net(8).state_dict().keys()
    labels = result.curves["terms/labels"].values
    assert labels[-3:].mean() < labels[:3].mean()
