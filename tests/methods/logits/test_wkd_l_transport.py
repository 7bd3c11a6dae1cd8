"""Transport: a linear programme says what the best plan costs, and Sinkhorn's comes close."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.optimize import linprog

from workbench.methods.logits.wkd_l import sinkhorn

COST = torch.tensor([[0.0, 0.3, 0.8, 0.5], [0.3, 0.0, 0.4, 0.9], [0.8, 0.4, 0.0, 0.2], [0.5, 0.9, 0.2, 0.0]]).double()
STUDENT = torch.tensor([[0.1, 0.2, 0.3, 0.4], [0.7, 0.1, 0.1, 0.1], [0.25, 0.25, 0.25, 0.25]]).double()
TEACHER = torch.tensor([[0.4, 0.3, 0.2, 0.1], [0.05, 0.05, 0.3, 0.6], [0.25, 0.25, 0.25, 0.25]]).double()


def cheapest(student, teacher):
    """The Wasserstein distance of one pair, by linear programming."""
    rows = np.kron(np.eye(4), np.ones(4))
    columns = np.kron(np.ones(4), np.eye(4))
    margins = np.concatenate([student, teacher])
    return linprog(COST.numpy().ravel(), A_eq=np.vstack([rows, columns]), b_eq=margins).fun


def test_with_little_regularisation_the_cost_is_that_of_the_linear_programme():
    best = [cheapest(s, t) for s, t in zip(STUDENT.numpy(), TEACHER.numpy(), strict=True)]
    errors = [
        np.abs(sinkhorn(STUDENT, TEACHER, COST, strength, 3000).numpy() - best).max() for strength in (0.1, 0.03, 0.005)
    ]
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < 1e-3


def test_in_float32_at_the_published_regularisation_it_is_as_in_float64():
    single = sinkhorn(STUDENT.float(), TEACHER.float(), COST.float(), 0.05, 10)
    torch.testing.assert_close(single.double(), sinkhorn(STUDENT, TEACHER, COST, 0.05, 10), rtol=1e-5, atol=1e-6)


def test_a_class_without_probability_takes_no_part_whatever_it_costs():
    student, teacher = (p.clone() for p in (STUDENT, TEACHER))
    for side in (student, teacher):
        side[:, 3] = 0
        side.div_(side.sum(1, keepdim=True))
    three = sinkhorn(student[:, :3], teacher[:, :3], COST[:3, :3], 0.05, 10)
    torch.testing.assert_close(sinkhorn(student, teacher, COST, 0.05, 10), three)


def test_a_very_large_regularisation_gives_the_independent_plan():
    independent = torch.einsum("bi,ij,bj->b", STUDENT, COST, TEACHER)
    torch.testing.assert_close(sinkhorn(STUDENT, TEACHER, COST, 1e6, 5), independent)


@pytest.mark.parametrize("strength", [0.05, 1.0])
def test_gradients_are_finite_where_a_class_has_no_probability(strength):
    logits = torch.tensor([[0.0, 1.0, -torch.inf, 2.0]], dtype=torch.float64, requires_grad=True)
    sinkhorn(logits.softmax(1), TEACHER[:1], COST, strength, 10).sum().backward()
    assert logits.grad.isfinite().all()
