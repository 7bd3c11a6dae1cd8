"""Class activation maps: the formula for maps and vectors, what a map adds up to, and classifiers that do not fit."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import torch
from torch import nn

from tests.methods.case import FACTS, Case, batch, check
from tests.methods.features.board import LABELS, grid, nets, traces
from tests.methods.literal import cross_entropy, dot, unit
from workbench.methods.features.cat_kd import CATKD, class_map_distance, class_maps
from workbench.models.convnet import ConvNet
from workbench.models.mlp import MLP
from workbench.records.batch import Batch

generator = torch.Generator().manual_seed(3)
MINE, THEIRS = (torch.randn(3, 2, generator=generator, dtype=torch.float64) for _ in range(2))
MAPS = traces(1, {"maps": (2, 3, 4)}, {"maps": (2, 4, 3)})
VECTORS = traces(2, {"maps": (2,)})


def scores(maps, weight):
    """(C, H, W) of one sample."""
    _, height, width = maps.shape
    return np.array([[[dot(row, maps[:, i, j]) for j in range(width)] for i in range(height)] for row in weight])


def of_maps(student, constants, scale=unit):
    losses = []
    for b in range(2):
        sides = ((student["maps"][b], MINE), (constants.teacher["maps"][b], THEIRS))
        coarse = [grid(scores(maps, weight.tolist())[None], 2, 2)[0] for maps, weight in sides]
        squares = 0.0
        for c in range(3):
            s, t = (scale(side[c].ravel()) for side in coarse)
            squares += sum((x - y) ** 2 for x, y in zip(s, t, strict=True))
        losses.append(400 * squares / (3 * 4))
    return {
        "labels": [cross_entropy(s, y) for s, y in zip(student["logits"], LABELS, strict=True)],
        "class_maps": losses,
    }


def of_vectors(student, constants):
    losses = []
    for b in range(2):
        sides = ((student["maps"][b], MINE), (constants.teacher["maps"][b], THEIRS))
        s, t = ([dot(row, vector) for row in weight.tolist()] for vector, weight in sides)
        losses.append(400 * sum((x - y) ** 2 for x, y in zip(s, t, strict=True)) / 3)
    return {
        "labels": [cross_entropy(s, y) for s, y in zip(student["logits"], LABELS, strict=True)],
        "class_maps": losses,
    }


def make(**parameters):
    method = CATKD(**parameters)
    method.student_layers = method.teacher_layers = ("maps",)
    classifier = nn.Linear(2, 3).double()
    classifier.weight.data = MINE.clone()
    method._classifier = (classifier,)
    method.register_buffer("teacher_classifier", THEIRS)
    return method


ORACLES = [
    Case("maps", make, *MAPS, batch(LABELS), of_maps),
    Case("vectors", make, *VECTORS, batch(LABELS), of_vectors),
    Case("maps as they are", partial(make, normalised=False), *MAPS, batch(LABELS), partial(of_maps, scale=list)),
]


@pytest.mark.parametrize("case", ORACLES, ids=lambda case: case.name)
def test_it_is_the_formula(case):
    check(case, case.make())


def test_the_maps_of_a_net_average_to_its_logits_without_the_bias():
    net, _, example = nets()
    features = net.layer2(net.layer1(example.student_inputs))
    maps = class_maps(features, net.classifier.weight)
    torch.testing.assert_close(maps.mean((2, 3)) + net.classifier.bias, net(example.student_inputs))


def test_as_a_unit_vector_a_map_says_where_and_not_how_much():
    maps = torch.randn(2, 3, 4, 4)
    assert class_map_distance(7 * maps, maps, 2, normalised=True).max() < 1e-12
    assert class_map_distance(7 * maps, maps, 2, normalised=False).min() > 0


def test_the_student_goes_on_learning_the_classifier_its_maps_are_made_with():
    student, teacher, example = nets()
    method = CATKD()
    method.build(student, teacher, example, FACTS)
    assert method._classifier[0] is student.classifier
    assert not list(method.parameters())
    assert list(method.state_dict()) == ["teacher_classifier"]
    assert method.student_layers == ("layer2",)


def test_a_layer_that_does_not_enter_the_classifier_is_refused_on_either_side():
    example = Batch(torch.arange(2), torch.randn(2, 1, 8, 8), torch.tensor([0, 1]))
    student, teacher = (ConvNet(1, (4, 6), 3).eval() for _ in range(2))
    with pytest.raises(ValueError, match=r"takes 6 features and 'layer1' has 4; .* guided='classifier:input'"):
        CATKD(guided="layer1").build(student, teacher, example, FACTS)
    with pytest.raises(ValueError, match="hint='classifier:input'"):
        CATKD(hint="layer1").build(student, teacher, example, FACTS)
    vectors = Batch(torch.arange(2), torch.randn(2, 4), torch.tensor([0, 1]))
    CATKD().build(MLP(4, (5,), 3), MLP(4, (7,), 3), vectors, FACTS)
