"""Rankings: both transfers, what they do not see, and batches with few others."""

from __future__ import annotations

import math
from functools import partial
from itertools import permutations

import pytest
import torch

from tests.methods.case import Case, batch, check, trace
from tests.methods.literal import cross_entropy, length, unit
from workbench.methods.relations.darkrank import (
    DarkRank,
    closeness,
    nearest,
    ranking_divergence,
    ranking_log_probability,
)

LABELS = [0, 2, -1, 1, 0, 2]
LOGITS = [[0.3, -1.2, 0.8], [1.5, 0.2, -0.7], [-0.4, 0.9, 0.1], [0.0, 0.2, 0.4], [1.0, 0.1, -0.3], [0.2, 0.6, 0.9]]
STUDENT = trace(LOGITS, mine=[[1.0, 0.1], [1.0, 0.5], [0.6, 1.5], [1.2, 0.9], [0.9, -0.3], [0.8, 1.0]])
TEACHER = trace(
    LOGITS,
    theirs=[[0.3, 0.1, 1.0], [1.2, 0.5, 0.9], [0.4, 0.9, 0.8], [0.8, 0.1, 0.7], [0.6, 0.6, 0.2], [0.1, 0.7, 0.9]],
)


def scores(points):
    directions = [unit(p) for p in points]
    gaps = [[length([x - y for x, y in zip(a, b, strict=True)]) for b in directions] for a in directions]
    return [[-12.25 * gap**4 for gap in row] for row in gaps]


def likelihood(row, order):
    product = 1.0
    for k in range(len(order)):
        product *= math.exp(row[order[k]]) / sum(math.exp(row[i]) for i in order[k:])
    return product


def formula(lost):
    def at(student, constants):
        mine, theirs = scores(student["mine"]), scores(constants.teacher["theirs"])
        ranking = []
        for q in range(6):
            others = sorted((i for i in range(6) if i != q), key=lambda i: -theirs[q][i])[:4]
            ranking.append(16 * lost(mine[q], theirs[q], others))
        labels = [cross_entropy(row, y) for row, y in zip(student["logits"], LABELS, strict=True)]
        return {"labels": labels, "ranking": ranking}

    return at


def soft(mine, theirs, others):
    orders = list(permutations(others))
    return sum(likelihood(theirs, o) * math.log(likelihood(theirs, o) / likelihood(mine, o)) for o in orders)


def hard(mine, theirs, others):
    return -math.log(likelihood(mine, others))


def make(**parameters):
    method = DarkRank(**parameters)
    method.student_layers, method.teacher_layers = ("mine",), ("theirs",)
    return method


ORACLES = [
    Case("soft", make, STUDENT, TEACHER, batch(LABELS), formula(soft)),
    Case("hard", partial(make, transfer="hard"), STUDENT, TEACHER, batch(LABELS), formula(hard)),
]


@pytest.mark.parametrize("case", ORACLES, ids=lambda case: case.name)
def test_it_is_the_formula(case):
    check(case, case.make())


def test_the_probabilities_of_all_orders_add_up_to_1_and_the_likeliest_is_by_score():
    row = torch.tensor([0.3, -1.0, 2.0, 0.5], dtype=torch.float64)
    orders = torch.tensor(list(permutations(range(4))))
    probabilities = ranking_log_probability(row[orders]).exp()
    assert probabilities.sum().item() == pytest.approx(1)
    assert orders[probabilities.argmax()].tolist() == row.argsort(descending=True).tolist()


def test_turning_and_the_length_of_features_change_nothing():
    points = torch.randn(6, 3, dtype=torch.float64)
    turn, _ = torch.linalg.qr(torch.randn(3, 3, dtype=torch.float64))
    scaled = points @ turn * torch.rand(6, 1, dtype=torch.float64).add(0.5)
    torch.testing.assert_close(closeness(scaled, 3.0, 2.0), closeness(points, 3.0, 2.0))


def test_moving_all_scores_alike_leaves_the_divergence_at_0():
    rows = torch.randn(5, 3, dtype=torch.float64)
    torch.testing.assert_close(ranking_divergence(rows + 7, rows), torch.zeros(5, dtype=torch.float64))


def test_a_sample_is_not_its_own_neighbour_even_beside_its_duplicate():
    found = nearest(closeness(torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]), 1.0, 2.0), 2)
    assert found[:2].tolist() == [[1, 2], [0, 2]]


def test_duplicates_give_finite_gradients_also_for_the_plain_distance():
    points = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]], requires_grad=True)
    closeness(points, 1.0, 1.0).sum().backward()
    assert points.grad.isfinite().all()


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_batch_with_few_others_ranks_all_there_are(count):
    pair = (
        trace(LOGITS[:count], mine=STUDENT["mine"][:count].tolist()),
        trace(LOGITS[:count], theirs=TEACHER["theirs"][:count].tolist()),
    )
    ranking = make()(*pair, batch(LABELS[:count]))["ranking"]
    assert ranking.shape == (count,)
    assert ranking.isfinite().all()
    assert (ranking.abs().sum() > 0) == (count == 3), "one other can be ranked in one way only"
