"""The teacher's classifier as a judge: the formula, a student it cannot tell from its teacher, and teachers without one."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from tests.methods.case import FACTS, Case, batch, check
from tests.methods.features.board import LABELS, built, convolve, held, nets, normalise, rectify, traces
from tests.methods.literal import cross_entropy, dot
from workbench.methods.features.srrl import SRRL
from workbench.models.mlp import MLP
from workbench.records.batch import Batch
from workbench.records.trace import Trace

NAME = "classifier:input"
STUDENT, TEACHER = traces(10, {NAME: (2,)}, samples=3)


def make(**parameters):
    return built(SRRL, **parameters)


DRAWN = held(make())


def formula(student, constants):
    adapted = convolve(student[NAME][:, :, None, None], DRAWN["adapter.0.weight"])
    adapted = rectify(normalise(adapted, DRAWN["adapter.1.weight"], DRAWN["adapter.1.bias"]))[:, :, 0, 0]
    features, regression = [], []
    for b, told in enumerate(constants.teacher[NAME]):
        features.append(sum((x - y) ** 2 for x, y in zip(adapted[b], told, strict=True)) / 2)
        classifier = zip(DRAWN["classifier_weight"], DRAWN["classifier_bias"], strict=True)
        answers = [dot(w, adapted[b]) + a for w, a in classifier]
        gaps = [(x - y) ** 2 for x, y in zip(answers, constants.teacher["logits"][b], strict=True)]
        regression.append(sum(gaps) / 3)
    labels = [cross_entropy(s, y) for s, y in zip(student["logits"], [*LABELS, 0], strict=True)]
    return {"labels": labels, "features": features, "regression": regression}


ORACLES = [Case("three samples", make, STUDENT, TEACHER, batch([*LABELS, 0]), formula)]


@pytest.mark.parametrize("case", ORACLES, ids=lambda case: case.name)
def test_it_is_the_formula(case):
    check(case, case.make())


def test_the_classifier_is_a_copy_of_the_teachers_and_does_not_learn():
    classifier = nets()[1].get_submodule("classifier")
    np.testing.assert_allclose(DRAWN["classifier_weight"], classifier.weight.detach().numpy())
    np.testing.assert_allclose(DRAWN["classifier_bias"], classifier.bias.detach().numpy())
    assert {name.partition(".")[0] for name, _ in make().named_parameters()} == {"adapter"}


def test_a_student_with_the_teachers_features_gives_its_answers():
    method = make()
    method.adapter = nn.Identity()
    features = torch.rand(3, 2).double()
    says = nn.functional.linear(features, method.classifier_weight, method.classifier_bias)
    terms = method(Trace(STUDENT.logits, {NAME: features}), Trace(says, {NAME: features}), batch([*LABELS, 0]))
    assert terms["features"].tolist() == terms["regression"].tolist() == [0.0] * 3


class Scaled(nn.Module):
    """Its outputs are not its last linear layer's."""

    def __init__(self):
        super().__init__()
        self.layer1, self.classifier = nn.Sequential(nn.Linear(4, 5), nn.ReLU()), nn.Linear(5, 3)

    def forward(self, inputs):
        return 2 * self.classifier(self.layer1(inputs))


@pytest.mark.parametrize(
    ("teacher", "hint"), [(Scaled(), None), (MLP(4, (5, 5), 3), "layer1"), (MLP(4, (6, 5), 3), "layer1")]
)
def test_a_hint_that_the_last_linear_layer_does_not_turn_into_the_outputs_is_refused(teacher, hint):
    example = Batch(torch.arange(4), torch.randn(4, 4))
    with pytest.raises(ValueError, match=r"reused is 'classifier'.*name what enters it with hint='classifier:input'"):
        SRRL(hint=hint).build(MLP(4, (5,), 3), teacher, example, FACTS)


def test_a_classifier_without_bias_is_reused_too():
    teacher = nn.Sequential(nn.Sequential(nn.Linear(4, 5), nn.ReLU()), nn.Linear(5, 3, bias=False))
    method = SRRL()
    method.build(MLP(4, (5,), 3), teacher, Batch(torch.arange(4), torch.randn(4, 4)), FACTS)
    assert method.classifier_bias.tolist() == [0.0] * 3
