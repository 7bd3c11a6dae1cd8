"""Calibration: the formula, batches of any order and size, and attention that finds the layer that fits."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from tests.methods.case import FACTS, Case, batch, check
from tests.methods.features.board import LABELS, built, convolve, held, nets, normalise, rectify, traces
from tests.methods.literal import cross_entropy, dot, kl, softmax, unit
from workbench.methods.features.semckd import SemCKD, similarity_profile

VISIBLE = {"points": 60}
LAYERS = "layer1", "layer2"
STUDENT, TEACHER = traces(16, {"layer1": (2, 2, 1), "layer2": (2, 1, 2)}, samples=3)
CLASSES = [*LABELS, 0]


def make(**parameters):
    return built(SemCKD, **parameters)


DRAWN = held(make())


def profile(features, b):
    """64 values read off the sample's similarities, largest first, on a straight line between two."""
    rows = [f.ravel() for f in features]
    falling = sorted((dot(rows[b], row) for row in rows), reverse=True)
    values = []
    for k in range(64):
        at = k * (len(falling) - 1) / 63
        low = min(int(at), len(falling) - 2)
        values.append(falling[low] + (at - low) * (falling[low + 1] - falling[low]))
    return np.array(values)


def described(name, features, b):
    hidden = rectify(DRAWN[f"{name}.layers.0.weight"] @ profile(features, b) + DRAWN[f"{name}.layers.0.bias"])
    return unit(DRAWN[f"{name}.layers.2.weight"] @ hidden + DRAWN[f"{name}.layers.2.bias"])


def project(i, j, maps):
    for part in (0, 3):
        name = f"projections.{i}.{j}"
        maps = convolve(maps, DRAWN[f"{name}.{part}.weight"])
        maps = rectify(normalise(maps, DRAWN[f"{name}.{part + 1}.weight"], DRAWN[f"{name}.{part + 1}.bias"]))
    return convolve(maps, DRAWN[f"{name}.6.weight"])


def smaller(maps, other):
    for axis in (2, 3):
        if other.shape[axis] < maps.shape[axis]:
            maps = maps.mean(axis, keepdims=True)
    return maps


def formula(student, constants):
    teacher, losses = constants.teacher, [0.0] * 3
    for i, mine in enumerate(LAYERS):
        errors = []
        for j, theirs in enumerate(LAYERS):
            projected = project(i, j, smaller(student[mine], teacher[theirs]))
            errors.append((projected - smaller(teacher[theirs], student[mine])) ** 2)
        for b in range(3):
            query = described(f"queries.{i}", student[mine], b)
            keys = [described(f"keys.{j}", teacher[theirs], b) for j, theirs in enumerate(LAYERS)]
            powers = [math.exp(dot(query, key)) for key in keys]
            means = [error[b].sum() / error[b].size for error in errors]
            losses[b] += 400 * dot(powers, means) / sum(powers) / 2
    pairs = zip(student["logits"], teacher["logits"], strict=True)
    return {
        "labels": [cross_entropy(s, y) for s, y in zip(student["logits"], CLASSES, strict=True)],
        "soft": [16 * kl(softmax(t, 4), softmax(s, 4)) for s, t in pairs],
        "calibrated": losses,
    }


ORACLES = [Case("two layers each", make, STUDENT, TEACHER, batch(CLASSES), formula)]


@pytest.mark.parametrize("case", ORACLES, ids=lambda case: case.name)
def test_it_is_the_formula(case):
    check(case, case.make())


def test_a_profile_does_not_know_the_order_of_the_batch_and_has_one_length_for_all_sizes():
    features, order = torch.randn(6, 2, 3).double(), torch.tensor([4, 0, 5, 2, 1, 3])
    torch.testing.assert_close(similarity_profile(features[order], 8), similarity_profile(features, 8)[order])
    rows = features.flatten(1)
    torch.testing.assert_close(similarity_profile(features, 6), (rows @ rows.T).sort(1, descending=True).values)
    torch.testing.assert_close(similarity_profile(features[:1], 8), (rows[0] @ rows[0]).expand(1, 8))
    assert (similarity_profile(features, 64).diff() <= 0).all()


def test_batches_of_any_size_are_accepted():
    method = make()
    for samples in (2, 3, 5):
        student, teacher = traces(17, {"layer1": (2, 2, 1), "layer2": (2, 1, 2)}, samples=samples)
        assert method(student, teacher, batch([0] * samples))["calibrated"].shape == (samples,)


def test_every_layer_of_the_student_meets_every_layer_of_the_teacher():
    student, teacher, example = nets()
    method = SemCKD(guided="layer2", hint="layer1, layer2, layer1.0")
    method.build(student, teacher, example, FACTS)
    assert (method.student_layers, method.teacher_layers) == (("layer2",), ("layer1", "layer2", "layer1.0"))
    assert [len(method.queries), len(method.keys), *map(len, method.projections)] == [1, 3, 3]


def test_attention_moves_to_the_layer_that_is_nearer():
    method = make()
    optimizer = torch.optim.SGD([*method.queries.parameters(), *method.keys.parameters()], 0.01)
    losses = []
    for _ in range(20):
        loss = method(STUDENT, TEACHER, batch(CLASSES))["calibrated"].mean()
        losses.append(loss.item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert losses[-1] < losses[0]
