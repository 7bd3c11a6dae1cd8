"""Channels: the formula for maps, an adapter and vectors; what a softmax over positions does not see; dense tasks."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from tests.methods.case import Case, batch, check
from tests.methods.features.board import LABELS, convolve, held, normalise, rectify, traces
from tests.methods.literal import cross_entropy, kl, softmax
from workbench.methods.features.cwd import CWD, channel_divergence
from workbench.models.blocks import conv_bn_relu
from workbench.models.convnet import ConvNet
from workbench.models.tracing import Tracer
from workbench.records.batch import Batch
from workbench.records.plan import Facts

MAPS, VECTORS = traces(5, {"f": (2, 2, 3)}), traces(6, {"f": (4,)})
torch.manual_seed(1)
ADAPTER = nn.Sequential(*conv_bn_relu(2, 2)).double()
ADAPTER[1].bias.data += 1.0


def terms(student, teacher, rows):
    losses = []
    for mine, theirs in zip(rows(student["f"]), rows(teacher["f"]), strict=True):
        divergences = [kl(softmax(t, 4), softmax(s, 4)) for s, t in zip(mine, theirs, strict=True)]
        losses.append(3 * 16 * sum(divergences) / len(divergences))
    return {"labels": [cross_entropy(s, y) for s, y in zip(student["logits"], LABELS, strict=True)], "channels": losses}


def of_maps(student, constants):
    return terms(student, constants.teacher, lambda maps: maps.reshape(2, 2, 6))


def adapted(student, constants):
    weights = held(ADAPTER)
    maps = rectify(normalise(convolve(student["f"], weights["0.weight"]), weights["1.weight"], weights["1.bias"]))
    return of_maps(student | {"f": maps}, constants)


def of_vectors(student, constants):
    return terms(student, constants.teacher, lambda vectors: vectors[:, None])


def make(adapter=None, **parameters):
    method = CWD(**parameters)
    method.student_layers = method.teacher_layers = ("f",)
    method.adapter = adapter or nn.Sequential()
    return method


ORACLES = [
    Case("maps", make, *MAPS, batch(LABELS), of_maps),
    Case("an adapter", lambda **parameters: make(ADAPTER, **parameters), *MAPS, batch(LABELS), adapted),
    Case("vectors", make, *VECTORS, batch(LABELS), of_vectors),
]


@pytest.mark.parametrize("case", ORACLES, ids=lambda case: case.name)
def test_it_is_the_formula(case):
    check(case, case.make())


def test_an_offset_of_a_channel_is_not_seen_and_a_scale_is():
    maps = torch.randn(2, 3, 4, 4, dtype=torch.float64)
    offset = torch.randn(2, 3, 1, 1, dtype=torch.float64)
    assert channel_divergence(maps + offset, maps, 4.0).abs().max() < 1e-12
    assert channel_divergence(2 * maps, maps, 4.0).min() > 0


def test_it_works_on_a_dense_task_where_pixels_have_labels():
    class Segmenter(nn.Sequential):
        feature_layers = ("body",)

        def __init__(self, width):
            super().__init__()
            self.add_module("body", nn.Sequential(*conv_bn_relu(1, width, 3)))
            self.add_module("head", nn.Conv2d(width, 3, 1))

    student, teacher = Segmenter(2), Segmenter(4)
    labels = torch.randint(3, (2, 4, 4))
    labels[0] = -1
    example = Batch(torch.arange(2), torch.randn(2, 1, 4, 4), labels)
    method = CWD()
    method.build(student, teacher, example, Facts(2, 3, 10, 1, "dense"))
    traced = [Tracer(net, ("body",))(example.student_inputs) for net in (student, teacher)]
    found = method(*traced, example)
    assert found["labels"].shape == found["channels"].shape == (2,)
    assert found["labels"][0] == 0
    assert found["channels"][0] > 0


def test_widths_that_differ_get_an_adapter_and_equal_ones_do_not():
    example = Batch(torch.arange(2), torch.randn(2, 1, 8, 8), torch.tensor([0, 1]))
    for width, layers in ((4, 0), (6, 3)):
        method = CWD()
        method.build(ConvNet(1, (3, width), 3), ConvNet(1, (3, 4), 3), example, Facts(2, 3, 10, 1))
        assert len(method.adapter) == layers
