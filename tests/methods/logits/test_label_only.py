"""Decisions alone: the formula with and without a limit, blindness to everything else, and the count of queries."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from tests.methods.case import FACTS, Case, batch, check, trace
from tests.methods.literal import cross_entropy
from workbench.methods.logits.label_only import LabelOnly
from workbench.records.batch import Batch
from workbench.records.plan import Facts
from workbench.records.trace import Trace

STUDENT = trace([[0.3, -1.2, 0.8], [1.5, 0.2, -0.7], [-0.4, 0.9, 0.1]])
TEACHER = trace([[2.1, -0.5, 0.4], [0.1, 1.7, -1.1], [-1.0, 0.3, 2.2]])
LABELS = [1, -1, 0]


def make(**parameters):
    method = LabelOnly(**parameters)
    method.build(nn.Identity(), nn.Identity(), Batch(torch.arange(2), torch.ones(2, 3)), FACTS)
    return method


def make_with_two_queries(**parameters):
    return make(**({"queries": 2} | parameters))


def errors(student, teacher):
    decisions = [max(range(3), key=lambda c, t=t: t[c]) for t in teacher]
    return [cross_entropy(s, d) for s, d in zip(student, decisions, strict=True)]


def formula(student, constants):
    return {"decisions": errors(student["logits"], constants.teacher["logits"])}


def limited(student, constants):
    first, second, _ = formula(student, constants)["decisions"]
    return {"decisions": [first * 3 / 2, second * 3 / 2, 0.0]}


ORACLES = [
    Case("all samples", make, STUDENT, TEACHER, batch(LABELS), formula),
    Case("the first two", make_with_two_queries, STUDENT, TEACHER, batch(LABELS), limited),
]


@pytest.mark.parametrize("case", ORACLES, ids=lambda case: case.name)
def test_it_is_the_formula(case):
    check(case, case.make())


def test_nothing_but_the_decision_matters():
    sure = Trace(nn.functional.one_hot(TEACHER.logits.argmax(1), 3) * 90.0)
    soft, hard = (make()(STUDENT, teacher, batch(LABELS))["decisions"] for teacher in (TEACHER, sure))
    torch.testing.assert_close(soft, hard, rtol=0, atol=0)
    other_labels = make()(STUDENT, TEACHER, batch([2, 2, 2]))["decisions"]
    torch.testing.assert_close(soft, other_labels, rtol=0, atol=0)


def test_the_teacher_is_asked_about_so_many_samples_and_always_about_the_same():
    method = LabelOnly(queries=7)
    method.build(nn.Identity(), nn.Identity(), Batch(torch.arange(2), torch.ones(2, 3)), Facts(40, 3, 10, 1))
    used, epochs = [], []
    for _ in range(3):
        for ids in (torch.randperm(40) + 500).split(8):
            terms = method(Trace(torch.zeros(8, 3)), Trace(torch.eye(8, 3)), Batch(ids, torch.zeros(8, 1)))
            used += ids[terms["decisions"] > 0].tolist()
        epochs.append(set(used))
        used.clear()
    assert len(epochs[0]) == 7
    assert epochs[0] == epochs[1] == epochs[2]


def test_a_batch_nobody_was_asked_about_teaches_nothing():
    method = make_with_two_queries()
    method(STUDENT, TEACHER, batch(LABELS))
    terms = method(STUDENT, TEACHER, batch(LABELS, ids=[7, 8, 9]))
    assert terms["decisions"].tolist() == [0, 0, 0]
