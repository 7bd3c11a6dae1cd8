"""A stream gives what all samples at once give, in memory that does not grow."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from tests import examples
from workbench.diagnostics.agreement.measure import agreement
from workbench.diagnostics.agreement.measure_stream import AgreementStream

STUDENT, TEACHER, LABELS = examples.outputs(classes=5, samples=600)
EXACT = ("top1", "student_accuracy", "teacher_accuracy", "top1_teacher_wrong")
PLAIN = ("lowest", "highest", "independent", "both_right", "student_only", "teacher_only", "both_wrong", "n")


def streamed(*ends):
    stream = AgreementStream(class_names=list("abcde"))
    for start, end in zip((0, *ends), (*ends, 600), strict=True):
        rows = slice(start, end)
        stream.update(STUDENT[rows], TEACHER[rows], LABELS[rows], ids=np.arange(600)[rows])
    return stream.result()


@pytest.mark.parametrize("ends", [(), (1,), (100, 350), tuple(range(7, 600, 7))])
def test_pieces_give_what_all_at_once_gives(ends):
    found, whole = streamed(*ends), agreement(STUDENT, TEACHER, LABELS, class_names=list("abcde"))
    for name in EXACT:
        assert getattr(found, name) == getattr(whole, name)
    for name in PLAIN:
        assert getattr(found, name) == pytest.approx(getattr(whole, name))
    np.testing.assert_array_equal(found.confusion, whole.confusion)
    assert found.forward_kl.mean == pytest.approx(whole.forward_kl.mean)
    assert (found.phi.mean, found.kappa.mean) == pytest.approx((whole.phi.mean, whole.kappa.mean))
    for name in ("forward_kl", "phi", "kappa"):
        one, other = getattr(found, name), getattr(whole, name)
        assert one.high - one.low == pytest.approx(other.high - other.low, rel=0.12)
    assert found.class_names == ("a", "b", "c", "d", "e")


def test_a_credit_for_near_misses_is_given_to_pieces_too():
    credit = np.kron(np.eye(3), np.ones((2, 2)))[:5, :5]
    stream = AgreementStream(credit=credit)
    for rows in (slice(0, 250), slice(250, 600)):
        stream.update(STUDENT[rows], TEACHER[rows], LABELS[rows])
    whole = agreement(STUDENT, TEACHER, LABELS, credit=credit).weighted_kappa
    assert stream.result().weighted_kappa.mean == pytest.approx(whole.mean)
    with pytest.raises(ValueError, match=r"5 classes need \(5, 5\)"):
        AgreementStream(credit=np.eye(4)).update(STUDENT, TEACHER, LABELS)


def test_memory_does_not_grow_with_the_samples():
    generator, stream = np.random.default_rng(0), AgreementStream()

    def piece():
        labels = generator.integers(0, 5, 2000)
        logits = 2 * np.eye(5, dtype=np.float32)[labels]
        stream.update(logits, logits + generator.normal(size=logits.shape).astype(np.float32), labels)

    for _ in range(3):
        piece()
    tracemalloc.start()
    before = tracemalloc.take_snapshot()
    for _ in range(20):
        piece()
    grown = sum(each.size_diff for each in tracemalloc.take_snapshot().compare_to(before, "filename"))
    tracemalloc.stop()
    assert grown < 100_000  # forty thousand samples of five classes are 1.6 MB
    assert stream.result().n == 46_000


def test_an_error_keeps_what_was_added_before():
    stream = AgreementStream()
    stream.update(STUDENT[:50], TEACHER[:50], LABELS[:50])
    with pytest.raises(ValueError, match="logits of 4 classes after 50 samples of 5"):
        stream.update(STUDENT[:9, :4], TEACHER[:9, :4], LABELS[:9] % 4)
    with pytest.raises(ValueError, match="NaN"):
        stream.update(STUDENT[:9] * np.nan, TEACHER[:9], LABELS[:9])
    assert stream.result().n == 50


def test_ids_must_be_the_same_in_the_same_order():
    stream, ids = AgreementStream(), np.arange(10)
    swapped = ids.copy()
    swapped[[3, 4]] = [4, 3]
    with pytest.raises(
        ValueError, match="ids differ in 2 of 10 rows, first in row 3: 3 of the student, 4 of the teacher"
    ):
        stream.update(STUDENT[:10], TEACHER[:10], LABELS[:10], ids=ids, teacher_ids=swapped)
    with pytest.raises(ValueError, match=r"ids of shape \(9,\) for 10 samples"):
        stream.update(STUDENT[:10], TEACHER[:10], LABELS[:10], ids=ids[:9])
    with pytest.raises(ValueError, match="no samples yet"):
        stream.result()


def test_ties_are_counted():
    stream = AgreementStream()
    stream.update(np.zeros((3, 2)), np.eye(2)[[0, 1, 0]], [0, 1, 0])
    assert "3 times several classes had the largest logit" in stream.result().warnings[-1]


def test_one_sample_has_no_interval_of_its_divergence():
    stream = AgreementStream()
    stream.update(STUDENT[:1], TEACHER[:1], LABELS[:1])
    assert stream.result().forward_kl.method == "none"
