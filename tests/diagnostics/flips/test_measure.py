"""Flips counted by hand on ten samples, and the tests on them."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tests import examples
from workbench.diagnostics.flips.measure import FLIPS, codes_of, flips, flips_of

LABELS = np.array([0, 0, 0, 0, 1, 1, 1, 2, 2, 2])
MODEL = np.array([0, 0, 1, 0, 1, 1, 0, 2, 1, 0])  # right on 0 1 3 4 5 7
BASE = np.array([0, 1, 0, 0, 0, 1, 0, 1, 2, 1])  # right on 0 2 3 5 8
TEACHER = np.array([0, 0, 1, 0, 1, 1, 1, 1, 2, 0])
EYE = np.eye(3)


def found(**changes):
    return flips(EYE[MODEL], EYE[BASE], LABELS, **{"teacher_logits": EYE[TEACHER], **changes})


def test_the_four_groups():
    each = found()
    assert (each.common_right, each.progress, each.regress, each.common_wrong) == (3, 3, 2, 2)
    assert each.wrong_alike == 1  # sample 6; in sample 9 they differ
    assert each.churn.mean == 0.6
    assert (each.accuracy.mean, each.baseline_accuracy.mean) == (0.6, 0.5)
    assert each.net.mean == pytest.approx(0.1)
    assert (each.positive_flips.mean, each.negative_flips.mean) == (0.3, 0.2)
    assert each.relative_negative.mean == pytest.approx(0.2 / (0.5 * 0.4))


def test_where_the_flips_come_from():
    each = found()
    # won are 1, 4 and 7, of which the teacher knows 1 and 4; lost are 2 and 8, and it makes the model's error in 2
    assert (each.progress_taught.mean, each.progress_taught.n) == (pytest.approx(2 / 3), 3)
    assert (each.regress_taught.mean, each.regress_taught.n) == (0.5, 2)
    assert math.isnan(found(teacher_logits=None).progress_taught.mean)


def test_by_class():
    each = found()
    assert each.progress_by_class.tolist() == [1, 1, 1]
    assert each.regress_by_class.tolist() == [1, 0, 1]


def test_codes_name_the_group_of_each_sample():
    codes = codes_of(EYE[MODEL], EYE[BASE], LABELS)
    right, progress, regress, wrong = ("common_right", "progress", "regress", "common_wrong")
    wanted = [right, progress, regress, right, progress, right, wrong, progress, regress, wrong]
    assert [FLIPS[code] for code in codes] == wanted


def test_ten_won_and_two_lost():
    labels = np.zeros(40, int)
    model, base = np.zeros(40, int), np.zeros(40, int)
    base[:10], model[10:12] = 1, 1
    each = flips(EYE[model], EYE[base], labels)
    assert (round(each.p_exact, 5), round(each.chi2, 3)) == (0.03857, 4.083)
    assert each.net.mean == pytest.approx(8 / 40)
    assert each.net.low < 8 / 40 < each.net.high


def test_the_interval_of_the_net_change_is_that_of_paired_differences():
    """Variance of the mean of d in {-1, 0, 1}: (won + lost - (won - lost)^2 / n) / n^2."""
    n, won, lost = 400, 60, 30
    labels, model, base = np.zeros((3, n), int)
    base[:won], model[won : won + lost] = 1, 1
    each = flips(EYE[model], EYE[base], labels)
    deviation = math.sqrt((won + lost - (won - lost) ** 2 / n) / n**2)
    assert each.net.high - each.net.low == pytest.approx(2 * 1.96 * deviation, rel=0.08)


def test_identical_models_do_not_flip():
    each = flips(EYE[MODEL], EYE[MODEL], LABELS)
    assert (each.progress, each.regress, each.churn.mean, each.p_exact, each.p_mid) == (0, 0, 0, 1, 1)
    assert any("only 0 samples flip" in warning for warning in each.warnings)


def test_a_model_without_errors_has_nothing_to_regress_from():
    each = flips(EYE[LABELS], EYE[BASE], LABELS)
    assert math.isnan(each.relative_negative.mean)
    assert each.regress == 0


def test_unrelated_errors_have_relative_one():
    generator = np.random.default_rng(0)
    labels = np.zeros(8_000, int)
    model, base = (generator.random(8_000) > right for right in (0.8, 0.7))
    each = flips(EYE[model.astype(int)], EYE[base.astype(int)], labels)
    assert each.relative_negative.mean == pytest.approx(1, abs=0.07)


def test_a_run_against_another_and_against_its_teacher():
    run = examples.run(classes=4)
    against = examples.control(seed=0)
    other = examples.run(classes=4, name="labels_only", seed=0)
    each = flips_of(run, other)
    assert (each.against, each.progress, each.regress) == ("labels only", 0, 0)
    taught = flips_of(run)
    assert taught.against == "its teacher"
    outcomes = [int((run.predictions[p].argmax(1) == run.test_labels).sum()) for p in ("student", "teacher")]
    assert taught.progress - taught.regress == outcomes[0] - outcomes[1]
    with pytest.raises(ValueError, match="have other classes"):
        flips_of(run, against)
