"""Agreement beyond chance, by hand on small tables and against slow literal sums."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import cohen_kappa_score

from workbench.diagnostics.agreement.measure_chance import Picks, bounds, credit_of

triples = arrays(np.int64, (3, 14), elements=st.integers(0, 2))


def measured(student, teacher, labels, classes, credit=None):
    picks = Picks(np.asarray(student), np.asarray(teacher), np.asarray(labels), classes, credit)
    names = ("independent", "phi", "kappa", "weighted_kappa")
    return dict(zip(names, picks.measures(np.ones((1, len(labels))))[0], strict=True))


def test_bounds_reproduce_the_published_example():
    assert bounds(0.55, 0.95) == pytest.approx((0.5, 0.6))  # Stanton et al. 2021: at most 60 %
    assert bounds(0.75, 0.95) == pytest.approx((0.7, 0.8))
    assert bounds(0.2, 0.3) == pytest.approx((0.0, 0.9))


def test_two_wrong_models_of_two_classes_agree():
    assert bounds(0.2, 0.3, classes=2) == pytest.approx((0.5, 0.9))


@given(arrays(np.int64, (3, 12), elements=st.integers(0, 1)))
def test_two_classes_stay_within_their_bounds(drawn):
    student, teacher, labels = drawn
    low, high = bounds((student == labels).mean(), (teacher == labels).mean(), classes=2)
    assert low - 1e-12 <= (student == teacher).mean() <= high + 1e-12


def test_kappa_of_a_table_by_hand():
    """Teacher by row, student by column: 20 5 / 10 15. Agreement 0.7, by chance 0.5 x 0.6 + 0.5 x 0.4 = 0.5."""
    teacher = [0] * 25 + [1] * 25
    student = [0] * 20 + [1] * 5 + [0] * 10 + [1] * 15
    assert measured(student, teacher, [0] * 50, 2)["kappa"] == pytest.approx(0.2 / 0.5)


@given(triples)
def test_kappa_is_that_of_scikit_learn(drawn):
    student, teacher, labels = drawn
    found = measured(student, teacher, labels, 3)["kappa"]
    if len({*student, *teacher}) == 1:
        assert np.isnan(found)
    else:
        assert found == pytest.approx(cohen_kappa_score(student, teacher))


def test_credit_for_near_misses_is_linear_kappa():
    generator = np.random.default_rng(0)
    student, teacher = generator.integers(0, 4, (2, 60))
    place = np.arange(4)
    credit = 1 - np.abs(place[:, None] - place) / 3
    found = measured(student, teacher, teacher, 4, credit)
    assert found["weighted_kappa"] == pytest.approx(cohen_kappa_score(student, teacher, weights="linear"))
    assert found["kappa"] == pytest.approx(cohen_kappa_score(student, teacher))
    assert np.isnan(measured(student, teacher, teacher, 4)["weighted_kappa"])


def test_a_hierarchy_gives_credit_for_the_depth_that_is_shared():
    """Two levels above four classes: cat and dog share both, cat and pigeon the kingdom, cat and car nothing."""
    found = credit_of(["animal", "animal", "animal", "thing"], ["mammal", "mammal", "bird", "vehicle"])
    assert found[0] == pytest.approx([1, 2 / 3, 1 / 3, 0])
    assert np.array_equal(found, found.T)
    # the same name of a group under another one is another group
    assert credit_of(["a", "b"], ["other", "other"]).tolist() == [[1, 0], [0, 1]]
    with pytest.raises(ValueError, match="levels of 2, 3 classes"):
        credit_of([0, 1], [0, 1, 2])


def test_a_kappa_of_superclasses_by_hand():
    """Classes 0 1 | 2 3: one hit and three near misses give 5/8; classes met alike, each class has 3/2 of 4 by chance."""
    found = measured([0, 0, 2, 3], [0, 1, 3, 2], [0, 1, 2, 3], 4, credit_of("aabb"))["weighted_kappa"]
    # by chance: teacher 1/4 each; student 1/2 0, 1/4 2, 1/4 3; a class's credit is 1 with itself and 1/2 with its sister
    assert found == pytest.approx((5 / 8 - 3 / 8) / (1 - 3 / 8))


@given(triples)
def test_independent_agreement_in_a_loop(drawn):
    student, teacher, labels = (each.tolist() for each in drawn)
    wanted = 0.0
    for y in set(labels):
        rows = [i for i, label in enumerate(labels) if label == y]
        for k in range(3):
            said, taught = (sum(picks[i] == k for i in rows) / len(rows) for picks in (student, teacher))
            wanted += len(rows) / 14 * said * taught
    assert measured(student, teacher, labels, 3)["independent"] == pytest.approx(wanted)


def test_phi_by_hand():
    """One label; the teacher is right on 3 of 4, the student on 2: A_ind = 3/4 x 2/4 + 1/4 x 2/4 = 1/2, A_max = 3/4."""
    found = measured([0, 0, 1, 1], [0, 0, 0, 1], [0, 0, 0, 0], 2)
    assert found["independent"] == 0.5
    assert found["phi"] == pytest.approx((0.75 - 0.5) / (0.75 - 0.5))
    other = measured([0, 1, 1, 0], [0, 0, 0, 1], [0, 0, 0, 0], 2)
    assert other["phi"] == pytest.approx((0.25 - 0.5) / (0.75 - 0.5))


def test_identical_models_have_phi_one_and_perfect_ones_none():
    labels = np.random.default_rng(1).integers(0, 3, 90)
    teacher = np.where(np.arange(90) % 5 == 0, (labels + 1) % 3, labels)
    assert measured(teacher, teacher, labels, 3)["phi"] == 1
    assert np.isnan(measured(labels, labels, labels, 3)["phi"])


def test_models_that_share_only_the_labels_have_phi_zero():
    """Agreement of random models of accuracies a and b is a b + (1 - a)(1 - b) / (C - 1)."""
    generator, n, classes, a, b = np.random.default_rng(2), 60_000, 5, 0.8, 0.6
    labels = generator.integers(0, classes, n)
    student, teacher = (
        np.where(generator.random(n) < right, labels, (labels + generator.integers(1, classes, n)) % classes)
        for right in (a, b)
    )
    found = measured(student, teacher, labels, classes)
    assert found["independent"] == pytest.approx(a * b + (1 - a) * (1 - b) / (classes - 1), abs=0.01)
    assert (student == teacher).mean() == pytest.approx(found["independent"], abs=4 * (0.25 / n) ** 0.5)
    assert abs(found["phi"]) < 0.03


def test_counts_stand_for_repeated_samples():
    generator = np.random.default_rng(3)
    student, teacher, labels = generator.integers(0, 3, (3, 11))
    counts = np.array([[2, 0, 1, 3, 0, 1, 1, 0, 2, 1, 4], [1] * 11])
    credit = np.array([[1, 0.5, 0], [0.5, 1, 0.2], [0, 0.2, 1]])
    found = Picks(student, teacher, labels, 3, credit).measures(counts.astype(float))
    for row, weights in zip(found, counts, strict=True):
        rows = np.repeat(np.arange(11), weights)
        again = measured(student[rows], teacher[rows], labels[rows], 3, credit)
        assert row.tolist() == pytest.approx(list(again.values()))


@pytest.mark.parametrize(
    ("credit", "message"),
    [
        (np.eye(3), r"credit of shape \(3, 3\); 2 classes need \(2, 2\)"),
        (np.zeros((2, 2)), "1 on its diagonal"),
        (np.array([[1, 2], [0, 1]]), r"within|\[0, 1\]"),
    ],
)
def test_credit_must_make_sense(credit, message):
    with pytest.raises(ValueError, match=message):
        measured([0, 1], [0, 1], [0, 1], 2, credit)
