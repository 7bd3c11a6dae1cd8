"""ZSKT: the formula, who answers to what, how long an input is kept, and that the generator climbs through both models."""

from __future__ import annotations

import itertools
from functools import partial

import pytest
import torch
from torch import nn

from tests.methods.case import FACTS, Case, batch, check, trace
from tests.methods.generative.played import Played, moves
from tests.methods.literal import kl, softmax, unit
from workbench.methods.generative.zskt import ZSKT
from workbench.models.convnet import ConvNet
from workbench.records.batch import Batch
from workbench.records.trace import Trace

MAPS = [[[[1.0, 0.5], [0.2, -1.1]]], [[[0.3, 0.4], [-0.6, 0.2]]], [[[2.0, 0.1], [0.7, 0.9]]]]
OTHER = [
    [[[0.4, -0.9], [1.2, 0.3]], [[0.8, 0.1], [0.5, -0.2]]],
    [[[0.1, 0.6], [0.9, 1.4]], [[-0.3, 0.2], [0.7, 0.4]]],
    [[[1.1, 0.2], [0.3, 0.8]], [[0.5, 1.3], [-0.4, 0.6]]],
]
STUDENT = trace([[0.3, -1.2, 0.8], [1.5, 0.2, -0.7], [-0.4, 0.9, 0.1]], s1=MAPS)
TEACHER = trace([[2.1, -0.5, 0.4], [0.1, 1.7, -1.1], [-1.0, 0.3, 2.2]], t1=OTHER)


def energies(maps):
    return [sum(channel[i][j] ** 2 for channel in maps) for i in range(2) for j in range(2)]


def formula(student, constants, divisor=1):
    pairs = zip(student["logits"], constants.teacher["logits"], strict=True)
    looks = zip(student["s1"], constants.teacher["t1"], strict=True)
    gaps = [zip(unit(energies(s)), unit(energies(t)), strict=True) for s, t in looks]
    return {
        "soft": [kl(softmax(t), softmax(s)) / divisor for s, t in pairs],
        "attention": [250 * sum((a - b) ** 2 for a, b in gap) / 4 for gap in gaps],
    } | moves(10, 0.5, -1)


make = partial(Played, ZSKT, (("s1",), ("t1",)))
by_class = partial(Played, ZSKT, (("s1",), ("t1",)), divergence="mean")
ORACLES = [
    Case("one stage", make, STUDENT, TEACHER, batch([0, -1, 2]), formula),
    Case("mean over classes", by_class, STUDENT, TEACHER, batch([0, -1, 2]), partial(formula, divisor=3)),
]


@pytest.mark.parametrize("case", ORACLES, ids=lambda case: case.name)
def test_it_is_the_formula(case):
    check(case, case.make())


def test_the_generator_climbs_the_divergence_alone_and_the_student_descends_both_terms():
    players = make().method.players({"student": nn.Linear(1, 1)})
    assert list(players) == ["generator", "student"], "the generator moves first"
    assert [players["generator"].terms(term) for term in ("soft", "attention")] == [True, False]
    assert players["student"].terms is None
    assert players["student"].sign == 1


def test_the_gradient_of_the_divergence_goes_through_both_models_to_the_inputs():
    parts = [torch.randn(3, 4, dtype=torch.float64) for _ in range(2)]
    inputs = torch.randn(5, 3, dtype=torch.float64, requires_grad=True)
    features = {"s1": torch.ones(5, 2, dtype=torch.float64)}
    student, teacher = inputs @ parts[0], inputs @ parts[1]
    terms = make().method(Trace(student, features), Trace(teacher, {"t1": features["s1"]}), None)
    (found,) = torch.autograd.grad(terms["soft"].sum(), inputs)
    p, q = teacher.detach().softmax(1), student.detach().softmax(1)
    ratio = (p / q).log()
    through_teacher = (p * (ratio - (p * ratio).sum(1, keepdim=True))) @ parts[1].T
    torch.testing.assert_close(found, (q - p) @ parts[0].T + through_teacher)
    assert through_teacher.abs().max() > 1e-3


def test_inputs_are_kept_for_the_students_steps_then_replaced():
    method, nets = ZSKT(student_steps=3), [ConvNet(1, (2, 3), 3) for _ in range(2)]
    here = Batch(torch.arange(4), torch.zeros(4, 1, 8, 8))
    method.build(*nets, here, FACTS)
    seen = []
    for _ in range(7):
        seen.append(method.inputs(here, {}).student_inputs)
        method.after_step(nets[0], here)
    same = [torch.equal(a, b) for a, b in itertools.pairwise(seen)]
    assert same == [True, True, False, True, True, False]


def test_beliefs_that_match_leave_nothing_to_transfer():
    terms = make().method(Trace(TEACHER.logits, {"s1": TEACHER["t1"]}), TEACHER, None)
    torch.testing.assert_close(terms["soft"], torch.zeros(3, dtype=torch.float64))
    torch.testing.assert_close(terms["attention"], torch.zeros(3, dtype=torch.float64))
