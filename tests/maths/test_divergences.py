"""Divergences and task losses against closed forms."""

from __future__ import annotations

import math

import pytest
import torch

from workbench.maths.divergences import forward_kl, one_hot, pairwise_kl, soft_cross_entropy
from workbench.maths.tasks import TASKS, task

HALF, QUARTER = torch.tensor([[0.0, 0.0]]), torch.tensor([[0.0, math.log(3.0)]])  # 1/2 1/2 and 1/4 3/4


def test_forward_kl_weighs_with_the_teacher():
    # teacher 1/2 1/2, student 1/4 3/4: 1/2 log 2 + 1/2 log 2/3
    torch.testing.assert_close(forward_kl(QUARTER, HALF), torch.tensor([0.5 * math.log(4 / 3)]))
    # the other way round: 1/4 log 1/2 + 3/4 log 3/2
    torch.testing.assert_close(forward_kl(HALF, QUARTER), torch.tensor([0.25 * math.log(0.5) + 0.75 * math.log(1.5)]))


def test_forward_kl_takes_a_temperature_per_sample_and_any_class_dimension():
    student, teacher = torch.randn(3, 4), torch.randn(3, 4)
    several = forward_kl(student, teacher, torch.tensor([[1.0], [2.0], [4.0]]))
    one_by_one = [forward_kl(student[i : i + 1], teacher[i : i + 1], 2.0**i)[0] for i in range(3)]
    torch.testing.assert_close(several, torch.stack(one_by_one))
    turned = forward_kl(student.T, teacher.T, dim=0)
    torch.testing.assert_close(turned, forward_kl(student, teacher))


def test_pairwise_kl_is_forward_kl_of_every_pair():
    student, teacher = torch.randn(3, 4), torch.randn(2, 4)
    pairs = [[forward_kl(s[None], t[None], 2.0)[0] for t in teacher] for s in student]
    torch.testing.assert_close(pairwise_kl(student, teacher, 2.0), torch.tensor(pairs))


def test_logits_that_rule_a_class_out_stay_finite():
    assert forward_kl(torch.tensor([[0.0, -200.0]]), torch.tensor([[0.0, -300.0]])).isfinite().all()


def test_soft_cross_entropy_is_the_entropy_and_the_divergence():
    entropy = -(0.25 * math.log(0.25) + 0.75 * math.log(0.75))
    found = soft_cross_entropy(HALF, torch.softmax(QUARTER, 1))
    torch.testing.assert_close(found, entropy + forward_kl(HALF, QUARTER))


def test_one_hot_has_the_type_of_its_model():
    assert one_hot(torch.tensor([2, 0]), torch.zeros(2, 3, dtype=torch.float64)).tolist() == [[0, 0, 1], [1, 0, 0]]


@pytest.mark.parametrize(
    ("name", "outputs", "labels", "loss"),
    [
        ("classification", torch.zeros(2, 4), torch.tensor([3, -1]), [math.log(4), 0.0]),
        ("tokens", torch.zeros(2, 3, 4), torch.tensor([[0, 1, -1], [-1, -1, -1]]), [math.log(4), 0.0]),
        ("dense", torch.zeros(2, 4, 1, 2), torch.tensor([[[0, -1]], [[2, 3]]]), [math.log(4), math.log(4)]),
        ("regression", torch.tensor([[1.0], [2.0]]), torch.tensor([3.0, 2.0]), [4.0, 0.0]),
    ],
)
def test_the_loss_of_a_task_is_one_number_per_sample_and_0_without_a_label(name, outputs, labels, loss):
    torch.testing.assert_close(task(name).label_loss(outputs, labels), torch.tensor(loss))


def test_scores_are_ratios_of_sums():
    hits, counted = TASKS["classification"].hits(torch.eye(3), torch.tensor([0, 2, -1]))
    assert hits.tolist() == [1, 0, 0]
    assert counted.tolist() == [1, 1, 0]


def test_an_unknown_task_is_met_with_the_nearest():
    with pytest.raises(KeyError, match="no task 'token'; nearest: tokens"):
        task("token")
