"""Divergences over a vocabulary: what all of them share, their limits, bounds and closed forms."""

from __future__ import annotations

import math
from functools import partial

import pytest
import torch

from workbench.maths.token_divergences import (
    alpha_beta,
    head_share,
    jensen_shannon,
    reverse_kl,
    skew_kl,
    skew_reverse_kl,
    sorted_distance,
    total_variation,
    word_kl,
)

HALF, QUARTER = torch.tensor([1.0, 1.0]).log().double(), torch.tensor([1.0, 3.0]).log().double()  # 1/2 1/2, 1/4 3/4
DIVERGENCES = {
    "word_kl": word_kl,
    "reverse_kl": reverse_kl,
    "skew_kl": partial(skew_kl, skew=0.1),
    "skew_reverse_kl": partial(skew_reverse_kl, skew=0.1),
    "jensen_shannon": partial(jensen_shannon, beta=0.3),
    "total_variation": total_variation,
    "alpha_beta": partial(alpha_beta, alpha=0.2, beta=0.7),
}


def some(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(sum(shape)), dtype=torch.float64) * 2


@pytest.mark.parametrize("name", DIVERGENCES)
def test_it_is_0_where_both_agree_and_positive_elsewhere(name):
    """So the teacher's entropy is part of it; adding a number to all logits changes nothing."""
    student, teacher = some(4, 5, 7), some(4, 5, 7).flip(0)
    torch.testing.assert_close(DIVERGENCES[name](teacher + 3.0, teacher), torch.zeros(4, 5, dtype=torch.float64))
    assert (DIVERGENCES[name](student, teacher) > 1e-3).all()


@pytest.mark.parametrize("name", DIVERGENCES)
def test_certainty_leaves_it_finite_and_so_its_gradient(name):
    sure = torch.tensor([[200.0, -200.0, 0.0]])
    student = torch.tensor([[-200.0, 200.0, 0.0]], requires_grad=True)
    found = DIVERGENCES[name](student, sure)
    found.sum().backward()
    assert found.isfinite().all()
    assert student.grad.isfinite().all()


def test_the_two_directions_are_each_other_turned_round():
    torch.testing.assert_close(word_kl(QUARTER, HALF).item(), 0.5 * math.log(4 / 3))
    torch.testing.assert_close(reverse_kl(QUARTER, HALF).item(), 0.25 * math.log(0.5) + 0.75 * math.log(1.5))


def test_skew_ends_at_nothing_and_at_the_plain_divergence_and_is_bounded():
    student, teacher = some(6, 5), some(6, 5).flip(0)
    for skewed, plain in ((skew_kl, word_kl), (skew_reverse_kl, reverse_kl)):
        torch.testing.assert_close(skewed(student, teacher, 1e-9), plain(student, teacher), rtol=1e-6, atol=1e-6)
        torch.testing.assert_close(skewed(student, teacher, 1 - 1e-12), torch.zeros(6, dtype=torch.float64))
    opposite = torch.tensor([80.0, -80.0]), torch.tensor([-80.0, 80.0])
    assert skew_kl(*opposite, 0.1).item() == pytest.approx(math.log(10), rel=1e-5)


def test_skew_may_differ_from_position_to_position():
    student, teacher, skew = some(2, 3, 5), some(2, 3, 5).flip(0), torch.tensor([[0.1], [0.4]]).double()
    apart = torch.stack([skew_kl(student[0], teacher[0], 0.1), skew_kl(student[1], teacher[1], 0.4)])
    torch.testing.assert_close(skew_kl(student, teacher, skew), apart, rtol=1e-6, atol=1e-6)


def test_jensen_shannon_is_symmetric_in_the_middle_and_at_most_log_2():
    student, teacher = some(6, 5), some(6, 5).flip(0)
    turned = jensen_shannon(teacher, student, 0.5)
    torch.testing.assert_close(jensen_shannon(student, teacher, 0.5), turned)
    torch.testing.assert_close(jensen_shannon(student, teacher, 0.3), jensen_shannon(teacher, student, 0.7))
    opposite = torch.tensor([80.0, -80.0]), torch.tensor([-80.0, 80.0])
    assert jensen_shannon(*opposite, 0.5).item() == pytest.approx(math.log(2), rel=1e-5)


def test_jensen_shannon_vanishes_at_its_ends_where_others_jump_to_a_plain_divergence():
    """Only divided by its weight it tends to it."""
    student, teacher, small = some(6, 5), some(6, 5).flip(0), 1e-7
    for beta, plain in ((small, word_kl), (1 - small, reverse_kl)):
        found = jensen_shannon(student, teacher, beta)
        assert (found < 1e-5).all()
        torch.testing.assert_close(found / small, plain(student, teacher), rtol=1e-5, atol=1e-5)


def test_alpha_beta_tends_to_both_divergences_and_is_the_squared_distance_at_1_and_1():
    student, teacher = some(6, 5), some(6, 5).flip(0)
    for powers, plain in (((1, 1e-7), word_kl), ((1e-7, 1), reverse_kl)):
        torch.testing.assert_close(alpha_beta(student, teacher, *powers), plain(student, teacher), rtol=1e-4, atol=1e-6)
    squared = (student.softmax(1) - teacher.softmax(1)).square().sum(1) / 2
    torch.testing.assert_close(alpha_beta(student, teacher, 1, 1), squared)


def test_total_variation_is_half_the_distance():
    torch.testing.assert_close(total_variation(QUARTER, HALF).item(), 0.25)


def test_the_head_is_what_fits_into_its_probability_and_the_likeliest_in_any_case():
    teacher, student = (
        torch.tensor([0.1, 0.4, 0.2, 0.3]).log(),
        torch.tensor([0.2, 0.1, 0.3, 0.4]).log(),
    )  # gaps 1 3 1 1
    for head, share in ((0.05, 3 / 6), (0.5, 3 / 6), (0.71, 4 / 6), (0.91, 5 / 6), (1.1, 1.0)):
        assert head_share(student, teacher, head).item() == pytest.approx(share, rel=1e-5)
    assert head_share(teacher, teacher, 0.5) == 0


def test_how_a_vocabulary_is_numbered_does_not_matter():
    """A head found among sorted tokens but applied to unsorted ones would fail here."""
    student, teacher, order = some(6, 7), some(6, 7).flip(0), torch.tensor([3, 6, 0, 5, 1, 4, 2])
    for found in (*DIVERGENCES.values(), partial(head_share, head=0.5), sorted_distance):
        torch.testing.assert_close(found(student[:, order], teacher[:, order]), found(student, teacher))


def test_sorted_distance_ignores_what_probabilities_are_of_and_fills_the_smaller_vocabulary():
    torch.testing.assert_close(sorted_distance(HALF, QUARTER.flip(0)).item(), 0.5)
    wide = torch.tensor([0.2, 0.5, 0.3]).log().double()  # sorted 5 3 2 beside 7.5 2.5 0
    torch.testing.assert_close(sorted_distance(QUARTER, wide).item(), 0.5)
    torch.testing.assert_close(sorted_distance(wide, QUARTER).item(), 0.5)
