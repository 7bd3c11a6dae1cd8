"""Divergences of probabilities over seeds, against literal loops and identities."""

from __future__ import annotations

import math

import numpy as np
import pytest

from workbench.diagnostics.divergence.estimate import halves, jackknife
from workbench.diagnostics.divergence.gaps import bounded_losses, generalization_gaps
from workbench.diagnostics.divergence.predictive import pred_pairs, pred_seed, seeds_of


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
    assert pred_seed(student, teacher).value.mean == pytest.approx(total, rel=1e-10)


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
        assert pred_seed(student, teacher).value.mean <= pred_pairs(student, teacher).value.mean


def test_students_that_are_their_teachers_are_no_further_than_the_floor() -> None:
    teacher = drawn(6, 0)
    assert pred_seed(teacher, teacher).value.mean == pytest.approx(0, abs=1e-12)
    fresh = pred_pairs(drawn(6, 1), teacher)
    assert fresh.parts["above_floor"] < 0.2 * fresh.floor
    moved = pred_pairs(drawn(6, 1) + np.array([3.0, 0, 0, 0]), teacher)
    assert moved.parts["above_floor"] > moved.floor / 2


def test_one_pair_is_an_estimate_without_a_floor_and_says_so() -> None:
    found = pred_seed(drawn(1, 0), drawn(1, 1))
    assert math.isnan(found.floor)
    assert "without a floor" in found.warnings[0]
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


def test_halves_share_no_seed() -> None:
    for first, second in halves(7, 20):
        assert len(first) == len(second) == 3
        assert not set(first) & set(second)


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
