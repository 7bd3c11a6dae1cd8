"""Gaussians: the formula, the distance as optimal transport knows it, and cells of one position."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.linalg import sqrtm

from tests.methods.case import Case, batch, check
from tests.methods.features.board import LABELS, built, cells, convolve, held, normalise, rectify, traces
from tests.methods.literal import cross_entropy
from workbench.methods.features.wkd_f import WKDF, gaussian_distance, moments

STUDENT, TEACHER = traces(11, {"layer2": (2, 4, 5)}, {"layer2": (2, 5, 4)})


def make_at(progress):
    def make(**parameters):
        method = built(WKDF, **parameters)
        method.projector[1].bias.data += 0.7
        method.schedule(progress)
        return method

    return make


DRAWN = held(make_at(0.0)())


def statistics(values):
    mean = sum(values) / len(values)
    return mean, math.sqrt(sum((v - mean) ** 2 for v in values) / (len(values) - 1) + 1e-5)


def formula(side, left):
    def terms(student, constants):
        weights = {name.removeprefix("projector."): value for name, value in DRAWN.items()}
        mine = normalise(convolve(student["layer2"], weights["0.weight"]), weights["1.weight"], weights["1.bias"])
        sides = rectify(mine), constants.teacher["layer2"]
        losses = []
        for b in range(2):
            total = 0.0
            for c in range(2):
                places = [[(r, k) for r in cells(m.shape[2], side) for k in cells(m.shape[3], side)] for m in sides]
                for one, other in zip(*places, strict=True):
                    boxes = [m[b, c][np.ix_(*where)].ravel() for m, where in zip(sides, (one, other), strict=True)]
                    (mean, deviation), (told, wanted) = (statistics(list(box)) for box in boxes)
                    total += 4 * (mean - told) ** 2 + (deviation - wanted) ** 2
            losses.append(left * 0.08 * total / side**2)
        labels = [cross_entropy(s, y) for s, y in zip(student["logits"], LABELS, strict=True)]
        return {"labels": labels, "gaussians": losses}

    return terms


def gridded(**parameters):
    return make_at(0.0)(**({"grid": 2} | parameters))


LATE = (1 + math.cos(math.pi * (0.8 - 0.625) / 0.375)) / 2
ORACLES = [
    Case("before the decay", make_at(0.5), STUDENT, TEACHER, batch(LABELS), formula(1, 1.0)),
    Case("in the decay", make_at(0.8), STUDENT, TEACHER, batch(LABELS), formula(1, LATE)),
    Case("four cells that overlap", gridded, STUDENT, TEACHER, batch(LABELS), formula(2, 1.0)),
]


@pytest.mark.parametrize("case", ORACLES, ids=lambda case: case.name)
def test_it_is_the_formula(case):
    check(case, case.make())


def test_it_is_the_wasserstein_distance_of_gaussians_with_diagonal_covariances():
    student, teacher = (torch.randn(1, 3, 4, 4, dtype=torch.float64) for _ in range(2))
    (m, d), (n, e) = ([x[0, :, 0, 0].numpy() for x in moments(side, 1)] for side in (student, teacher))
    first, second = np.diag(d**2), np.diag(e**2)
    root = sqrtm(first)
    cross = sqrtm(root @ second @ root)
    expected = ((m - n) ** 2).sum() + np.trace(first + second - 2 * cross)
    assert float(gaussian_distance(student, teacher, 1)) == pytest.approx(float(np.real(expected)))


def test_where_a_cell_has_one_position_means_alone_are_matched():
    student, teacher = torch.randn(2, 3, 2, 2), torch.randn(2, 3, 2, 2)
    expected = (student - teacher).square().sum(1).mean((1, 2))
    torch.testing.assert_close(gaussian_distance(student, teacher, 4), expected)


def test_a_large_offset_does_not_drown_the_deviation():
    maps = torch.randn(1, 1, 16, 16)
    torch.testing.assert_close(moments(maps + 1000, 4)[1], moments(maps, 4)[1], rtol=1e-3, atol=1e-3)


def test_the_weight_is_gone_at_the_end_of_the_run():
    method = WKDF(decay_start=1.0)
    method.schedule(1.0)
    assert method._left == 1
    method.decay_start = 0.0
    method.schedule(1.0)
    assert method._left == pytest.approx(0)
