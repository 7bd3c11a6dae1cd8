"""The reused classifier: the formula, the student that is deployed, and what it costs."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from tests.contracts.probes.world import net, run, setting
from tests.methods.case import FACTS, Case, batch, check
from tests.methods.features.board import LABELS, built, convolve, grid, held, nets, normalise, rectify, traces
from workbench.methods.features.simkd import SimKD
from workbench.methods.parts.reuse import before_pooling
from workbench.models.convnet import ConvNet
from workbench.models.mlp import MLP
from workbench.models.wrn import wrn_16_1
from workbench.records.batch import Batch

VISIBLE = {"reduction": 1}
STUDENT, TEACHER = traces(11, {"layer2": (2, 2, 2)})


def make(**parameters):
    return built(SimKD, **parameters)


DRAWN = held(make())


def body(net, stages):
    return nn.Sequential(*list(net)[:stages])


def project(maps):
    for part in (0, 3, 6):
        maps = convolve(maps, DRAWN[f"projector.{part}.weight"])
        maps = rectify(normalise(maps, DRAWN[f"projector.{part + 1}.weight"], DRAWN[f"projector.{part + 1}.bias"]))
    return maps


def formula(student, constants):
    pairs = zip(project(student["layer2"]), constants.teacher["layer2"], strict=True)
    gaps = [[(x - y) ** 2 for x, y in zip(a.ravel(), b.ravel(), strict=True)] for a, b in pairs]
    return {"features": [sum(row) / len(row) for row in gaps]}


ORACLES = [Case("maps of the last stage", make, STUDENT, TEACHER, batch(LABELS), formula)]


@pytest.mark.parametrize("case", ORACLES, ids=lambda case: case.name)
def test_it_is_the_formula(case):
    check(case, case.make())


def test_the_deployed_student_is_body_projector_and_the_teachers_classifier():
    student, teacher, example = nets()
    method, student = make(), student.double()
    deployed = method.deployed(student)
    inputs = example.student_inputs.double()
    with torch.no_grad():
        maps = body(student, 2)(inputs).numpy()
        classifier = held(teacher.get_submodule("classifier"))
        expected = project(maps).mean((2, 3)) @ classifier["weight"].T + classifier["bias"]
        np.testing.assert_allclose(deployed(inputs).numpy(), expected, rtol=1e-6)
        deployed.eval()
        np.testing.assert_allclose(
            deployed(inputs).numpy(),
            nn.functional.linear(
                method.projector(body(student, 2)(inputs)).mean((2, 3)),
                method.classifier_weight,
                method.classifier_bias,
            ).numpy(),
        )


def test_its_classifier_does_not_learn_and_its_weights_are_those_that_are_trained():
    method, student = make(), nets()[0]
    deployed = method.deployed(student)
    still = {name for name, p in deployed.named_parameters() if not p.requires_grad}
    assert still == {"classifier_weight", "classifier_bias"}
    method.projector[0].weight.data += 1
    assert torch.equal(deployed.state_dict()["projector.0.weight"], method.projector[0].weight)
    other = make()
    other.deployed(nets()[0]).load_state_dict(deployed.state_dict())
    assert torch.equal(other.projector[0].weight, method.projector[0].weight)


def test_it_reports_what_it_costs_beyond_the_student():
    deployed = make().deployed(nets()[0])
    projector = 2 * 1 + 2 + 9 + 2 + 1 * 2 + 4  # three convolutions and their batch norms, one channel inside
    classifier = 2 * 3 + 3
    assert deployed.extra_parameters == projector + classifier
    assert f"extra_parameters={projector + classifier}" in repr(deployed)


def test_a_run_scores_counts_and_saves_the_deployed_student():
    result = run(setting(), SimKD())
    projector = 8 * 8 + 16 + 8 * 8 + 16 + 8 * 16 + 32
    assert result.facts["parameters"]["student"] == 67 + projector + 16 * 3 + 3
    assert {name.partition(".")[0] for name in result.models["student"]} == {
        "student",
        "projector",
        "classifier_weight",
        "classifier_bias",
    }
    np.testing.assert_allclose(result.models["student"]["classifier_weight"], net().classifier.weight.detach())
    assert set(result.curves) >= {"terms/features"}
    assert "terms/labels" not in result.curves


def test_what_is_matched_is_the_last_stage_if_its_average_enters_the_classifier_and_else_that():
    images = torch.randn(2, 3, 16, 16)
    assert before_pooling(ConvNet(3, (2, 3), 3).eval(), images, None) == "layer2"
    assert before_pooling(MLP(4, (5, 6), 3), torch.randn(2, 4), None) == "layer2"
    assert before_pooling(wrn_16_1().eval(), images, None) == "classifier:input"
    assert before_pooling(wrn_16_1().eval(), images, "layer3") == "layer3"


def test_maps_of_unequal_size_are_averaged_to_the_smaller_also_when_deployed():
    torch.manual_seed(1)
    student, teacher = ConvNet(1, (3,), 3).eval(), ConvNet(1, (2, 4), 3).eval()
    example = Batch(torch.arange(4), torch.randn(4, 1, 6, 6))
    method = SimKD()
    method.build(student, teacher, example, FACTS)
    maps = torch.tensor(grid(body(student, 1)(example.student_inputs).detach().numpy(), 3, 3))
    method.eval()
    expected = nn.functional.linear(
        method.projector(maps).mean((2, 3)), teacher.classifier.weight, teacher.classifier.bias
    )
    torch.testing.assert_close(method.deployed(student)(example.student_inputs), expected)


class Named(nn.Module):
    """Takes its inputs by name."""

    feature_layers = ("layer1",)

    def __init__(self):
        super().__init__()
        self.layer1, self.classifier = nn.Sequential(nn.Linear(4, 5), nn.ReLU()), nn.Linear(5, 3)

    def forward(self, first, second):
        return self.classifier(self.layer1(first + second))


@pytest.mark.parametrize("given", [{"first": torch.ones(2, 4), "second": torch.ones(2, 4)}, (torch.ones(2, 4),) * 2])
def test_a_student_with_several_inputs_is_deployed_with_them(given):
    method, student = SimKD(), Named().eval()
    method.build(student, Named().eval(), Batch(torch.arange(2), given), FACTS)
    deployed = method.deployed(student).eval()
    called = deployed(**given) if isinstance(given, dict) else deployed(*given)
    assert called.shape == (2, 3)
