"""Robust distillation: the formula on attacked inputs, and what the attack is and leaves alone."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from tests.methods.case import Case, batch, check, trace
from tests.methods.features.board import nets
from tests.methods.literal import cross_entropy, kl, softmax
from workbench.methods.robust.ard import ARD, projected_gradient
from workbench.models.tracing import Tracer
from workbench.records.batch import Batch
from workbench.records.trace import Trace

STUDENT = trace([[0.3, -1.2, 0.8], [1.5, 0.2, -0.7], [-0.4, 0.9, 0.1]])
TEACHER = trace([[2.1, -0.5, 0.4], [0.1, 1.7, -1.1], [-1.0, 0.3, 2.2]])
LABELS = [0, -1, 2]
SEED = 3


class Mirrors:
    """The method between two nets that return what they see: the logits in the trace are their inputs."""

    def __init__(self, **parameters):
        self.method = ARD(**parameters)
        self.stages, self.forward = self.method.stages, self.__call__

    def __call__(self, student, teacher, batch):
        with torch.random.fork_rng():
            torch.manual_seed(SEED)
            whole = batch.but(student_inputs=student.logits, teacher_inputs=teacher.logits)
            seen = self.method.inputs(whole, {"student": nn.Identity()})
        # what moves an input does not depend on it smoothly, so the move is a constant
        moved = student.logits + (seen.student_inputs - student.logits).detach()
        return self.method(Trace(moved), Trace(seen.teacher_inputs), seen)


def attacked(logits, steps):
    """Steps of 2 / 255 up the sign of softmax - label, within 8 / 255 and the batch's range, from a random start."""
    with torch.random.fork_rng():
        torch.manual_seed(SEED)
        start = torch.rand(3, 3, dtype=torch.float64).tolist()
    low, high = min(map(min, logits)), max(map(max, logits))
    rows = []
    for row, place, label in zip(logits, start, LABELS, strict=True):
        target = row.index(max(row)) if label < 0 else label
        moved = [x + 8 / 255 * (2 * r - 1) for x, r in zip(row, place, strict=True)]
        for _ in range(steps):
            slopes = [p - (c == target) for c, p in enumerate(softmax(moved))]
            moved = [z + 2 / 255 * ((g > 0) - (g < 0)) for z, g in zip(moved, slopes, strict=True)]
            moved = [max(z, x - 8 / 255, low) for x, z in zip(row, moved, strict=True)]
            moved = [min(z, x + 8 / 255, high) for x, z in zip(row, moved, strict=True)]
        rows.append(moved)
    return rows


def formula(label_weight, steps=10):
    def terms(student, constants):
        base = constants.student["logits"].tolist()
        offsets = [
            [z - x for z, x in zip(*pair, strict=True)] for pair in zip(attacked(base, steps), base, strict=True)
        ]
        moved = [[x + d for x, d in zip(*pair, strict=True)] for pair in zip(student["logits"], offsets, strict=True)]
        pairs = zip(moved, constants.teacher["logits"], strict=True)
        found = {"soft": [900 * kl(softmax(t, 30), softmax(s, 30)) for s, t in pairs]}
        if label_weight:
            clean = zip(student["logits"], LABELS, strict=True)
            found["labels"] = [label_weight * cross_entropy(s, y) for s, y in clean]
        return found

    return terms


def with_labels(**parameters):
    return Mirrors(**({"label_weight": 0.3} | parameters))


def in_two_steps(**parameters):
    return Mirrors(**({"steps": 2} | parameters))


ORACLES = [
    Case("under attack", Mirrors, STUDENT, TEACHER, batch(LABELS), formula(0)),
    Case("and labels", with_labels, STUDENT, TEACHER, batch(LABELS), formula(0.3)),
    Case("before the box is full", in_two_steps, STUDENT, TEACHER, batch(LABELS), formula(0, 2)),
]


@pytest.mark.parametrize("case", ORACLES, ids=lambda case: case.name)
def test_it_is_the_formula(case):
    check(case, case.make())


def test_of_a_linear_loss_the_attack_finds_the_corner_of_the_box_that_is_worst():
    inputs, slope = torch.rand(4, 6), torch.randn(6)
    bounds = torch.tensor(-9.0), torch.tensor(9.0)
    found = projected_gradient(lambda x: x @ slope, inputs, 0.2, 0.05, 10, bounds)
    torch.testing.assert_close(found, inputs + 0.2 * slope.sign())
    within = projected_gradient(lambda x: x @ slope, inputs, 0.2, 0.05, 10, (inputs.min(), inputs.max()))
    assert inputs.min() <= within.min()
    assert within.max() <= inputs.max()


def test_the_student_errs_more_on_what_it_is_shown_and_the_teacher_is_shown_the_original():
    student, _, example = nets()
    seen = ARD(radius=0.5, step_size=0.1).inputs(example, {"student": student})
    assert seen.for_teacher is example.student_inputs
    assert (seen.student_inputs - example.student_inputs).abs().max() <= 0.5 + 1e-6
    clean, moved = (F.cross_entropy(student(x), example.labels) for x in (example.student_inputs, seen.student_inputs))
    assert moved > clean


def test_an_attack_leaves_no_trace_in_the_student():
    student, _, example = nets()
    student.train()
    before = {name: tensor.clone() for name, tensor in student.state_dict().items()}
    seen = ARD().inputs(example, {"student": student})
    for name, tensor in student.state_dict().items():
        assert torch.equal(tensor, before[name]), name
    assert all(p.grad is None for p in student.parameters())
    assert student.training
    assert not seen.student_inputs.requires_grad
    assert not seen.extras


def test_labels_are_for_inputs_as_they_were():
    student, teacher, example = nets()
    method = ARD(label_weight=1.0, radius=0.5, step_size=0.1)
    seen = method.inputs(example, {"student": student})
    terms = method(Tracer(student)(seen.student_inputs), Tracer(teacher)(seen.for_teacher), seen)
    clean = F.cross_entropy(student(example.student_inputs), example.labels, reduction="none")
    torch.testing.assert_close(terms["labels"], clean)
    terms["labels"].sum().backward()
    assert student.classifier.weight.grad.abs().sum() > 0


def test_inputs_that_cannot_be_moved_are_refused():
    with pytest.raises(TypeError, match="inputs are dict; ard takes gradients"):
        ARD().inputs(Batch(torch.arange(2), {"tokens": torch.zeros(2, 3)}), {})
