"""Agreement on the teacher's errors by hand, against its closed form, and where errors were planted."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tests import examples
from workbench.diagnostics.inherited_errors.measure import coincidence, inherited_errors, inherited_errors_of

EYE = np.eye(3)
LABELS = np.array([0, 0, 0, 1, 1, 1, 2, 2])
TEACHER = np.array([0, 1, 2, 1, 0, 0, 2, 1])  # wrong on 1 2 4 5 7
STUDENT = np.array([0, 1, 1, 1, 0, 1, 0, 1])  # follows it on 1 4 7, and on 0 3 of the right ones
OTHER = np.array([0, 0, 2, 1, 2, 1, 2, 0])  # follows it on 2, and on 0 3 6


def test_shares_by_hand():
    found = inherited_errors(EYE[STUDENT], EYE[TEACHER], LABELS, {"other": EYE[OTHER]})
    assert found.teacher_wrong == 5
    assert {name: each.mean for name, each in found.when_wrong.items()} == {"student": 0.6, "other": 0.2}
    assert found.when_right["student"].mean == pytest.approx(2 / 3)
    assert found.when_right["other"].mean == 1
    # both wrong: the student on 1 2 4 7, alike on 1 4 7; the other on 2 4 7, alike on 2
    assert (found.same_error["student"].mean, found.same_error["student"].n) == (0.75, 4)
    assert found.same_error["other"].mean == pytest.approx(1 / 3)
    assert found.gain_wrong["other"].mean == pytest.approx(0.4)
    assert found.gain_right["other"].mean == pytest.approx(-1 / 3)
    assert found.asymmetry["other"].mean == pytest.approx(0.4 + 1 / 3)
    assert found.uniform_chance == 0.5


def test_chance_of_the_same_error_in_a_loop():
    generator = np.random.default_rng(0)
    labels, student, teacher = generator.integers(0, 4, (3, 50))
    wanted = 0.0
    for y in range(4):
        rows = [i for i in range(50) if labels[i] == y]
        for k in range(4):
            wanted += sum(student[i] == k for i in rows) * sum(teacher[j] == k for j in rows) / len(rows)
    assert coincidence(labels, student, teacher, 4) == pytest.approx(wanted / 50)
    assert math.isnan(coincidence(labels[:0], student[:0], teacher[:0], 4))


def test_unrelated_errors_coincide_by_chance():
    generator, n = np.random.default_rng(1), 20_000
    labels = generator.integers(0, 5, n)
    student, teacher = (
        np.where(generator.random(n) < right, labels, (labels + generator.integers(1, 5, n)) % 5)
        for right in (0.6, 0.7)
    )
    found = inherited_errors(np.eye(5)[student], np.eye(5)[teacher], labels)
    assert found.same_error["student"].mean == pytest.approx(1 / 4, abs=0.03)
    assert found.chance["student"] == pytest.approx(1 / 4, abs=0.01)
    assert found.when_wrong["student"].mean == pytest.approx((1 - 0.6) / 4, abs=0.02)
    assert found.when_right["student"].mean == pytest.approx(0.6, abs=0.02)


def planted(wrong, right, n=3000):
    """A student that copies its teacher on these shares of its errors and of its knowledge, else a reference."""
    generator = np.random.default_rng(2)
    labels = generator.integers(0, 5, n)
    teacher, reference = (
        np.where(generator.random(n) < 0.7, labels, (labels + generator.integers(1, 5, n)) % 5) for _ in range(2)
    )
    share = np.where(teacher == labels, right, wrong)
    student = np.where(generator.random(n) < share, teacher, reference)
    logits = [np.eye(5)[each] for each in (student, teacher, reference)]
    return inherited_errors(logits[0], logits[1], labels, {"reference": logits[2]})


def test_a_planted_asymmetry_is_found_with_its_sign_and_size():
    found = planted(wrong=0.5, right=0.0)
    # following it on half of the errors adds 0.5 (1 - share that agrees anyway) there, and nothing elsewhere
    assert found.gain_wrong["reference"].mean == pytest.approx(0.5 * (1 - 0.3 / 4), abs=0.04)
    assert found.gain_right["reference"].mean == 0
    assert found.asymmetry["reference"].low > 0.3
    assert planted(wrong=0.0, right=0.8).asymmetry["reference"].high < 0
    none = planted(wrong=0.0, right=0.0)
    assert (none.asymmetry["reference"].mean, none.asymmetry["reference"].high) == (0, 0)


def test_intervals_are_paired_and_as_wide_as_binomial_ones():
    found = planted(wrong=0.5, right=0.0).gain_wrong["reference"]
    p, n = found.mean, found.n  # each sample gains or not
    assert found.high - found.low == pytest.approx(2 * 1.96 * math.sqrt(p * (1 - p) / n), rel=0.12)


def test_a_teacher_without_errors_leaves_it_open():
    found = inherited_errors(EYE[STUDENT], EYE[LABELS], LABELS, {"other": EYE[OTHER]})
    assert math.isnan(found.when_wrong["student"].mean)
    assert math.isnan(found.asymmetry["other"].mean)
    assert "no error to take over" in found.warnings[0]
    assert "right on all 8 samples" in found.explain()


def test_a_reference_that_follows_everywhere_is_told():
    found = inherited_errors(
        EYE[STUDENT], EYE[TEACHER], LABELS, {"other": EYE[np.where(TEACHER == LABELS, TEACHER, 0)]}
    )
    assert any("other agrees with the teacher wherever it is right" in each for each in found.warnings)
    assert not any("no reference" in each for each in found.warnings)


def test_runs_as_references():
    run = examples.run()
    found = inherited_errors_of(run, {"again": examples.run(name="labels_only")})
    assert found.asymmetry["again"].mean == 0
    assert found.models == ("student", "again")
    with pytest.raises(ValueError, match="their ids differ"):
        inherited_errors_of(run, {"other": examples.run(test_ids=run.test_ids[::-1])})


def test_bad_input():
    with pytest.raises(ValueError, match="a reference is called 'student'"):
        inherited_errors(EYE[STUDENT], EYE[TEACHER], LABELS, {"student": EYE[OTHER]})
