"""Divergences of probabilities over seeds, against literal loops and identities."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.special import softmax

from workbench.diagnostics.divergence.measure_estimate import apart, jackknife
from workbench.diagnostics.divergence.measure_gaps import bounded_losses, generalization_gaps
from workbench.diagnostics.divergence.measure_predictive import pred_pairs, pred_seed, seeds_of


def drawn(seeds: int, seed: int, spread: float = 1.0, shift: float = 0.0) -> np.ndarray:
    shared = np.random.default_rng(99).normal(size=(30, 4)) + shift
    return shared + spread * np.random.default_rng(seed).normal(size=(seeds, 30, 4))


def probabilities(logits: list[float]) -> list[float]:
    return [math.exp(z) / sum(map(math.exp, logits)) for z in logits]


def literal_kl(first: list[float], second: list[float]) -> float:
    return sum(p * math.log(p / q) for p, q in zip(first, second, strict=True))


def test_mean_probabilities_against_a_literal_loop() -> None:
    student, teacher, total = drawn(3, 0), drawn(5, 1), 0.0
    for x in range(30):
        mixed = []
        for group in (student, teacher):
            each = [probabilities(logits[x].tolist()) for logits in group]
            mixed.append([sum(column) / len(group) for column in zip(*each, strict=True)])
        total += literal_kl(*mixed) / 30
    assert pred_seed(student, teacher).parts["all_seeds"] == pytest.approx(total, rel=1e-10)


def literal_pairs(students: np.ndarray, teachers: np.ndarray) -> list[list[float]]:
    """Mean divergence over samples of every one of the first from every one of the second."""
    return [
        [np.mean([literal_kl(probabilities(a), probabilities(b)) for a, b in zip(s, t, strict=True)]) for t in teachers]
        for s in students.tolist()
    ]


def test_with_two_seeds_each_it_is_pairs_across_minus_half_the_pairs_within() -> None:
    student, teacher = drawn(2, 0), drawn(2, 1)
    across, mine, theirs = (
        literal_pairs(*each) for each in ((student, teacher), (student, student), (teacher, teacher))
    )
    within = (mine[0][1] + mine[1][0]) / 4 + (theirs[0][1] + theirs[1][0]) / 4
    found = pred_seed(student, teacher)
    assert found.floor == pytest.approx(within)
    assert found.parts["same_size"] == pytest.approx(np.mean(across))
    assert found.value.mean == pytest.approx(np.mean(across) - within)
    assert math.isnan(found.value.low)  # two seeds


@pytest.mark.parametrize("seeds", [2, 5])
@pytest.mark.parametrize("spread", [0.5, 2.0])
def test_students_drawn_as_their_teachers_are_zero_apart_on_average_at_any_number_of_seeds(
    seeds: int, spread: float
) -> None:
    rounds = 30
    found = [pred_seed(drawn(seeds, 2 * k, spread), drawn(seeds, 2 * k + 1, spread)) for k in range(rounds)]
    values, plain = (list(row) for row in zip(*((f.value.mean, f.parts["all_seeds"]) for f in found), strict=True))
    assert abs(np.mean(values)) < 3 * np.std(values, ddof=1) / rounds**0.5
    assert np.mean(plain) > 10 * abs(np.mean(values))  # which the number of seeds alone makes too large


def test_what_is_left_of_a_true_divergence_nears_it_with_more_seeds() -> None:
    shift = np.array([1.5, 0, 0, 0])
    mine, theirs = (softmax(each, axis=2).mean(axis=0) for each in (drawn(2000, 0, 0.5) + shift, drawn(2000, 1, 0.5)))
    many = (mine * np.log(mine / theirs)).sum(axis=1).mean()
    for seeds, tolerance in ((2, 0.15), (6, 0.08)):
        found = [pred_seed(drawn(seeds, 2 + k, 0.5) + shift, drawn(seeds, 70 + k, 0.5)).value.mean for k in range(12)]
        assert np.mean(found) == pytest.approx(many, rel=tolerance)


def test_the_interval_covers_zero_for_students_drawn_as_their_teachers() -> None:
    found = [pred_seed(drawn(5, 1000 + k), drawn(5, 2000 + k)).value for k in range(30)]
    assert np.mean([not each.excludes(0) for each in found]) >= 0.9


def test_pairs_and_their_floor_against_a_literal_loop() -> None:
    student, teacher = drawn(3, 0), drawn(4, 1)

    def kl(first: np.ndarray, second: np.ndarray) -> float:
        rows = zip(first.tolist(), second.tolist(), strict=True)
        return sum(literal_kl(probabilities(a), probabilities(b)) for a, b in rows) / 30

    found = pred_pairs(student, teacher)
    assert found.value.mean == pytest.approx(np.mean([[kl(s, t) for t in teacher] for s in student]))
    within = [kl(a, b) for i, a in enumerate(teacher) for j, b in enumerate(teacher) if i != j]
    assert found.floor == pytest.approx(np.mean(within))
    assert found.parts["above_floor"] == pytest.approx(found.value.mean - np.mean(within))


def test_averaging_over_seeds_only_lowers_it() -> None:
    for seed in range(20):
        student, teacher = drawn(4, seed, 2.0), drawn(3, 100 + seed, 2.0)
        assert pred_seed(student, teacher).parts["all_seeds"] <= pred_pairs(student, teacher).value.mean


def test_students_that_are_their_teachers_are_no_further_than_the_floor() -> None:
    teacher = drawn(6, 0)
    assert pred_seed(teacher, teacher).parts["all_seeds"] == pytest.approx(0, abs=1e-12)
    fresh = pred_pairs(drawn(6, 1), teacher)
    assert fresh.parts["above_floor"] < 0.2 * fresh.floor
    moved = pred_pairs(drawn(6, 1) + np.array([3.0, 0, 0, 0]), teacher)
    assert moved.parts["above_floor"] > moved.floor / 2


def test_one_pair_is_an_estimate_without_a_floor_and_says_so() -> None:
    found = pred_seed(drawn(1, 0), drawn(1, 1))
    assert math.isnan(found.floor)
    assert "without a floor; it is the distance of two nets" in found.warnings[0]
    assert found.value.low < found.value.mean < found.value.high
    assert found.value.n == 30
    assert math.isnan(pred_pairs(drawn(1, 0), drawn(1, 1)).value.low)


def test_a_shared_teacher_is_named() -> None:
    found = pred_seed(drawn(3, 0), drawn(1, 1))
    assert "share one teacher" in found.warnings[0]
    assert found.value.method == "t"
    assert found.value.n == 3


def test_large_logits_stay_finite() -> None:
    sure = np.array([[[800.0, 0.0]]])
    assert pred_seed(sure, -sure).value.mean == pytest.approx(800)


def test_the_jackknife_of_a_mean_is_its_standard_error() -> None:
    values = np.random.default_rng(0).normal(size=7)
    found = jackknife(lambda s, t: values[s].mean(), 7, 1)
    error = values.std(ddof=1) / math.sqrt(7)
    assert (found.high - found.mean) / 2.446911851 == pytest.approx(error)  # Student's t, 6 degrees, 97.5 %
    two = np.random.default_rng(1).normal(size=5)
    both = jackknife(lambda s, t: values[s].mean() - two[t].mean(), 7, 5)
    squared = error**2 + two.std(ddof=1) ** 2 / 5
    assert (both.high - both.mean) / 2.776445105 == pytest.approx(math.sqrt(squared))
    assert math.isnan(jackknife(lambda s, t: 1.0, 1, 1).low)


@pytest.mark.parametrize(("students", "teachers", "size"), [(2, 2, 1), (4, 4, 1), (5, 5, 2), (10, 6, 2), (7, 1, 3)])
def test_groups_have_one_size_and_share_no_seed(students: int, teachers: int, size: int) -> None:
    asked = []

    def distance(first: np.ndarray, second: np.ndarray) -> float:
        asked.append((first, second))
        return 1.0 if (first[0] < students) == (second[0] < students) else 3.0

    orders = [np.random.default_rng(k).permutation(students + teachers) for k in range(3)]
    found = apart(distance, np.arange(students), students + np.arange(teachers), orders)
    assert found.across == 3.0
    assert found.within == (1.0 if teachers > 1 else 0.5)
    for first, second in asked:
        assert not set(first) & set(second)
        assert {len(first), len(second)} <= {size, 1 if teachers == 1 else size}


def test_below_three_seeds_the_jackknife_has_no_bounds() -> None:
    values = np.array([1.0, 2.0, 4.0])
    assert math.isnan(jackknife(lambda s, t: values[s].mean(), 2, 1).low)
    assert jackknife(lambda s, t: values[s].mean(), 3, 1).low < 7 / 3


def test_seeds_are_checked() -> None:
    student, teacher = seeds_of(np.zeros((30, 4)), np.zeros((2, 30, 4)))
    assert (student.shape, teacher.shape) == ((1, 30, 4), (2, 30, 4))
    for wrong, message in (
        (np.zeros((2, 29, 4)), "on the same samples"),
        (np.zeros((2, 30, 3)), "on the same samples"),
        (np.zeros(4), "on the same samples"),
        (np.full((2, 30, 4), np.nan), "student logits hold NaN"),
    ):
        with pytest.raises(ValueError, match=message):
            seeds_of(wrong, teacher)
    with pytest.raises(ValueError, match="two classes are needed"):
        seeds_of(np.zeros((1, 5, 1)), np.zeros((1, 5, 1)))


def test_bounded_losses_against_a_literal_loop() -> None:
    logits, labels = np.random.default_rng(0).normal(size=(12, 3)), np.arange(12) % 3
    labels[4] = -1
    wrong = brier = 0.0
    for row, label in zip(logits.tolist(), labels.tolist(), strict=True):
        if label >= 0:
            p = probabilities(row)
            wrong += (row.index(max(row)) != label) / 11
            brier += sum((p[c] - (c == label)) ** 2 for c in range(3)) / 2 / 11
    assert bounded_losses(logits, labels) == pytest.approx([wrong, brier])
    best, worst = 50 * np.eye(3), -50 * np.eye(3)
    assert bounded_losses(best, np.arange(3)) == pytest.approx([0, 0])
    assert bounded_losses(np.roll(best, 1, axis=1), np.arange(3)) == pytest.approx([1, 1])  # never above one
    assert generalization_gaps(best, np.arange(3), worst, np.arange(3))[0] == 1
    with pytest.raises(ValueError, match="0 known"):
        bounded_losses(best, np.full(3, -1))
