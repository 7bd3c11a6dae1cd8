"""Answers of all stages: the formula through both kinds of heads, the enhancement, and who gets which head."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import nn

from tests.methods.case import FACTS, Case, batch, check
from tests.methods.features.board import LABELS, TEACHER_LOGITS, built, convolve, held, normalise, rectify, traces
from tests.methods.literal import cross_entropy, kl, softmax
from workbench.maths.divergences import forward_kl
from workbench.methods.features.ofa_kd import OFAKD, enhanced_cross_entropy, enhanced_targets
from workbench.models.convnet import ConvNet
from workbench.models.tracing import Tracer
from workbench.models.vit import ViT
from workbench.records.batch import Batch

STUDENT, TEACHER = traces(12, {"layer1": (2, 3, 4), "layer2": (2, 2, 2)})


def make(**parameters):
    method = built(OFAKD, **parameters)
    torch.manual_seed(4)
    for head in method.heads:
        head[-1].weight.data = torch.randn(3, 2).double()
        head[-1].bias.data = torch.randn(3).double()
    return method


DRAWN = held(make())


def depthwise(maps, weight, stride):
    kept = [convolve(maps[:, c : c + 1], weight[c : c + 1])[:, :, ::stride, ::stride] for c in range(maps.shape[1])]
    return np.concatenate(kept, 1)


def first_head(maps):
    for stride, start in ((2, 0), (1, 4)):
        w = {k: DRAWN[f"heads.0.0.{start + k}.weight"] for k in range(3)}
        maps = convolve(depthwise(maps, w[0], stride), w[1])
        maps = rectify(normalise(maps, w[2], DRAWN[f"heads.0.0.{start + 2}.bias"]))
    return maps.mean((2, 3)) @ DRAWN["heads.0.2.weight"].T + DRAWN["heads.0.2.bias"]


def second_head(maps):
    averages = convolve(maps, DRAWN["heads.1.0.weight"], DRAWN["heads.1.0.bias"]).mean((2, 3))
    return averages @ DRAWN["heads.1.2.weight"].T + DRAWN["heads.1.2.bias"]


def enhanced(answer, told, target):
    total = 0.0
    for c, (p, q) in enumerate(zip(softmax(told), softmax(answer), strict=True)):
        total -= (((1 + p) ** 1.5 - 1) if c == target else p**1.5) * math.log(q)
    return total


def formula(student, constants):
    told, targets = constants.teacher["logits"], [1, 1]  # the second has no label, its teacher picks class 1
    heads = first_head(student["layer1"]), second_head(student["layer2"])
    return {
        "labels": [cross_entropy(s, y) for s, y in zip(student["logits"], LABELS, strict=True)],
        "soft": [enhanced(student["logits"][b], told[b], targets[b]) for b in range(2)],
        "stages": [sum(enhanced(answers[b], told[b], targets[b]) for answers in heads) for b in range(2)],
    }


ORACLES = [Case("two stages", make, STUDENT, TEACHER, batch(LABELS), formula)]


@pytest.mark.parametrize("case", ORACLES, ids=lambda case: case.name)
def test_it_is_the_formula(case):
    check(case, case.make())


def test_a_power_of_one_is_the_kl_divergence_but_for_the_teachers_entropy():
    student, teacher, targets = STUDENT.logits, torch.tensor(TEACHER_LOGITS).double(), torch.tensor([0, 2])
    entropy = torch.distributions.Categorical(logits=teacher).entropy()
    found = enhanced_cross_entropy(student, teacher, targets, 1.0)
    torch.testing.assert_close(found, forward_kl(student, teacher) + entropy)
    assert kl(softmax(teacher[0].tolist()), softmax(student[0].tolist())) < float(found[0])


def test_a_larger_power_lifts_the_target_the_more_the_surer_the_teacher_and_fades_the_rest():
    soft = torch.tensor([[0.2, 0.5, 0.3], [0.7, 0.2, 0.1]])
    found = enhanced_targets(soft, torch.tensor([0, 0]), 2.0)
    torch.testing.assert_close(found, torch.tensor([[0.44, 0.25, 0.09], [1.89, 0.04, 0.01]]))


def test_heads_halve_as_often_as_stages_follow_and_a_teacher_needs_no_layers():
    student, teacher = ConvNet(1, (2, 3, 4), 5), nn.Flatten()
    example = Batch(torch.arange(2), torch.randn(2, 1, 8, 8), torch.tensor([0, 1]))
    method = OFAKD()
    method.build(student, teacher, example, FACTS)
    assert [sum(isinstance(part, nn.Sequential) for part in head) for head in method.heads] == [2, 1, 0]
    assert [head[-1].in_features for head in method.heads] == [4, 4, 4]
    assert all(head[-1].out_features == 5 for head in method.heads)
    one = OFAKD(guided="layer1, layer2")
    one.build(student, teacher, example, FACTS)
    assert (one.student_layers, one.teacher_layers, len(one.heads)) == (("layer1", "layer2"), (), 2)


def test_the_stages_of_a_transformer_answer_too():
    student, teacher = ViT(8, 2, 4, 2, 2, 3, channels=1), ConvNet(1, (3, 6), 3)
    example = Batch(torch.arange(2), torch.randn(2, 1, 8, 8), torch.tensor([0, 1]))
    method = OFAKD()
    method.build(student, teacher, example, FACTS)
    traced = Tracer(student, method.student_layers)(example.student_inputs)
    assert traced["layer1"].dim() == 3
    terms = method(traced, Tracer(teacher)(example.student_inputs), example)
    assert terms["stages"].shape == (2,)
    assert terms["stages"].isfinite().all()
