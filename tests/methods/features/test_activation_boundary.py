"""Boundaries: the formula of both stages, who is asked for nothing, and where responses are read."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from tests.methods.case import FACTS, Case, batch, check
from tests.methods.features.board import LABELS, built, convolve, held, nets, normalise, traces
from tests.methods.literal import cross_entropy, kl, softmax
from workbench.maths.activations import boundary_distance
from workbench.methods.features.activation_boundary import ActivationBoundary
from workbench.methods.parts.preactivations import preactivations
from workbench.models.blocks import conv_bn
from workbench.models.mlp import MLP
from workbench.models.resnet import resnet8
from workbench.records.batch import Batch

LAYERS = "layer1.2:input", "layer2.3:input"
STUDENT, TEACHER = traces(3, {LAYERS[0]: (2, 2, 3), LAYERS[1]: (2, 2, 1)})


def at(stage, **given):
    def make(**parameters):
        method = built(ActivationBoundary, **(given | parameters))
        method.stage = stage
        return method

    return make


def with_adapters(**parameters):
    method = at("boundary")(**parameters)
    torch.manual_seed(4)
    method.adapters = nn.ModuleList(nn.Sequential(*conv_bn(2, 2)) for _ in range(2)).double()
    return method


DRAWN = held(with_adapters())


def boundary(adapted):
    def formula(student, constants):
        losses = [0.0, 0.0]
        for stage, name in enumerate(LAYERS):
            mine = student[name]
            if adapted:
                mine = convolve(mine, DRAWN[f"adapters.{stage}.0.weight"])
                mine = normalise(mine, DRAWN[f"adapters.{stage}.1.weight"], DRAWN[f"adapters.{stage}.1.bias"])
            for b in range(2):
                for s, t in zip(mine[b].ravel(), constants.teacher[name][b].ravel(), strict=True):
                    if t > 0 and s < 1:
                        losses[b] += 0.003 * (1 - s) ** 2 / (2 - stage)
                    if t <= 0 and s > -1:
                        losses[b] += 0.003 * (1 + s) ** 2 / (2 - stage)
        return {"boundary": losses}

    return formula


def answers(weight):
    def formula(student, constants):
        pairs = zip(student["logits"], constants.teacher["logits"], strict=True)
        return {
            "labels": [weight * cross_entropy(s, y) for s, y in zip(student["logits"], LABELS, strict=True)],
            "soft": [kl(softmax(t, 3), softmax(s, 3)) for s, t in pairs],
        }

    return formula


PLAN = (("boundary", "student", "teacher", 0.125), ("distill", "student", "teacher", 0.875))
ORACLES = [
    Case("equal widths", at("boundary"), STUDENT, TEACHER, batch(LABELS), boundary(False), PLAN),
    Case("with adapters", with_adapters, STUDENT, TEACHER, batch(LABELS), boundary(True), PLAN),
    Case("soft targets", at("distill"), STUDENT, TEACHER, batch(LABELS), answers(0.0), PLAN),
    Case("with labels", at("distill", label_weight=2.0), STUDENT, TEACHER, batch(LABELS), answers(2.0), PLAN),
]


@pytest.mark.parametrize("case", ORACLES, ids=lambda case: case.name)
def test_it_is_the_formula(case):
    check(case, case.make())


def test_who_is_on_the_right_side_beyond_the_margin_is_asked_for_nothing():
    teacher = torch.tensor([3.0, 0.1, 0.0, -5.0])
    student = torch.tensor([1.5, 1.0, -1.0, -9.0])
    assert boundary_distance(student, teacher).tolist() == [0.0] * 4
    assert boundary_distance(-student, teacher).tolist() == [6.25, 4.0, 4.0, 100.0]
    assert boundary_distance(student, teacher, 2.0).tolist() == [0.25, 1.0, 1.0, 0.0]


def test_neurons_are_summed_and_only_samples_averaged():
    """The public benchmark code divides by the batch and by 1000 / 3, and not by the neurons."""
    method = at("boundary")()
    one, two = (
        traces(3, {LAYERS[0]: (2, 4, 4), LAYERS[1]: (2, 1, 1)}),
        traces(3, {LAYERS[0]: (2, 4, 8), LAYERS[1]: (2, 1, 1)}),
    )
    for pair in (one, two):
        for side in pair:
            for name in LAYERS:
                torch.nn.init.zeros_(side.features[name])
    totals = [method(*pair, batch(LABELS))["boundary"].tolist() for pair in (one, two)]
    assert totals[0] == pytest.approx([0.003 * (32 / 2 + 2)] * 2)
    assert totals[1] == pytest.approx([0.003 * (64 / 2 + 2)] * 2)


def test_responses_are_read_before_the_rectifier_that_ends_a_stage():
    student, _, example = nets()
    images = torch.randn(2, 3, 16, 16)
    assert preactivations(student, ["layer1", "layer2"], example.student_inputs) == LAYERS
    assert preactivations(MLP(4, (5,), 3, dropout=0.5), ["layer1"], torch.ones(2, 4)) == ("layer1.1:input",)
    assert preactivations(resnet8().eval(), ["layer1", "stem"], images) == ("layer1.0.rectifier:input", "stem.2:input")


class Backwards(nn.Module):
    """A rectifier in the middle, registered last."""

    def __init__(self):
        super().__init__()
        self.second, self.first, self.rectifier = nn.Linear(4, 4), nn.Linear(4, 4), nn.ReLU()

    def forward(self, inputs):
        return self.second(self.rectifier(self.first(inputs)))


class Twice(Backwards):
    """The same rectifier at the end as well."""

    def forward(self, inputs):
        return self.rectifier(super().forward(inputs))


@pytest.mark.parametrize("stage", [Backwards, Twice])
def test_a_stage_whose_output_is_no_rectifiers_own_single_output_stands_for_itself(stage):
    assert preactivations(nn.Sequential(stage()), ["0"], torch.randn(3, 4)) == ("0",)


def test_named_layers_are_taken_as_they_are_and_adapters_are_made_where_widths_differ():
    method = ActivationBoundary(guided="layer1.0, layer2", hint="layer2.0, layer3")
    example = Batch(torch.arange(2), torch.ones(2, 4), torch.tensor([0, 1]))
    method.build(MLP(4, (5, 6), 3), MLP(4, (7, 5, 8), 3), example, FACTS)
    assert (method.student_layers, method.teacher_layers) == (("layer1.0", "layer2"), ("layer2.0", "layer3"))
    assert [len(adapter) for adapter in method.adapters] == [0, 2]
