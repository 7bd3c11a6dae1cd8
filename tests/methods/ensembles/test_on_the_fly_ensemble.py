"""The native ensemble: the formula, branches that share what lies below them, and who is deployed."""

from __future__ import annotations

import pytest
import torch

from tests.contracts.probes.world import net, run, setting
from tests.methods.case import FACTS, Case, batch, check, trace
from tests.methods.literal import cross_entropy, kl, softmax
from workbench.methods.ensembles.on_the_fly_ensemble import OnTheFlyEnsemble
from workbench.methods.parts.branches import Branch
from workbench.models.convnet import ConvNet
from workbench.models.mlp import MLP
from workbench.models.tracing import Tracer
from workbench.models.zoo import net as cifar_net
from workbench.records.trace import Trace

GATE = [[0.2, 1.1, 0.0, 0.8], [0.7, 0.0, 0.4, 0.1], [0.3, 0.3, 1.9, 0.6]]
SECOND = [[2.1, -0.5, 0.4], [0.1, 1.7, -1.1], [-1.0, 0.3, 2.2]]
THIRD = [[0.4, 0.9, -0.6], [2.0, -0.3, 0.2], [0.1, 0.2, -1.4]]
FIRST = [[0.3, -1.2, 0.8], [1.5, 0.2, -0.7], [-0.4, 0.9, 0.1]]
STUDENT = trace(FIRST, gate=GATE, second=SECOND, third=THIRD)
LABELS = [0, -1, 2]
PLAN = (("distill", "student", None, 1.0),)


class Grown:
    """The method with as many branches as it grows on a small net; the gate's columns are as many."""

    def __init__(self, **parameters):
        self.method = OnTheFlyEnsemble(**parameters)
        inputs = batch([0, 1]).but(student_inputs=torch.zeros(2, 4))
        self.method.build(self.method.prepare(MLP(4, (5,), 3)), None, inputs, FACTS)
        self.further = len(self.method.student_layers) - 1
        self.method.student_layers = ("gate", *("second", "third", "second")[: self.further])
        self.stages = self.method.stages

    def __call__(self, student, teacher, batch):
        gate = student["gate"][:, : self.further + 1]
        return self.method(Trace(student.outputs, student.features | {"gate": gate}), teacher, batch)


def of_three(values, constants):
    labels, soft = [], []
    for b, y in enumerate(LABELS):
        rows = [values[name][b] for name in ("logits", "second", "third")]
        shares = softmax(values["gate"][b][:3])
        ensemble = [sum(g * row[c] for g, row in zip(shares, rows, strict=True)) for c in range(3)]
        fixed_shares = softmax(constants.student["gate"][b][:3])
        fixed_rows = [constants.student[name][b] for name in ("logits", "second", "third")]
        fixed = [sum(g * row[c] for g, row in zip(fixed_shares, fixed_rows, strict=True)) for c in range(3)]
        labels.append(sum(cross_entropy(row, y) for row in [*rows, ensemble]))
        soft.append(9 * sum(kl(softmax(fixed, 3), softmax(row, 3)) for row in rows))
    return {"labels": labels, "ensemble": soft}


ORACLES = [Case("three branches", Grown, STUDENT, None, batch(LABELS), of_three, PLAN)]


@pytest.mark.parametrize("case", ORACLES, ids=lambda case: case.name)
def test_it_is_the_formula(case):
    check(case, case.make())


@pytest.mark.parametrize(
    ("make", "shape", "stage"),
    [
        (lambda: MLP(4, (5, 6), 3), (4,), "layer2"),
        (lambda: MLP(4, (5,), 3), (4,), "layer1"),
        (lambda: ConvNet(1, (2, 3), 3), (1, 8, 8), "layer2"),
        (lambda: cifar_net("resnet8")(classes=3, channels=3), (3, 32, 32), "layer3"),
    ],
)
def test_a_branch_with_the_nets_own_weights_says_what_the_net_says(make, shape, stage):
    model, inputs = make().eval(), torch.randn(2, *shape)
    branch = Branch(model, stage, inputs).eval()
    upper = {name: tensor for name, tensor in model.state_dict().items() if name in branch.model.state_dict()}
    assert {name.split(".")[0] for name in upper} <= {stage, "classifier", "fc", "linear"}
    branch.model.load_state_dict(upper)
    feature = Tracer(model, (f"{stage}:input",))(inputs)[f"{stage}:input"]
    torch.testing.assert_close(branch(feature, torch.zeros_like(inputs)), model(inputs))


def test_branches_start_apart_and_only_the_first_is_deployed():
    method, student = OnTheFlyEnsemble(), MLP(4, (5, 6), 3)
    prepared = method.prepare(student)
    method.build(prepared, None, batch([0, 1]).but(student_inputs=torch.zeros(2, 4)), FACTS)
    gate, one, two = prepared.parts
    assert not torch.equal(one.model.layer2[0].weight, two.model.layer2[0].weight)
    assert gate[2].out_features == 3
    assert method.deployed(prepared) is student
    result = run(setting(), OnTheFlyEnsemble())
    assert result.models["student"].keys() == net(8).state_dict().keys()
    assert result.facts["parameters"]["student"] == 67
