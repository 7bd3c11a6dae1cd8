"""Projectors: the formula, and a direction that is met."""

from __future__ import annotations

import pytest
import torch

from tests.methods.case import Case, batch, check
from tests.methods.features.board import LABELS, built, held, traces
from tests.methods.literal import cross_entropy, dot, length
from workbench.methods.features.projector_ensemble import ProjectorEnsemble

NAME = "classifier:input"
STUDENT, TEACHER = traces(13, {NAME: (2,)})


def make(**parameters):
    method = built(ProjectorEnsemble, **parameters)
    for projector in method.ensemble:
        projector.bias.data += 0.8  # so that no sample is projected to nothing
    return method


DRAWN = held(make())


def formula(student, constants):
    losses = []
    for b in range(2):
        mean = [0.0, 0.0]
        for k in range(3):
            for i in range(2):
                row = DRAWN[f"ensemble.{k}.weight"][i]
                mean[i] += max(dot(row, student[NAME][b]) + DRAWN[f"ensemble.{k}.bias"][i], 0.0) / 3
        told = constants.teacher[NAME][b]
        losses.append(25 * (1 - dot(mean, told) / (length(mean) * length(told))))
    labels = [cross_entropy(s, y) for s, y in zip(student["logits"], LABELS, strict=True)]
    return {"labels": labels, "direction": losses}


ORACLES = [Case("three projectors", make, STUDENT, TEACHER, batch(LABELS), formula)]


@pytest.mark.parametrize("case", ORACLES, ids=lambda case: case.name)
def test_it_is_the_formula(case):
    check(case, case.make())


def test_the_projectors_start_from_different_weights():
    first, second, third = make().ensemble
    assert not torch.allclose(first.weight, second.weight)
    assert not torch.allclose(second.weight, third.weight)


def test_a_student_in_the_teachers_direction_costs_nothing_and_one_that_says_nothing_the_weight():
    method = make()
    for projector in method.ensemble:
        torch.nn.init.eye_(projector.weight)
        torch.nn.init.zeros_(projector.bias)
    features = torch.rand(2, 2).double() + 0.1
    student, teacher = traces(13, {NAME: (2,)})
    student.features[NAME], teacher.features[NAME] = features, 3 * features
    assert method(student, teacher, batch(LABELS))["direction"].abs().max() < 1e-12
    student.features[NAME] = -features
    assert method(student, teacher, batch(LABELS))["direction"].tolist() == [25.0, 25.0]
