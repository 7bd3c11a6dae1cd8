"""A temperature that resists: the formula before and after it has moved, and the curriculum of its gradient."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from tests.methods.case import FACTS, Case, batch, check, trace
from tests.methods.literal import cross_entropy, kl, softmax
from workbench.methods.logits.ctkd import CTKD, reversed_gradient
from workbench.records.batch import Batch

STUDENT = trace([[0.3, -1.2, 0.8], [1.5, 0.2, -0.7], [-0.4, 0.9, 0.1]])
TEACHER = trace([[2.1, -0.5, 0.4], [0.1, 1.7, -1.1], [-1.0, 0.3, 2.2]])
LABELS = [0, -1, 2]
RATE = 0.5


def at(hidden):
    return 1 + 20 / (1 + math.exp(-hidden))


def soft(student, hidden):
    temperature = at(hidden)
    rows = zip(student, TEACHER.logits.tolist(), strict=True)
    return [0.9 * temperature**2 * kl(softmax(t, temperature), softmax(s, temperature)) for s, t in rows]


def slope(student):
    """Of the mean soft term in h at its start, by five points."""
    h = 1e-2
    means = {k: sum(soft(student, 1 + k * h)) / 3 for k in (-2, -1, 1, 2)}
    return (means[-2] - 8 * means[-1] + 8 * means[1] - means[2]) / (12 * h)


def formula(hidden):
    def terms(student, constants):
        pairs = zip(student["logits"], LABELS, strict=True)
        return {"labels": [0.1 * cross_entropy(s, y) for s, y in pairs], "soft": soft(student["logits"], hidden)}

    return terms


def make(**parameters):
    method = CTKD(**parameters)
    method.build(nn.Identity(), nn.Identity(), Batch(torch.arange(2), torch.ones(2, 3)), FACTS)
    return method.double()


def make_after_a_step(**parameters):
    """After 5 of 240 epochs, half way through a curriculum of 10, the resistance is one half."""
    method = make(**parameters)
    method.schedule(5 / 240)
    method(STUDENT, TEACHER, batch(LABELS))["soft"].mean().backward()
    with torch.no_grad():
        method.hidden -= RATE * method.hidden.grad
    method.schedule(0.5)
    return method


CLIMBED = 1 + RATE * 0.5 * slope(STUDENT.logits.tolist())
ORACLES = [
    Case("as it starts", make, STUDENT, TEACHER, batch(LABELS), formula(1.0)),
    Case("after a step up", make_after_a_step, STUDENT, TEACHER, batch(LABELS), formula(CLIMBED)),
]


@pytest.mark.parametrize("case", ORACLES, ids=lambda case: case.name)
def test_it_is_the_formula(case):
    check(case, case.make())


def test_a_step_of_the_temperature_makes_the_divergence_larger():
    before, after = (method(STUDENT, TEACHER, batch(LABELS))["soft"].mean() for method in (make(), make_after_a_step()))
    assert after > before


def test_the_resistance_rises_from_nothing_as_half_a_cosine_and_stays():
    method, found = make(), []
    for progress in (0.0, 2.5 / 240, 10 / 240, 0.9):
        method.schedule(progress)
        method.hidden.grad = None
        method(STUDENT, TEACHER, batch(LABELS))["soft"].mean().backward()
        found.append(method.hidden.grad.item())
    whole = -slope(STUDENT.logits.tolist())
    assert found == pytest.approx([0, whole * (1 - math.sqrt(0.5)) / 2, whole, whole], rel=1e-6, abs=1e-12)


def test_reversal_keeps_the_value_and_turns_the_gradient():
    value = torch.tensor([1.0, -2.0], requires_grad=True)
    reversed_gradient(value, 0.25).square().sum().backward()
    assert value.grad.tolist() == [-0.5, 1.0]
