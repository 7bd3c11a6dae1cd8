"""Review: the formula over three levels, the hierarchy of contexts, and levels of unequal size."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import nn

from tests.methods.case import FACTS, Case, batch, check
from tests.methods.features.board import LABELS, built, cells, convolve, held, nets, normalise, traces
from tests.methods.literal import cross_entropy
from workbench.methods.features.review_kd import ReviewKD, hierarchical_distance
from workbench.models.convnet import ConvNet
from workbench.models.mlp import MLP
from workbench.records.batch import Batch

MINE = "layer1", "layer2", "classifier:input"
THEIRS = "layer1.2:input", "layer2.3:input", "classifier:input"
SHAPES = (2, 4, 4), (2, 2, 2), (2,)
STUDENT, TEACHER = traces(18, dict(zip(MINE, SHAPES, strict=True)), dict(zip(THEIRS, SHAPES, strict=True)))


def at(progress):
    def make(**parameters):
        method = built(ReviewKD, **parameters)
        method.schedule(progress)
        return method

    return make


DRAWN = held(at(1.0)())


def block(name, maps):
    return normalise(convolve(maps, DRAWN[f"{name}.0.weight"]), DRAWN[f"{name}.1.weight"], DRAWN[f"{name}.1.bias"])


def enlarged(maps, height, width):
    """Each place shows the one it lies in."""
    rows = [i * maps.shape[2] // height for i in range(height)]
    columns = [j * maps.shape[3] // width for j in range(width)]
    return maps[:, :, rows][:, :, :, columns]


def contexts(mine, theirs):
    """Of one sample, (C, H, W) each."""
    height, width = mine.shape[1:]
    sizes, counts = [(height, width)], [1.0]
    for coarse in (4, 2, 1):
        if coarse < height:
            sizes.append((coarse, coarse))
            counts.append(counts[-1] / 2)
    total = 0.0
    for size, count in zip(sizes, counts, strict=True):
        gaps = []
        for rows in cells(height, size[0]):
            for columns in cells(width, size[1]):
                for a, b in zip(mine, theirs, strict=True):
                    places = [(i, j) for i in rows for j in columns]
                    gaps.append((sum(a[p] - b[p] for p in places) / len(places)) ** 2)
        total += count * sum(gaps) / len(gaps)
    return total / sum(counts)


def formula(weight):
    def values(student, constants):
        told = [
            constants.teacher[name].reshape(2, 2, *(shape[1:] or (1, 1)))
            for name, shape in zip(THEIRS, SHAPES, strict=True)
        ]
        losses, fused = [0.0, 0.0], None
        for level in (2, 1, 0):
            given = student[MINE[level]].reshape(told[level].shape)
            entered = block(f"fusions.{level}.enter", given)
            if fused is not None:
                deeper = enlarged(fused, *entered.shape[2:])
                name = f"fusions.{level}.attention.0"
                scores = convolve(np.concatenate([entered, deeper], 1), DRAWN[f"{name}.weight"], DRAWN[f"{name}.bias"])
                gates = 1 / (1 + math.e**-scores)
                entered = entered * gates[:, [0]] + deeper * gates[:, [1]]
            fused = entered
            left = block(f"fusions.{level}.leave", fused)
            for b in range(2):
                losses[b] += weight * contexts(left[b], told[level][b])
        labels = [cross_entropy(s, y) for s, y in zip(student["logits"], LABELS, strict=True)]
        return {"labels": labels, "review": losses}

    return values


ORACLES = [
    Case("in full", at(0.5), STUDENT, TEACHER, batch(LABELS), formula(1.0)),
    Case("half-way through the warm-up", at(10 / 240), STUDENT, TEACHER, batch(LABELS), formula(0.5)),
]


@pytest.mark.parametrize("case", ORACLES, ids=lambda case: case.name)
def test_it_is_the_formula(case):
    check(case, case.make())


@pytest.mark.parametrize("shape", [(9, 9), (5, 7), (4, 4), (3, 3), (2, 2), (1, 1)])
def test_the_contexts_are_those_of_every_coarser_grid(shape):
    mine, theirs = torch.randn(2, 3, *shape).double(), torch.randn(2, 3, *shape).double()
    expected = [contexts(a, b) for a, b in zip(mine.numpy(), theirs.numpy(), strict=True)]
    np.testing.assert_allclose(hierarchical_distance(mine, theirs), expected)
    assert hierarchical_distance(mine, mine).tolist() == [0.0, 0.0]


def test_a_constant_gap_is_the_same_in_all_contexts():
    maps = torch.randn(2, 3, 8, 8).double()
    torch.testing.assert_close(hierarchical_distance(maps + 0.5, maps), torch.full((2,), 0.25).double())


def test_the_levels_are_the_stages_and_what_enters_the_classifiers():
    method = built(ReviewKD)
    assert (method.student_layers, method.teacher_layers) == (MINE, THEIRS)
    vectors = ReviewKD()
    vectors.build(MLP(4, (5, 6), 3), MLP(4, (7, 8, 9), 3), Batch(torch.arange(2), torch.ones(2, 4)), FACTS)
    assert vectors.student_layers == ("layer1", "layer2")
    assert vectors.teacher_layers == ("layer2.1:input", "layer3.1:input")
    student, teacher, example = nets()
    named = ReviewKD(guided="layer2", hint="layer1")
    named.build(student, teacher, example, FACTS)
    assert (named.student_layers, named.teacher_layers) == (("layer2",), ("layer1",))


def test_deeper_levels_are_enlarged_and_levels_take_the_teachers_size():
    torch.manual_seed(0)
    student, teacher = ConvNet(1, (3, 4), 3).eval(), ConvNet(1, (5, 6, 7), 3).eval()
    example = Batch(torch.arange(4), torch.randn(4, 1, 8, 8))
    method = ReviewKD()
    method.build(student, teacher, example, FACTS)
    levels = [(3, 8, 8), (4, 4, 4), (4, 1, 1)]
    wanted = [(6, 4, 4), (7, 2, 2), (7, 1, 1)]
    fused = None
    for fusion, given, size in zip(reversed(method.fusions), levels[::-1], wanted[::-1], strict=True):
        reviewed, fused = fusion(torch.randn(2, *given), fused)
        assert reviewed.shape == (2, *size)
        assert fused.shape == (2, 4, *size[1:])


def test_an_open_gate_for_the_deeper_level_lets_it_teach_alone():
    method = built(ReviewKD)
    fusion = method.fusions[1]
    fusion.attention = nn.Sequential(nn.Conv2d(4, 2, 1), nn.Sigmoid()).double()
    nn.init.zeros_(fusion.attention[0].weight)
    fusion.attention[0].bias.data = torch.tensor([-1e4, 1e4]).double()
    deeper = torch.randn(2, 2, 1, 1).double()
    _, fused = fusion(torch.randn(2, 2, 2, 2).double(), deeper)
    torch.testing.assert_close(fused, deeper.expand(2, 2, 2, 2))
