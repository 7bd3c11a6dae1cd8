"""Agreement in gradient space: the formula within and at the tolerance, and its two ends."""

from __future__ import annotations

import pytest
import torch

from tests.methods.case import Case, batch, check, trace
from tests.methods.literal import cross_entropy, dot, kl, softmax
from workbench.methods.ensembles.aekd import AEKD

STUDENT = trace([[0.3, -1.2, 0.8], [1.5, 0.2, -0.7], [-0.4, 0.9, 0.1]])
ONE = trace([[2.1, -0.5, 0.4], [0.1, 1.7, -1.1], [-1.0, 0.3, 2.2]])
TWO = trace([[0.4, 0.9, -0.6], [2.0, -0.3, 0.2], [0.1, 0.2, -1.4]])
NEAR = trace([[0.4, -1.0, 0.8], [1.3, 0.2, -0.9], [-0.4, 1.1, 0.1]])
FAR = trace([[4.0, -1.0, 0.8], [5.3, 0.2, -0.9], [5.4, 1.1, 0.1]])
LABELS = [0, 2, -1]
PLAN = (
    ("teacher_2", "teacher_2", None, 1.0),
    ("teacher_3", "teacher_3", None, 1.0),
    ("distill", "student", ("teacher", "teacher_2", "teacher_3"), 1.0),
)


def labels_alone(student, constants):
    return {"labels": [cross_entropy(s, y) for s, y in zip(student["logits"], LABELS, strict=True)]}


def weights(constants, cap=0.6):
    """Closed form for two: the foot of the perpendicular, within the tolerance."""
    mine = constants.student["logits"]
    pulls = []
    for teacher in constants.teacher:
        rows = [
            [p - q for p, q in zip(softmax(s, 4), softmax(t, 4), strict=True)]
            for s, t in zip(mine, teacher["logits"], strict=True)
        ]
        pulls.append([sum(column) / len(rows) for column in zip(*rows, strict=True)])
    one, two = pulls
    gap = [a - b for a, b in zip(one, two, strict=True)]
    share = -dot(gap, two) / dot(gap, gap)
    share = min(max(share, 1 - cap), cap)
    return share, 1 - share


def formula(student, constants):
    found = zip(weights(constants), constants.teacher, strict=True)
    soft = [0.0, 0.0, 0.0]
    for weight, teacher in found:
        for b, (s, t) in enumerate(zip(student["logits"], teacher["logits"], strict=True)):
            soft[b] += 16 * weight * kl(softmax(t, 4), softmax(s, 4))
    return labels_alone(student, constants) | {"soft": soft}


ORACLES = [
    Case("a further teacher", AEKD, STUDENT, None, batch(LABELS), labels_alone, PLAN),
    Case("two teachers", AEKD, STUDENT, (ONE, TWO), batch(LABELS), formula, PLAN),
    Case("one of them too far", AEKD, STUDENT, (FAR, NEAR), batch(LABELS), formula, PLAN),
]


@pytest.mark.parametrize("case", ORACLES, ids=lambda case: case.name)
def test_it_is_the_formula(case):
    check(case, case.make())


def test_the_cases_are_on_both_sides_of_the_tolerance():
    one, other = (case.student for case in ORACLES[1:])
    assert one is other
    free = [AEKD(tolerance=1.0)(STUDENT, case.teacher, batch(LABELS))["soft"] for case in ORACLES[1:]]
    bound = [AEKD()(STUDENT, case.teacher, batch(LABELS))["soft"] for case in ORACLES[1:]]
    assert not torch.allclose(free[1], bound[1])


def test_a_small_tolerance_is_the_mean_of_the_teachers():
    mean = AEKD(tolerance=0.05)(STUDENT, (ONE, TWO), batch(LABELS))["soft"]
    alone = [AEKD()(STUDENT, (teacher, teacher), batch(LABELS))["soft"] for teacher in (ONE, TWO)]
    torch.testing.assert_close(mean, (alone[0] + alone[1]) / 2)
