"""Lengths and angles of gradients, softness and scales of logits, against closed forms and literal loops."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.optimize import linear_sum_assignment

from workbench.maths import probing

GENERATOR = torch.Generator().manual_seed(0)


def spread(rows: int = 50, classes: int = 7, scale: float = 3.0) -> torch.Tensor:
    return scale * torch.randn(rows, classes, generator=GENERATOR)


def test_two_bowls_have_the_gradients_one_works_out_by_hand() -> None:
    weights = torch.tensor([1.0, 2.0], requires_grad=True)
    unused = torch.tensor([5.0], requires_grad=True)
    left = 0.5 * 2.0 * (weights - torch.tensor([-2.0, -2.0])).square().sum()  # gradient 2 * (3, 4): length 10
    right = 0.5 * (weights - torch.tensor([5.0, -1.0])).square().sum()  # gradient (-4, 3): length 5, at a right angle
    away = 0.5 * 3.0 * (weights - torch.tensor([4.0, 6.0])).square().sum()  # gradient 3 * (-3, -4): opposite the first
    still = torch.tensor(7.0)
    names = ["left", "right", "away", "still"]
    gram = probing.gradient_gram([left, right, away, still], [weights, unused])
    lengths, cosines = probing.length_and_cosines(gram, names)
    assert lengths == pytest.approx({"left": 10.0, "right": 5.0, "away": 15.0, "still": 0.0})
    expected = {("left", "right"): 0.0, ("left", "away"): -1.0, ("right", "away"): 0.0}
    assert cosines == pytest.approx(expected, abs=1e-6)
    assert weights.grad is None
    assert unused.grad is None
    (left + right).backward()  # the graph is still there
    assert weights.grad.tolist() == [2.0, 11.0]


def test_gradients_of_several_parameters_are_one_long_vector() -> None:
    net = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Linear(4, 2))
    inputs = torch.randn(5, 3, generator=GENERATOR)
    terms = [net(inputs).square().mean(), net(inputs).sum()]
    gram = probing.gradient_gram(terms, [*net.parameters()])
    flat = []
    for term in terms:
        net.zero_grad()
        term.backward(retain_graph=True)
        flat.append(torch.cat([p.grad.flatten() for p in net.parameters()]).double().numpy())
    expected = [[sum(a * b for a, b in zip(x, y, strict=True)) for y in flat] for x in flat]
    np.testing.assert_allclose(gram.numpy(), expected, rtol=1e-5)


@pytest.mark.parametrize("temperature", [0.02, 0.5, 1.0, 3.7, 120.0])
def test_the_teacher_softened_by_tau_has_effective_temperature_tau(temperature: float) -> None:
    teacher = spread()
    student = teacher / temperature + torch.randn(50, 1, generator=GENERATOR)
    assert probing.effective_temperature(student, teacher) == pytest.approx(temperature, rel=2e-3)


def test_the_effective_temperature_makes_the_mean_entropies_equal() -> None:
    student, teacher = spread(scale=0.4), spread(scale=6.0)
    found = probing.effective_temperature(student, teacher)

    def entropy(logits: np.ndarray) -> float:
        total = 0.0
        for row in logits.astype(float):
            p = np.exp(row - row.max())
            p /= p.sum()
            total -= float((p * np.log(p)).sum())
        return total / len(logits)

    assert entropy(teacher.numpy() / found) == pytest.approx(entropy(student.numpy()), rel=1e-4)


def test_no_temperature_is_not_a_number() -> None:
    teacher, flat = spread(), torch.zeros(50, 7)
    for student, guide in ((flat, teacher), (teacher, flat), (1e6 * teacher, teacher), (teacher / 1e4, teacher)):
        assert math.isnan(probing.effective_temperature(student, guide))


def test_the_logit_scale_is_the_median_ratio_of_spreads() -> None:
    student, teacher = spread(), spread()
    ratios = [float(np.std(t)) / float(np.std(s)) for s, t in zip(student.numpy(), teacher.numpy(), strict=True)]
    assert float(probing.logit_scale(student, teacher)) == pytest.approx(sorted(ratios)[24], rel=1e-5)
    assert float(probing.logit_scale(student, 4 * student + 1)) == pytest.approx(4.0, rel=1e-5)


def test_probabilities_and_their_logarithms_are_recognised() -> None:
    logits = spread()
    kinds = {"logits": logits, "probabilities": logits.softmax(1), "logarithms": logits.log_softmax(1)}
    found = {
        name: (probing.share_of_probabilities(each), probing.share_of_log_probabilities(each))
        for name, each in kinds.items()
    }
    assert found == {"logits": (0.0, 0.0), "probabilities": (1.0, 0.0), "logarithms": (0.0, 1.0)}
    mixed = torch.cat((logits[:10].softmax(1), logits[10:]))
    assert probing.share_of_probabilities(mixed) == pytest.approx(0.2)
    assert probing.share_of_probabilities(-logits.softmax(1)) == 0.0


def test_renamed_classes_are_found() -> None:
    counts = torch.tensor([[8, 1, 1], [0, 9, 1], [2, 0, 8]])
    assert probing.relabelled(counts) == pytest.approx((25 / 30, 25 / 30, 30))
    assert probing.relabelled(counts[:, [1, 2, 0]]) == pytest.approx((4 / 30, 25 / 30, 30))
    assert probing.relabelled(counts[:, [1, 0, 2]]) == pytest.approx(((1 + 0 + 8) / 30, 25 / 30, 30))


def test_renaming_never_promises_more_than_the_best_one_to_one() -> None:
    random = np.random.default_rng(0)
    for _ in range(50):
        counts = random.integers(0, 9, (5, 5))
        right, best, asked = probing.relabelled(torch.from_numpy(counts))
        assert asked == counts.sum()
        rows, columns = linear_sum_assignment(-counts)
        assert right <= best <= counts[rows, columns].sum() / counts.sum() + 1e-9


def test_the_power_of_the_temperature() -> None:
    gradients = {30.0: torch.tensor([3.0, 4.0]), 60.0: torch.tensor([0.0, 1.25])}
    assert probing.power_of_temperature(gradients) == pytest.approx(-2.0)
    assert math.isnan(probing.power_of_temperature({1.0: torch.zeros(2), 2.0: torch.ones(2)}))
