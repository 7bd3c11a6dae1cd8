"""Correlations of channels: the formula, and what they do not depend on."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from tests.methods.case import Case, batch, check
from tests.methods.features.board import LABELS, built, convolve, held, normalise, traces
from tests.methods.literal import cross_entropy, dot, unit
from workbench.methods.features.ickd import ICKD, correlation_distance, row_products

STUDENT, TEACHER = traces(15, {"layer2": (2, 2, 3)})


def make(**parameters):
    return built(ICKD, **parameters)


DRAWN = held(make())


def correlations(maps):
    channels = [channel.ravel() for channel in maps]
    return [unit([dot(a, b) for b in channels]) for a in channels]


def formula(student, constants):
    adapted = convolve(student["layer2"], DRAWN["adapter.0.weight"])
    adapted = normalise(adapted, DRAWN["adapter.1.weight"], DRAWN["adapter.1.bias"])
    losses = []
    for mine, theirs in zip(adapted, constants.teacher["layer2"], strict=True):
        gaps = [
            [x - y for x, y in zip(*rows, strict=True)]
            for rows in zip(correlations(mine), correlations(theirs), strict=True)
        ]
        losses.append(2.5 * sum(dot(gap, gap) for gap in gaps) / 2)
    labels = [cross_entropy(s, y) for s, y in zip(student["logits"], LABELS, strict=True)]
    return {"labels": labels, "correlations": losses}


ORACLES = [Case("maps", make, STUDENT, TEACHER, batch(LABELS), formula)]


@pytest.mark.parametrize("case", ORACLES, ids=lambda case: case.name)
def test_it_is_the_formula(case):
    check(case, case.make())


def test_neither_the_place_nor_the_number_of_positions_nor_the_scale_matters():
    method = make()
    method.adapter = nn.Identity()
    student, teacher = traces(15, {"layer2": (2, 2, 3)})
    moved = TEACHER["layer2"].flip(2).repeat_interleave(2, 3)
    for features in (3 * TEACHER["layer2"], moved):
        student.features["layer2"] = features
        assert method(student, teacher, batch(LABELS))["correlations"].abs().max() < 1e-12
    student.features["layer2"] = TEACHER["layer2"][:, :1].repeat(1, 2, 1, 1)
    assert method(student, teacher, batch(LABELS))["correlations"].min() > 0.01


@pytest.mark.parametrize("positions", [(2, 2), (3, 2), (9, 9), (7, 9), (9, 2)])
def test_it_is_the_distance_of_the_normalised_matrices_however_it_is_worked_out(positions):
    mine, theirs = (torch.randn(3, 5, n).double() for n in positions)
    mine[0, 1] = theirs[1, 2] = mine[2, 3] = theirs[2, 3] = 0  # channels that are dead on one side or both
    grams = [side @ side.mT for side in (mine, theirs)]
    torch.testing.assert_close(row_products(mine, theirs), (grams[0] * grams[1]).sum(2))
    rows = [nn.functional.normalize(gram, dim=2) for gram in grams]
    torch.testing.assert_close(correlation_distance(mine, theirs), (rows[0] - rows[1]).square().sum((1, 2)) / 5)


def test_a_dead_channel_does_not_blow_the_gradient_up():
    mine = torch.zeros(1, 3, 2).double()
    mine[0, 0] = 1.0
    mine.requires_grad_()
    correlation_distance(mine, torch.randn(1, 3, 2).double()).sum().backward()
    assert mine.grad.abs().max() < 10


def test_correlations_that_cannot_fit_are_refused():
    method, (student, teacher) = make(), traces(15, {"layer2": (2, 1, 1)})
    teacher.features["layer2"] = torch.empty(1, 1, 1, 1).expand(100, 4000, 80, 50)
    with pytest.raises(ValueError, match=r"correlations of 100 x 4,000 x 4,000 numbers take 6\.0 GiB.*smaller layers"):
        method(student, teacher, batch([0] * 100))
