"""Relations: the formula, and what distances and angles do not see."""

from __future__ import annotations

import pytest
import torch

from tests.methods.case import Case, batch, check, trace
from tests.methods.literal import cross_entropy, dot, huber, length
from workbench.methods.relations.rkd import RKD, angle_loss, distance_loss, relative_distances

LABELS = [0, 2, -1, 1]
LOGITS = [[0.3, -1.2, 0.8], [1.5, 0.2, -0.7], [-0.4, 0.9, 0.1], [0.0, 0.2, 0.4]]
# the teacher's last two points coincide: a distance of 0 that does not count in the mean
STUDENT = trace(LOGITS, mine=[[0.0, 0.1], [1.0, 0.3], [0.2, 2.5], [-1.5, 0.7]])
TEACHER = trace(LOGITS, theirs=[[0.3, 0.0, 1.0], [1.2, -0.5, 0.1], [0.4, 0.9, -0.8], [0.4, 0.9, -0.8]])


def distances(points):
    table = [[length([x - y for x, y in zip(a, b, strict=True)]) for b in points] for a in points]
    apart = [d for row in table for d in row if d > 0]
    return [[d / (sum(apart) / len(apart)) for d in row] for row in table]


def cosine(points, a, b, c):
    to_b = [x - y for x, y in zip(points[b], points[a], strict=True)]
    to_c = [x - y for x, y in zip(points[c], points[a], strict=True)]
    return dot(to_b, to_c) / length(to_b) / length(to_c) if length(to_b) > 0 and length(to_c) > 0 else 0.0


def formula(student, constants):
    s, t = student["mine"], constants.teacher["theirs"]
    far_s, far_t, n = distances(s), distances(t), range(4)
    return {
        "labels": [cross_entropy(row, y) for row, y in zip(student["logits"], LABELS, strict=True)],
        "distance": [25 * sum(huber(far_s[a][b], far_t[a][b]) for b in n) / 4 for a in n],
        "angle": [50 * sum(huber(cosine(s, a, b, c), cosine(t, a, b, c)) for b in n for c in n) / 16 for a in n],
    }


def make(**parameters):
    method = RKD(**parameters)
    method.student_layers, method.teacher_layers = ("mine",), ("theirs",)
    return method


ORACLES = [Case("four points", make, STUDENT, TEACHER, batch(LABELS), formula)]


@pytest.mark.parametrize("case", ORACLES, ids=lambda case: case.name)
def test_it_is_the_formula(case):
    check(case, case.make())


def test_moving_turning_and_scaling_change_nothing():
    points = torch.randn(6, 3, dtype=torch.float64)
    turn, _ = torch.linalg.qr(torch.randn(3, 3, dtype=torch.float64))
    moved = 5 * points @ turn + torch.tensor([1.0, -2.0, 7.0])
    zeros = torch.zeros(6, dtype=torch.float64)
    torch.testing.assert_close(distance_loss(moved, points), zeros)
    torch.testing.assert_close(angle_loss(moved, points), zeros)


def test_relative_distances_have_mean_1_over_distinct_points():
    found = relative_distances(torch.tensor([[0.0], [1.0], [1.0]]))
    torch.testing.assert_close(found, torch.tensor([[0.0, 1.0, 1.0], [1.0, 0.0, 0.0], [1.0, 0.0, 0.0]]))


def test_points_that_all_coincide_give_finite_values_and_gradients():
    points = torch.zeros(4, 3, requires_grad=True)
    loss = distance_loss(points, torch.randn(4, 3)).sum() + angle_loss(points, torch.randn(4, 3)).sum()
    loss.backward()
    assert loss.isfinite()
    assert points.grad.isfinite().all()
