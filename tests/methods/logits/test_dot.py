"""Two momenta: the losses, the rule against two literal velocities, and the limit of no difference."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from tests.methods.case import FACTS, Case, batch, check, trace
from tests.methods.literal import cross_entropy, kl, softmax
from workbench.methods.logits.dot import DOT
from workbench.records.batch import Batch

STUDENT = trace([[0.3, -1.2, 0.8], [1.5, 0.2, -0.7], [-0.4, 0.9, 0.1]])
TEACHER = trace([[2.1, -0.5, 0.4], [0.1, 1.7, -1.1], [-1.0, 0.3, 2.2]])
LABELS = [0, -1, 2]
LABEL_GRADIENTS, SOFT_GRADIENTS = [[1.0, 2.0, -1.0], [0.5, -1.5, 2.0], [3.0, 1.0, 1.0]], [[-2.0, 1.0, 4.0]] * 3
RATE = 0.1


def built(**parameters):
    """For a student of one weight row of three numbers, and an adapter of one number."""
    method = DOT(**parameters)
    student = nn.Linear(3, 1, bias=False).double()
    method.build(student, nn.Identity(), Batch(torch.arange(2), torch.ones(2, 3)), FACTS)
    return method


def moved(method, momentum=0.9, steps=3):
    """Where an optimiser takes three numbers from 0, by the rule's gradients."""
    weights = nn.Parameter(torch.zeros(1, 3, dtype=torch.float64))
    optimizer = torch.optim.SGD([weights], lr=RATE, momentum=momentum)
    for labels, soft in zip(LABEL_GRADIENTS[:steps], SOFT_GRADIENTS[:steps], strict=True):
        both = {"labels": [torch.tensor([labels]).double()], "soft": [torch.tensor([soft]).double()]}
        (weights.grad,) = method.gradient_rule.combine(both, "student")
        optimizer.step()
    return weights.detach().squeeze(0)


def literal(label_momentum, soft_momentum):
    """The same with two velocities on a board."""
    weights, slow, fast = [0.0] * 3, [0.0] * 3, [0.0] * 3
    for labels, soft in zip(LABEL_GRADIENTS, SOFT_GRADIENTS, strict=True):
        slow = [label_momentum * v + g for v, g in zip(slow, labels, strict=True)]
        fast = [soft_momentum * v + g for v, g in zip(fast, soft, strict=True)]
        weights = [w - RATE * (a + b) for w, a, b in zip(weights, slow, fast, strict=True)]
    return weights


class Moving:
    """The method's terms, and as a further one where three steps by its rule lead."""

    def __init__(self, **parameters):
        self.method = built(**parameters)
        self.stages = self.method.stages

    def __call__(self, student, teacher, batch):
        for buffer in self.method.gradient_rule.buffers():
            buffer.zero_()
        return self.method(student, teacher, batch) | {"moved": moved(self.method)}


def formula(student, constants):
    pairs = list(zip(student["logits"], constants.teacher["logits"], LABELS, strict=True))
    return {
        "labels": [0.1 * cross_entropy(s, y) for s, _, y in pairs],
        "soft": [0.9 * 16 * kl(softmax(t, 4), softmax(s, 4)) for s, t, _ in pairs],
        "moved": literal(0.9 - 0.075, 0.9 + 0.075),
    }


ORACLES = [Case("losses and three steps", Moving, STUDENT, TEACHER, batch(LABELS), formula)]


@pytest.mark.parametrize("case", ORACLES, ids=lambda case: case.name)
def test_it_is_the_formula(case):
    check(case, case.make())


def test_without_a_difference_it_is_the_plain_optimiser():
    torch.testing.assert_close(moved(built(delta=0.0)).tolist(), literal(0.9, 0.9))


def test_what_comes_after_the_students_weights_is_added_up_plainly():
    rule = built().gradient_rule
    one, two = torch.ones(1, 3, dtype=torch.float64), torch.full((5,), 2.0)
    combined = rule.combine({"labels": [one, None], "crd.contrast": [one, two]}, "student")
    assert combined[0].tolist() == [[2, 2, 2]]
    assert combined[1] is two


def test_regularisers_move_with_the_labels_in_a_sum_too():
    rule = built().gradient_rule
    one, nothing = torch.ones(1, 3, dtype=torch.float64), torch.zeros(1, 3, dtype=torch.float64)
    rule.combine({"labels": [nothing], "crd.reg_norm": [one], "kd.soft": [nothing]}, "student")
    assert (rule.labels_0 == one).all()
    assert (rule.soft_0 == nothing).all()


def test_a_batch_without_labels_lets_their_velocity_fade():
    rule = built().gradient_rule
    one = torch.ones(1, 3, dtype=torch.float64)
    rule.combine({"labels": [one], "soft": [one]}, "student")
    rule.combine({"soft": [one]}, "student")
    assert rule.labels_0[0].tolist() == pytest.approx([0.825] * 3)
    assert rule.soft_0[0].tolist() == pytest.approx([1.975] * 3)


def test_the_velocities_are_kept_with_the_run_and_the_numbers_can_be_moved():
    method = built()
    assert {"gradient_rule.labels_0", "gradient_rule.soft_0"} <= set(method.state_dict())
    method.change("delta", 0.05)
    assert method.config()["delta"] == method.gradient_rule.delta == 0.05
