"""The last mini-batch: the formula, what is seen again, and what is kept between the steps."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from tests.methods.case import Case, batch, check, trace
from tests.methods.literal import cross_entropy, kl, softmax
from workbench.methods.selftaught.dlb import DLB
from workbench.records.batch import Batch

LAST = [[2.1, -0.5, 0.4], [0.1, 1.7, -1.1]]
STUDENT = trace([[0.3, -1.2, 0.8], [1.5, 0.2, -0.7], [-0.4, 0.9, 0.1], [0.4, 0.4, -0.2], [1.1, 0.1, 0.0]])
IDS, LABELS = [5, 8, 9, 21, 20], [0, -1, 2, -1, 1]
PLAN = (("distill", "student", None, 1.0),)


def after_a_step(**parameters):
    method, first = DLB(**parameters), batch([1, -1], [20, 21])
    method(trace(LAST), None, first)
    method.after_step(None, first)
    return method


def formula(student, constants):
    before = {20: LAST[0], 21: LAST[1]}
    last = [
        5 / 2 * 9 * kl(softmax(before[i], 3), softmax(s, 3)) if i in before else 0.0
        for i, s in zip(IDS, student["logits"], strict=True)
    ]
    return {"labels": [cross_entropy(s, y) for s, y in zip(student["logits"], LABELS, strict=True)], "last": last}


def first_step(student, constants):
    return formula(student, constants) | {"last": [0.0] * 5}


ORACLES = [
    Case("the first step", DLB, STUDENT, None, batch(LABELS, IDS), first_step, PLAN),
    Case("a later step", after_a_step, STUDENT, None, batch(LABELS, IDS), formula, PLAN),
]


@pytest.mark.parametrize("case", ORACLES, ids=lambda case: case.name)
def test_it_is_the_formula(case):
    check(case, case.make())


def step(method, model, ids, inputs, labels=None):
    seen = method.inputs(Batch(torch.tensor(ids), inputs, labels), {})
    method(trace(model(seen.student_inputs).tolist()), None, seen)
    method.after_step(model, seen)
    return seen


def test_only_the_new_half_is_kept_for_the_next_step():
    method, model, inputs = DLB(), nn.Linear(2, 3), torch.randn(6, 2)
    first = step(method, model, [0, 1], inputs[:2], torch.tensor([0, 1]))
    second = step(method, model, [2, 3], inputs[2:4], torch.tensor([2, -1]))
    third = step(method, model, [4, 5], inputs[4:], torch.tensor([1, 1]))
    assert [seen.ids.tolist() for seen in (first, second, third)] == [[0, 1], [2, 3, 0, 1], [4, 5, 2, 3]]
    assert third.labels.tolist() == [1, 1, 2, -1]
    torch.testing.assert_close(third.student_inputs, torch.cat([inputs[4:], inputs[2:4]]))
    torch.testing.assert_close(method.last["logits"], model(inputs[4:]).double().detach())


def test_the_last_batch_is_part_of_the_state():
    here, there = after_a_step(), DLB()
    there.load_state_dict(here.state_dict())
    torch.testing.assert_close(there(STUDENT, None, batch(LABELS, IDS)), here(STUDENT, None, batch(LABELS, IDS)))
    assert here(STUDENT, None, batch(LABELS, IDS))["last"].sum() > 0


def test_who_says_the_same_again_is_left_alone():
    again = after_a_step()(trace(LAST), None, batch([1, -1], [20, 21]))["last"]
    torch.testing.assert_close(again, torch.zeros(2).double())


def test_inputs_of_several_tensors_are_refused():
    with pytest.raises(TypeError, match="dlb needs inputs that are one tensor; these are a tuple"):
        DLB().inputs(Batch(torch.arange(2), (torch.zeros(2, 1),)), {})
