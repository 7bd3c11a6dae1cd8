"""Structured distillation: the formula, pixels that do not count, and what the pairs do not see."""

from __future__ import annotations

import math
from functools import partial

import pytest
import torch
from torch import nn

from tests.methods.case import Case, check, trace
from tests.methods.literal import cross_entropy, dot, kl, length, softmax
from workbench.methods.features.structured_kd import StructuredKD
from workbench.models.convnet import ConvNet
from workbench.records.batch import Batch
from workbench.records.plan import Facts
from workbench.records.trace import Trace


def numbers(*shape, seed):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed)).tolist()


STUDENT = trace(numbers(2, 3, 2, 2, seed=0), s=numbers(2, 2, 4, 4, seed=1))
TEACHER = trace(numbers(2, 3, 2, 2, seed=2), t=numbers(2, 3, 4, 4, seed=3))
LABELS = torch.tensor([[[0, 2], [-1, 1]], [[-1, -1], [-1, -1]]])
BATCH = Batch(torch.arange(2), torch.zeros(2, 1, 2, 2), LABELS)
PIXELS = [(i, j) for i in range(2) for j in range(2)]


def regions(maps, count):
    """The largest value of each channel in each region."""
    side = 4 // count
    corners = [(i * side, j * side) for i in range(count) for j in range(count)]
    return [
        [max(channel[i + a][j + b] for a in range(side) for b in range(side)) for channel in maps] for i, j in corners
    ]


def similarities(rows, norms):
    return [
        dot(a, b) / (n + 1e-8) / (m + 1e-8)
        for a, n in zip(rows, norms, strict=True)
        for b, m in zip(rows, norms, strict=True)
    ]


def formula(student, constants, count=2, pixel_weight=10.0, pair_weight=0.5):
    labels, pixels, pairs = [], [], []
    for b in range(2):
        s, t = student["logits"][b], constants.teacher["logits"][b]
        known = [(i, j) for i, j in PIXELS if LABELS[b, i, j] >= 0]
        losses = [cross_entropy(s[:, i, j], LABELS[b, i, j].item()) for i, j in known]
        labels.append(sum(losses) / max(len(losses), 1))
        pixels.append(pixel_weight * sum(kl(softmax(t[:, i, j]), softmax(s[:, i, j])) for i, j in PIXELS) / 4)
        held, own, theirs = (
            regions(maps, count) for maps in (constants.student["s"][b], student["s"][b], constants.teacher["t"][b])
        )
        mine = similarities(own, [length(row) for row in held])
        other = similarities(theirs, [length(row) for row in theirs])
        pairs.append(pair_weight * sum((x - y) ** 2 for x, y in zip(mine, other, strict=True)) / count**4)
    return {"labels": labels, "pixels": pixels, "pairs": pairs}


def made(**parameters):
    method = StructuredKD(**parameters)
    method.student_layers, method.teacher_layers = ("s",), ("t",)
    return method


OTHER = {"pixel_weight": 2.0, "pair_weight": 3.0}
ORACLES = [
    Case("as published", made, STUDENT, TEACHER, BATCH, formula),
    Case(
        "more regions", partial(made, regions=4, **OTHER), STUDENT, TEACHER, BATCH, partial(formula, count=4, **OTHER)
    ),
]


@pytest.mark.parametrize("case", ORACLES, ids=lambda case: case.name)
def test_it_is_the_formula(case):
    check(case, case.make())


def test_pixels_that_do_not_count_are_not_read():
    mask = torch.tensor([[[True, False], [True, True]], [[True, True], [False, True]]])
    garbage = Trace(STUDENT.logits.masked_fill(~mask[:, None], math.nan), STUDENT.features)
    found = made()(garbage, TEACHER, BATCH.but(mask=mask))["pixels"]
    s, t = STUDENT.logits, TEACHER.logits
    expected = [
        10
        * sum(kl(softmax(t[b, :, i, j].tolist()), softmax(s[b, :, i, j].tolist())) for i, j in PIXELS if mask[b, i, j])
        / 3
        for b in range(2)
    ]
    assert found.tolist() == pytest.approx(expected)


def test_the_pairs_see_neither_scale_nor_width_of_the_maps():
    louder = Trace(STUDENT.logits, {"s": 5 * STUDENT["s"]})
    torch.testing.assert_close(made()(louder, TEACHER, BATCH)["pairs"], made()(STUDENT, TEACHER, BATCH)["pairs"])


def test_features_that_are_no_maps_are_refused_by_name():
    images = Batch(torch.arange(2), torch.zeros(2, 1, 8, 8), torch.zeros(2, 8, 8, dtype=torch.int64))
    nets = ConvNet(1, (2, 3), 3), nn.Sequential(nn.Flatten(), nn.Linear(64, 4), nn.Linear(4, 3))
    with pytest.raises(ValueError, match=r"layer '1' is of shape \(2, 4\); maps"):
        StructuredKD(hint="1").build(*nets, images, Facts(2, 3, 10, 1, "dense"))
