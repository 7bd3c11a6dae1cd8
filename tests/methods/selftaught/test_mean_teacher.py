"""The mean teacher: the formula through the moving average, the noise and the ramp."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from tests.methods.case import Case, batch, check, trace
from tests.methods.literal import cross_entropy, softmax
from workbench.engine.teacher.kinds import Following
from workbench.methods.parts.ramps import gaussian_ramp
from workbench.methods.selftaught.mean_teacher import MeanTeacher
from workbench.records.batch import Batch
from workbench.records.trace import Trace

STUDENT = trace([[0.3, -1.2, 0.8], [1.5, 0.2, -0.7], [-0.4, 0.9, 0.1]])
TEACHER = trace([[2.1, -0.5, 0.4], [0.1, 1.7, -1.1], [-1.0, 0.3, 2.2]])
LABELS, SEED = [0, -1, 2], 5
PLAN = (("distill", "student", None, 1.0),)


class Table(nn.Module):
    """A model whose weights are its answers."""

    def __init__(self, logits):
        super().__init__()
        self.logits = nn.Parameter(logits.detach().clone())

    def forward(self, inputs):
        return self.logits


class Averaged:
    """The method, and a teacher that has followed the student for one step; the run has just begun."""

    def __init__(self, **parameters):
        self.method = MeanTeacher(**parameters)
        self.stages = self.method.stages
        self.method.schedule(0.02)

    def __call__(self, student, teacher, batch):
        guide = Following(Table(teacher.logits), (), "ema", self.method.decay)
        guide.after_step(Table(student.logits))
        return self.method(student, guide(batch), batch)


class Noisy:
    """The method and two models that give their inputs back."""

    def __init__(self, **parameters):
        self.method = MeanTeacher(**parameters)
        self.stages = self.method.stages

    def __call__(self, student, teacher, batch):
        with torch.random.fork_rng():
            torch.manual_seed(SEED)
            seen = self.method.inputs(batch.but(student_inputs=student.logits), {})
        return self.method(Trace(seen.student_inputs), Trace(seen.teacher_inputs), seen)


def terms(students, teachers, weight):
    pairs = zip(students, teachers, strict=True)
    return {
        "labels": [cross_entropy(s, y) for s, y in zip(students, LABELS, strict=True)],
        "consistency": [
            2 / 3 * weight * sum((a - b) ** 2 for a, b in zip(softmax(s), softmax(t), strict=True)) / 3
            for s, t in pairs
        ],
    }


def averaged(student, constants):
    mixed = 0.97 * constants.teacher["logits"] + 0.03 * constants.student["logits"]
    return terms(student["logits"], mixed, 100 * math.exp(-5 * (1 - 0.02 * 150 / 40) ** 2))


def noisy(student, constants):
    with torch.random.fork_rng():
        torch.manual_seed(SEED)
        mine, theirs = (torch.randn(3, 3, dtype=torch.float64).numpy() for _ in range(2))
    spread = 0.15 * constants.student["logits"].std(ddof=1)
    return terms(student["logits"] + spread * mine, constants.student["logits"] + spread * theirs, 100)


ORACLES = [
    Case("after one step of the average", Averaged, STUDENT, TEACHER, batch(LABELS), averaged, PLAN),
    Case("two noises", Noisy, STUDENT, None, batch(LABELS), noisy, PLAN),
]


@pytest.mark.parametrize("case", ORACLES, ids=lambda case: case.name)
def test_it_is_the_formula(case):
    check(case, case.make())


def test_who_answers_like_its_average_is_left_alone():
    consistency = MeanTeacher()(TEACHER, TEACHER, batch(LABELS))["consistency"]
    torch.testing.assert_close(consistency, torch.zeros(3).double())


def test_the_weight_falls_with_the_labelled_share():
    all_of_them, one, none = (
        MeanTeacher()(STUDENT, TEACHER, batch(labels))["consistency"] for labels in ([0, 1, 2], [0, -1, -1], [-1] * 3)
    )
    torch.testing.assert_close(3 * one, all_of_them)
    assert none.sum() == 0 < all_of_them.sum()


def test_without_noise_any_inputs_will_do_and_with_it_only_numbers():
    one = Batch(torch.arange(2), torch.zeros(2, 3, dtype=torch.int64))
    assert MeanTeacher(noise=0.0).inputs(one, {}) is one
    with pytest.raises(TypeError, match=r"inputs are torch.int64; other views are made of one floating-point tensor"):
        MeanTeacher().inputs(one, {})


def test_the_ramp_rises_from_almost_nothing_and_stays():
    assert gaussian_ramp(0.0, 0.5) == pytest.approx(math.exp(-5))
    assert gaussian_ramp(0.5, 0.5) == gaussian_ramp(0.9, 0.5) == gaussian_ramp(0.0, 0.0) == 1
