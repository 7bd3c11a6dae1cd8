"""The virtual teacher: both variants of the formula, label smoothing as a limit, and the fault of the released code."""

from __future__ import annotations

import math

import pytest
import torch

from tests.methods.case import Case, batch, check, trace
from tests.methods.literal import cross_entropy, kl, softmax
from workbench.methods.logits.teacher_free import TeacherFree
from workbench.records.batch import Batch
from workbench.records.trace import Trace

STUDENT = trace([[0.3, -1.2, 0.8], [1.5, 0.2, -0.7], [-0.4, 0.9, 0.1]])
LABELS = [1, -1, 2]
PLAN = (("distill", "student", None, 1.0),)


def formula(soften):
    def at(student, constants):
        labels, virtual = [], []
        for s, y in zip(student["logits"], LABELS, strict=True):
            labels.append((1 - 0.1) * cross_entropy(s, y))
            u = [0.99 if c == y else (1 - 0.99) / 2 for c in range(3)]
            virtual.append(0.0 if y < 0 else 0.1 * soften(u, s))
        return {"labels": labels, "reg_virtual": virtual}

    return at


def paper(u, s):
    roots = [p ** (1 / 20) for p in u]
    return 20**2 * kl([r / sum(roots) for r in roots], softmax(s, 20))


def released(u, s):
    return kl(softmax(u, 20), softmax(s)) / 3


def as_released(**parameters):
    return TeacherFree(variant="released", **parameters)


ORACLES = [
    Case("the paper's", TeacherFree, STUDENT, None, batch(LABELS), formula(paper), PLAN),
    Case("the released", as_released, STUDENT, None, batch(LABELS), formula(released), PLAN),
]


@pytest.mark.parametrize("case", ORACLES, ids=lambda case: case.name)
def test_it_is_the_formula(case):
    check(case, case.make())


def test_at_temperature_one_it_is_label_smoothing_but_for_a_constant():
    """Smoothing of epsilon leaves the label 1 - epsilon + epsilon / C."""
    method = TeacherFree(correct=0.9 + 0.1 / 3, temperature=1.0, virtual_weight=1.0)
    smoothed = [
        -sum((0.9 * (c == y) + 0.1 / 3) * math.log(q) for c, q in enumerate(softmax(s)))
        for s, y in ((STUDENT.logits[0].tolist(), 1), (STUDENT.logits[2].tolist(), 2))
    ]
    virtual = method(STUDENT, None, batch(LABELS))["reg_virtual"]
    assert float(virtual[0] - virtual[2]) == pytest.approx(smoothed[0] - smoothed[1])


def test_the_released_variant_smooths_far_more_since_it_takes_probabilities_for_logits():
    """Where each is content: the paper's with a student as sure as the teacher, the released one with one that doubts."""
    sure = Trace(torch.tensor([[0.99, 0.005, 0.005]], dtype=torch.float64).log())
    doubting = Trace(torch.tensor([[0.99, 0.005, 0.005]], dtype=torch.float64) / 20)
    one = Batch(torch.arange(1), torch.zeros(1, 1), torch.tensor([0]))
    for content, other, variant in ((sure, doubting, "paper"), (doubting, sure, "released")):
        terms = [TeacherFree(variant=variant)(student, None, one)["reg_virtual"].item() for student in (content, other)]
        assert terms[0] == pytest.approx(0, abs=1e-12)
        assert terms[1] > 1e-3
