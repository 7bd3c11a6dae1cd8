"""DFAD: the formula, the order of the players, and one step of each by hand."""

from __future__ import annotations

import itertools
from functools import partial

import pytest
import torch
from torch import nn

from tests.contracts.probes.world import PLAIN, play, setting, start, weights
from tests.methods.case import Case, batch, check, trace
from tests.methods.generative.played import Played, moves
from workbench.methods.generative.dfad import DFAD
from workbench.records import events
from workbench.records.budget import Budget

STUDENT = trace([[0.3, -1.2, 0.8], [1.5, 0.2, -0.7], [-0.4, 0.9, 0.1]])
TEACHER = trace([[2.1, -0.5, 0.4], [0.1, 1.7, -1.1], [-1.0, 0.3, 2.2]])


def formula(student, constants):
    pairs = zip(student["logits"], constants.teacher["logits"], strict=True)
    gaps = [[abs(a - b) for a, b in zip(t, s, strict=True)] for s, t in pairs]
    return {"discrepancy": [sum(gap) / 3 for gap in gaps]} | moves(5, 0.1, -1)


make = partial(Played, DFAD)
ORACLES = [Case("three samples", make, STUDENT, TEACHER, batch([0, -1, 2]), formula)]


@pytest.mark.parametrize("case", ORACLES, ids=lambda case: case.name)
def test_it_is_the_formula(case):
    check(case, case.make())


def test_the_student_moves_at_each_step_and_the_generator_at_every_fifth_after_it():
    arm, seen = start(setting(), DFAD(), Budget(2, 16, learning_rate=0.05, **PLAIN)), []
    for event in play(arm):
        if isinstance(event, events.Stage | events.Step):
            seen.append((weights(arm.method.generator[0]), weights(arm.trial.parties["student"])))
    generator, student = zip(*seen, strict=True)
    moved = [not torch.equal(a["weight"], b["weight"]) for a, b in itertools.pairwise(generator)]
    assert moved == [True, False, False, False, False] * 2 + [True, False]
    assert not any(torch.equal(a["layer1.0.weight"], b["layer1.0.weight"]) for a, b in itertools.pairwise(student))
    players = arm.method.players(dict.fromkeys(("student",), nn.Linear(1, 1)))
    assert list(players) == ["student", "generator"]


def test_the_generator_climbs():
    """Against a student that stands still the gap grows."""
    arm = start(setting(), Climber(student_steps=1, generator_rate=1.0), Budget(8, 16, learning_rate=0.05, **PLAIN))
    gaps = [event.terms["discrepancy"] for event in play(arm) if isinstance(event, events.Step)]
    assert sum(gaps[-5:]) > 1.1 * sum(gaps[:5])


class Climber(DFAD):
    """Only the generator learns."""

    def players(self, students):
        made = super().players(students)
        still = made["student"].parameters
        return made | {"student": type(made["student"])(still, learning_rate=0.0)}
