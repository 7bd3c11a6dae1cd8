"""One's own teacher: the formula, where heads are put, and who is deployed."""

from __future__ import annotations

import pytest
import torch

from tests.contracts.probes.world import net, run, setting
from tests.methods.case import FACTS, Case, batch, check, trace
from tests.methods.literal import cross_entropy, kl, softmax
from workbench.methods.selftaught.be_your_own_teacher import BeYourOwnTeacher
from workbench.models.convnet import ConvNet
from workbench.models.mlp import MLP

STUDENT = trace(
    [[0.3, -1.2, 0.8], [1.5, 0.2, -0.7], [-0.4, 0.9, 0.1]],
    deepest=[[0.5, -0.3], [0.2, 0.9], [1.1, 0.4]],
    feature_a=[[0.1, 0.2], [-0.4, 1.0], [0.3, 0.3]],
    logits_a=[[2.1, -0.5, 0.4], [0.1, 1.7, -1.1], [-1.0, 0.3, 2.2]],
    feature_b=[[0.7, 0.0], [0.2, -0.6], [0.5, 1.3]],
    logits_b=[[0.4, 0.9, -0.6], [2.0, -0.3, 0.2], [0.1, 0.2, -1.4]],
)
LABELS = [0, -1, 2]
PLAN = (("distill", "student", None, 1.0),)


def made(**parameters):
    method = BeYourOwnTeacher(**parameters)
    method.student_layers = ("deepest", "feature_a", "logits_a", "feature_b", "logits_b")
    return method


def formula(student, constants):
    labels, soft, hint = [], [], []
    for b, y in enumerate(LABELS):
        heads = [student[f"logits_{h}"][b] for h in "ab"]
        labels.append(cross_entropy(student["logits"][b], y) + sum(0.7 * cross_entropy(head, y) for head in heads))
        soft.append(0.3 * sum(kl(softmax(constants.student["logits"][b], 3), softmax(head, 3)) for head in heads))
        aim = constants.student["deepest"][b]
        gaps = [sum((x - a) ** 2 for x, a in zip(student[f"feature_{h}"][b], aim, strict=True)) for h in "ab"]
        hint.append(0.03 * sum(gaps))
    return {"labels": labels, "soft": soft, "hint": hint}


ORACLES = [Case("two heads", made, STUDENT, None, batch(LABELS), formula, PLAN)]


@pytest.mark.parametrize("case", ORACLES, ids=lambda case: case.name)
def test_it_is_the_formula(case):
    check(case, case.make())


@pytest.mark.parametrize(
    ("student", "shape", "reads"),
    [
        (lambda: MLP(4, (5, 6, 7), 3), (4,), ("layer1", "layer2")),
        (lambda: MLP(4, (5,), 3), (4,), ("layer1",)),
        (lambda: ConvNet(1, (2, 3), 3), (1, 8, 8), ("layer1",)),
    ],
)
def test_all_stages_but_the_last_get_a_head_of_the_deepest_width(student, shape, reads):
    method, model = BeYourOwnTeacher(), student()
    prepared = method.prepare(model)
    method.build(prepared, None, batch([0, 1]).but(student_inputs=torch.randn(2, *shape)), FACTS)
    assert prepared.reads == reads
    assert {head[1].in_features for head in prepared.parts} == {model.classifier.in_features}
    torch.testing.assert_close(prepared(torch.ones(2, *shape)), model(torch.ones(2, *shape)))


def test_heads_are_trained_but_not_deployed():
    result = run(setting(), BeYourOwnTeacher())
    assert result.models["student"].keys() == net(8).state_dict().keys()
    assert result.facts["parameters"]["student"] == 67
    labels = result.curves["terms/labels"].values
    assert labels[-3:].mean() < labels[:3].mean()


def test_a_head_that_agrees_with_the_deepest_has_nothing_to_learn_from_it():
    deepest = [[0.5, -0.3], [0.2, 0.9], [1.1, 0.4]]
    logits = STUDENT.logits.tolist()
    alike = trace(logits, deepest=deepest, feature_a=deepest, feature_b=deepest, logits_a=logits, logits_b=logits)
    terms = made()(alike, None, batch(LABELS))
    torch.testing.assert_close(terms["soft"], torch.zeros(3).double())
    assert terms["hint"].sum() == 0
