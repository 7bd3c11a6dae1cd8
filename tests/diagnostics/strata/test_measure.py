"""Groups of samples and means in them, counted by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.special import rel_entr, softmax

from tests import examples
from workbench.diagnostics.outputs import Pair, pair_of
from workbench.diagnostics.strata.measure import Stratified, strata, strata_of
from workbench.diagnostics.strata.measure_samples import HARD, SHARES, Samples, grouped
from workbench.maths.intervals import proportion_interval, t_interval

VALUES = {"agreement": [1, 0, 1, 1, 1], "forward_kl": [0.1, 0.4, 0.2, 0.5, 0.9]}


def test_means_and_intervals_of_each_group():
    found = strata(VALUES, [0, 0, 0, 2, 2], ("a", "b", "c"))
    assert found.counts.tolist() == [3, 0, 2]
    share, mean = proportion_interval(2, 3), t_interval([0.1, 0.4, 0.2])
    assert [found.means[0, 0], found.lows[0, 0], found.highs[0, 0]] == pytest.approx(
        [share.mean, share.low, share.high]
    )
    assert [found.means[1, 0], found.lows[1, 0], found.highs[1, 0]] == pytest.approx([mean.mean, mean.low, mean.high])
    assert found.means[1, 2] == pytest.approx(0.7)
    assert np.isnan(found.means[:, 1]).all()
    assert np.isnan(found.lows[:, 1]).all()
    assert found.overall.tolist() == pytest.approx([0.8, 0.42])


def test_one_sample_has_a_mean_and_no_bounds():
    found = strata({"forward_kl": [0.3, 0.1, 0.2]}, [0, 1, 1], ("a", "b"))
    assert found.means[0, 0] == 0.3
    assert np.isnan(found.lows[0, 0])
    assert any("fewer than 10 samples in 2 of 2 groups: a, b" in each for each in found.warnings)


def pair(student, teacher, labels):
    return Pair(np.log(student), np.log(teacher), np.asarray(labels), np.arange(len(labels)), ())


MADE = pair(
    [[0.9, 0.1], [0.2, 0.8], [0.6, 0.4], [0.3, 0.7]], [[0.55, 0.45], [0.05, 0.95], [0.3, 0.7], [0.3, 0.7]], [0, 1, 0, 1]
)


def test_groups_by_class_confidence_and_difficulty():
    assert grouped(MADE, "class", MADE.teacher)[0].tolist() == [0, 1, 0, 1]
    group, names = grouped(MADE, "confidence", MADE.teacher, 5)
    assert group.tolist() == [0, 4, 1, 1]  # 0.55, 0.95, 0.7, 0.7 of bins 0.1 wide from 0.5; an edge is of the bin below
    assert names == ("0.5 to 0.6", "0.6 to 0.7", "0.7 to 0.8", "0.8 to 0.9", "0.9 to 1")
    # the teacher misses the labels by 0.45, 0.05, 0.7 and 0.3; the student by 0.1, 0.2, 0.4 and 0.3
    group, names = grouped(MADE, "difficulty", MADE.teacher, 2)
    assert group.tolist() == [1, 0, 1, 0]
    assert names == ("up to 0.3", "up to 0.7")
    assert grouped(MADE, "difficulty", MADE.student, 2)[0].tolist() == [0, 0, 1, 1]


def test_measures_per_sample():
    found = Samples(MADE).measures((*SHARES, "forward_kl"), 2.0)
    assert found["agreement"].tolist() == [True, True, False, True]
    assert found["student_accuracy"].tolist() == [True, True, True, True]
    assert found["teacher_accuracy"].tolist() == [True, True, False, True]
    q, p = (softmax(z / 2, axis=1) for z in (MADE.student, MADE.teacher))
    assert found["forward_kl"] == pytest.approx(rel_entr(p, q).sum(1))


def test_hard_measures_by_hand():
    """Labels 0 2 1; teacher's order of the classes 0 1 2, 2 1 0, 0 2 1; student's 0 2 1, 1 2 0, 1 2 0."""
    orders = {"teacher": [[0, 1, 2], [2, 1, 0], [0, 2, 1]], "student": [[0, 2, 1], [1, 2, 0], [1, 2, 0]]}
    student, teacher = (-np.argsort(orders[party], axis=1).astype(float) for party in ("student", "teacher"))
    found = Samples(Pair(student, teacher, np.array([0, 2, 1]), np.arange(3), ())).measures(HARD, 7.0)
    assert tuple(found) == HARD
    assert found["student_only"].tolist() == [False, False, True]
    assert found["teacher_only"].tolist() == [False, True, False]
    assert found["non_target"].tolist() == [False, True, False]  # beside the label: 1, 2; 1, 1; 0, 2
    assert found["top_k"].tolist() == [0.5, 1.0, 0.5]  # of three classes the first two
    assert found["kendall"] == pytest.approx([1 / 3, 1 / 3, -1.0])  # one, one and three of three pairs turned round


def test_one_preparation_serves_every_property_measure_and_temperature():
    run = examples.run()
    prepared = Stratified(run)
    asked = [("class", "forward_kl", 2.0), ("confidence", "kendall", 1.0), ("class", "forward_kl", 0.5)]
    for by, measure, temperature in [*asked, asked[0]]:
        found, wanted = (
            ask(by, (measure,), temperature)
            for ask in (prepared.strata, lambda b, m, t: strata_of(run, b, m, temperature=t))
        )
        for name in ("means", "lows", "highs", "counts"):
            assert np.array_equal(getattr(found, name), getattr(wanted, name), equal_nan=True)


def test_groups_add_up_to_the_run():
    run = examples.run()
    said = [pair_of(run)[k].argmax(1) for k in (0, 1)]
    for by in ("class", "confidence", "difficulty"):
        found = strata_of(run, by)
        assert found.counts.sum() == 360
        assert (found.counts * np.nan_to_num(found.means[0])).sum() / 360 == pytest.approx((said[0] == said[1]).mean())
    hardest = strata_of(run, "difficulty").means[2]
    assert hardest[0] == 1
    assert hardest[-1] < 0.1  # by the teacher's own probability of the label


def test_a_baseline_says_what_is_hard():
    run = examples.run()
    other = examples.run(predictions={"student": run.predictions["student"]})
    found = strata_of(run, "difficulty", baseline=other)
    assert found.means[1, 0] == 1
    assert found.means[1, -1] < 0.1 < found.means[2, -1]


def test_what_it_says_skips_small_groups():
    found = strata({"agreement": np.r_[np.ones(30), np.zeros(31)]}, np.r_[[0] * 20, [1] * 40, 2], ("a", "b", "c"))
    assert "from 0.25 (b, 40 samples) to 1 (a, 20 samples)" in found.explain()
    assert "No group has 10 samples" in strata(VALUES, [0] * 5, ("a",)).explain()
    assert math.isclose(found.overall[0], 30 / 61)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: strata({}, [0], ("a",)), "0 measures"),
        (lambda: strata({"a": [1, 0]}, [0], ("a",)), "one per sample"),
        (lambda: strata({"a": [np.nan]}, [0], ("a",)), "NaN"),
        (lambda: strata({"a": [1]}, [1], ("a",)), "run from 1 to 1; there are 1 names"),
        (lambda: strata_of(examples.run(), "size"), "by = .size. is not one of .class., .confidence., .difficulty."),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_an_unknown_measure_is_named():
    with pytest.raises(KeyError, match="no measure 'size'; there are agreement, student_accuracy"):
        strata_of(examples.run(), measures=("size",))
