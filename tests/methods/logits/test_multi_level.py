"""Three levels: the formula with either mask, and the mask that as released does not choose."""

from __future__ import annotations

import statistics
from functools import partial

import pytest
import torch

from tests.methods.case import Case, batch, check, trace
from tests.methods.literal import cross_entropy, dot, kl, softmax
from workbench.methods.logits.multi_level import MultiLevel
from workbench.records.trace import Trace

STUDENT = trace([[0.3, -1.2, 0.8, 0.1], [1.5, 0.2, -0.7, 0.4], [-0.4, 0.9, 0.1, -1.3]])
TEACHER = trace([[4.1, -0.5, 0.4, 1.2], [0.1, 1.7, -1.1, 0.6], [-1.0, 0.3, 2.2, 0.9]])
LABELS = [0, -1, 3]
CROWD = trace([[0.3, -1.2], [1.5, 0.2], [-0.4, 0.9]]), trace([[4.1, -0.5], [0.1, 1.7], [-1.0, 0.3]])
TEMPERATURES = (4, 2, 3, 5, 6)


def table(logits, temperature):
    return [softmax(row, temperature) for row in logits]


def gram_gap(student, teacher, i):
    """Squared distance of the rows i of two Gram matrices."""
    return sum((dot(student[i], student[j]) - dot(teacher[i], teacher[j])) ** 2 for j in range(len(student)))


def formula(chosen, labels=LABELS, per_class=1.0):
    """With weights of samples and classes that are made of the teacher's confidences."""

    def at(student, constants):
        s, t = student["logits"].tolist(), constants.teacher["logits"].tolist()
        plain = table(t, 1)
        samples, classes = (
            chosen([max(row) for row in plain]),
            chosen([sum(column) for column in zip(*plain, strict=True)]),
        )
        terms = {"labels": [0.1 * cross_entropy(row, y) for row, y in zip(s, labels, strict=True)]}
        pairs = [(k, table(s, k), table(t, k)) for k in TEMPERATURES]
        columns = [(list(zip(*q, strict=True)), list(zip(*p, strict=True))) for _, q, p in pairs]
        terms["samples"] = [0.9 * samples[b] * sum(k**2 * kl(p[b], q[b]) for k, q, p in pairs) for b in range(3)]
        terms["between_samples"] = [0.9 * samples[b] * sum(gram_gap(q, p, b) for _, q, p in pairs) for b in range(3)]
        of_classes = [0.9 * classes[c] * sum(gram_gap(q, p, c) for q, p in columns) for c in range(len(s[0]))]
        terms["between_classes"] = [sum(of_classes) / len(s[0]) / per_class**2] * 3
        return terms

    return at


def unsure(values):
    return [1.0 if value <= statistics.median(values) else 0.0 for value in values]


def share(values):
    return [sum(unsure(values)) / len(values)] * len(values)


ORACLES = [
    Case("per sample", MultiLevel, STUDENT, TEACHER, batch(LABELS), formula(unsure)),
    Case("as released", partial(MultiLevel, mask="scalar"), STUDENT, TEACHER, batch(LABELS), formula(share)),
    Case("3 samples, 2 classes", MultiLevel, *CROWD, batch([0, -1, 1]), formula(unsure, [0, -1, 1], per_class=1.5)),
]


@pytest.mark.parametrize("case", ORACLES, ids=lambda case: case.name)
def test_it_is_the_formula(case):
    check(case, case.make())


def test_the_released_mask_only_weakens_while_the_one_per_sample_leaves_the_sure_ones_out():
    """A sample of which the teacher is sure may be answered in any way, unless the mask has been averaged away."""
    moved = STUDENT.logits.clone()
    moved[0] += torch.tensor([3.0, 0.0, -1.0, 2.0])
    chosen, released = (
        [
            MultiLevel(mask=mask)(Trace(logits), TEACHER, batch(LABELS))["samples"].sum()
            for logits in (STUDENT.logits, moved)
        ]
        for mask in ("per_sample", "scalar")
    )
    assert chosen[0] == chosen[1]
    assert released[0] != released[1]
    everything = sum(
        k**2 * kl(p, q)
        for k in TEMPERATURES
        for p, q in zip(table(TEACHER.logits.tolist(), k), table(STUDENT.logits.tolist(), k), strict=True)
    )
    assert released[0].item() == pytest.approx(0.9 * 2 / 3 * everything)


def test_a_student_like_its_teacher_pays_nothing():
    terms = MultiLevel()(TEACHER, TEACHER, batch([-1, -1, -1]))
    assert sum(term.abs().sum() for term in terms.values()) == 0
