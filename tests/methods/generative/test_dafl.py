"""DAFL: the formula, who answers to what, and the traps of its code: a decimal logarithm, the entropy's sign."""

from __future__ import annotations

import math
from functools import partial

import pytest
import torch
from torch import nn

from tests.methods.case import Case, batch, check, trace
from tests.methods.generative.played import Played, moves
from tests.methods.literal import cross_entropy, kl, softmax
from workbench.methods.generative.dafl import DAFL
from workbench.records.trace import Trace

STUDENT = trace([[0.3, -1.2, 0.8], [1.5, 0.2, -0.7], [-0.4, 0.9, 0.1]], own=[[1.0, 0.5], [0.2, 0.1], [0.3, -2.0]])
TEACHER = trace([[2.1, -0.5, 0.4], [0.1, 1.7, -1.1], [-1.0, 0.3, 2.2]], top=[[0.4, -1.5], [2.0, 0.0], [-0.7, 0.9]])


def formula(student, constants):
    answers, features = constants.teacher["logits"], constants.teacher["top"]
    probabilities = [softmax(t) for t in answers]
    used = [sum(p[c] for p in probabilities) / 3 for c in range(3)]
    return {
        "soft": [kl(p, softmax(s)) for s, p in zip(student["logits"], probabilities, strict=True)],
        "one_hot": [1 * cross_entropy(t, max(range(3), key=lambda c, t=t: t[c])) for t in answers],
        "activation": [-0.1 * (abs(a) + abs(b)) / 2 for a, b in features],
        "entropy": [5 * sum(p * math.log(p) / math.log(10) for p in used)],
    } | moves(1, 0.2, 1)


make = partial(Played, DAFL, ((), ("top",)))
ORACLES = [Case("three samples", make, STUDENT, TEACHER, batch([0, -1, 2]), formula)]


@pytest.mark.parametrize("case", ORACLES, ids=lambda case: case.name)
def test_it_is_the_formula(case):
    check(case, case.make())


def test_the_student_answers_to_the_teacher_and_the_generator_to_all_that_is_said_about_inputs():
    method = make().method
    players = method.players({"student": nn.Linear(1, 1)})
    terms = method(STUDENT, TEACHER, batch([0, 1, 2]))
    owned = {name: {term for term in terms if player.terms(term)} for name, player in players.items()}
    assert owned == {"generator": {"one_hot", "activation", "entropy"}, "student": {"soft"}}


def test_classes_that_come_up_alike_are_better_than_one_class_alone():
    method = make().method
    alike, alone = (
        Trace(logits, {"top": torch.zeros(3, 2)}) for logits in (9 * torch.eye(3), 9 * torch.eye(3)[[0] * 3])
    )
    terms = [method(Trace(torch.zeros(3, 3)), teacher, None) for teacher in (alike, alone)]
    assert terms[0]["entropy"] < terms[1]["entropy"]
    assert terms[0]["entropy"].item() == pytest.approx(-5 * math.log10(3), rel=1e-3)
    torch.testing.assert_close(terms[0]["one_hot"], terms[1]["one_hot"])


def test_a_class_that_never_comes_up_has_a_gradient():
    logits = torch.tensor([[300.0, 0.0, 0.0]]).repeat(3, 1).requires_grad_()
    terms = make().method(Trace(torch.zeros(3, 3)), Trace(logits, {"top": torch.zeros(3, 2)}), None)
    assert terms["entropy"].item() == 0
    (gradient,) = torch.autograd.grad(terms["entropy"], logits)
    assert gradient.isfinite().all()


def test_the_generator_gets_no_gradient_from_the_students_term():
    teacher = Trace(TEACHER.logits.clone().requires_grad_(), TEACHER.features)
    soft = make().method(Trace(STUDENT.logits.clone().requires_grad_()), teacher, None)["soft"].sum()
    assert torch.autograd.grad(soft, teacher.outputs, allow_unused=True) == (None,)
