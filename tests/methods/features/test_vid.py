"""Information: the formula, the variance at the start, and the best variance there is."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from tests.methods.case import Case, batch, check
from tests.methods.features.board import LABELS, built, convolve, grid, held, rectify, traces
from tests.methods.literal import cross_entropy
from workbench.methods.features.vid import EPSILON, VID

STUDENT, TEACHER = traces(7, {"layer1": (2, 2, 3), "layer2": (2, 2, 1)})


def make(**parameters):
    method = built(VID, **parameters)
    torch.manual_seed(8)
    for raw in method.variances:
        raw.data += torch.randn(2).double()
    return method


DRAWN = held(make())


def formula(student, constants):
    losses = [0.0, 0.0]
    for stage, name in enumerate(("layer1", "layer2")):
        mean = student[name]
        for layer in (0, 2, 4):
            mean = convolve(rectify(mean) if layer else mean, DRAWN[f"means.{stage}.{layer}.weight"])
        for b in range(2):
            terms = []
            for c in range(2):
                variance = math.log(1 + math.exp(DRAWN[f"variances.{stage}"][c])) + 1e-5
                told = constants.teacher[name][b, c].ravel()
                terms += [
                    (t - m) ** 2 / variance + math.log(variance) for m, t in zip(mean[b, c].ravel(), told, strict=True)
                ]
            losses[b] += sum(terms) / len(terms) / 2
    labels = [cross_entropy(s, y) for s, y in zip(student["logits"], LABELS, strict=True)]
    return {"labels": labels, "surprise": losses}


ORACLES = [Case("two stages", make, STUDENT, TEACHER, batch(LABELS), formula)]


@pytest.mark.parametrize("case", ORACLES, ids=lambda case: case.name)
def test_it_is_the_formula(case):
    check(case, case.make())


@pytest.mark.parametrize("first", [0.1, 5.0, 50.0])
def test_every_channel_starts_with_the_same_variance(first):
    for raw in built(VID, first_variance=first).variances:
        torch.testing.assert_close(
            torch.log1p(raw.exp()) + EPSILON, torch.full((2,), first).double(), rtol=1e-5, atol=0
        )


def test_the_best_variance_is_the_mean_squared_error_and_extreme_ones_stay_finite():
    method = built(VID)
    total = method(STUDENT, TEACHER, batch(LABELS))["surprise"].mean()
    gradients = torch.autograd.grad(total, list(method.variances))
    means = [m(STUDENT[name]) for m, name in zip(method.means, ("layer1", "layer2"), strict=True)]
    for gradient, mean, name in zip(gradients, means, ("layer1", "layer2"), strict=True):
        error = (mean - TEACHER[name]).square().mean((0, 2, 3))
        np.testing.assert_array_equal((gradient > 0).numpy(), (error < 5.0).detach().numpy())
    for raw in (-2000.0, 2000.0):
        for parameter in method.variances:
            torch.nn.init.constant_(parameter, raw)
        assert method(STUDENT, TEACHER, batch(LABELS))["surprise"].isfinite().all()


def test_maps_of_unequal_size_are_averaged_to_the_smaller():
    method = built(VID)
    student, teacher = traces(9, {"layer1": (2, 2, 2), "layer2": (2, 4, 2)}, {"layer1": (2, 4, 4), "layer2": (2, 2, 4)})
    found = method(student, teacher, batch(LABELS))["surprise"]
    for trace in (student, teacher):
        for name in ("layer1", "layer2"):
            trace.features[name] = torch.tensor(grid(trace[name].numpy(), 2, 2))
    torch.testing.assert_close(found, method(student, teacher, batch(LABELS))["surprise"])
