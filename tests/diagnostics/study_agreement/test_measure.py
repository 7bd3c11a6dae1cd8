"""Agreement over a study against the agreement of its runs, and a planted order of arms."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import ttest_rel

from tests import examples
from tests.diagnostics.study_agreement.examples import stored
from workbench.diagnostics.agreement.measure import agreement_of
from workbench.diagnostics.study_agreement.measure import study_agreement_of

STUDY = stored(seeds=4)
FOUND = study_agreement_of(STUDY)


def test_every_seed_is_the_agreement_of_its_run():
    for arm in STUDY.arms:
        runs = [agreement_of(STUDY.run(arm, seed)) for seed in range(4)]
        for name, wanted in (
            ("top1", [r.top1.mean for r in runs]),
            ("forward_kl", [r.forward_kl.mean for r in runs]),
            ("accuracy", [r.student_accuracy.mean for r in runs]),
            ("phi", [r.phi.mean for r in runs]),
        ):
            assert FOUND.per_seed[name][arm] == pytest.approx(wanted)
            interval = getattr(FOUND, name)[arm]
            assert interval.mean == pytest.approx(np.mean(wanted))
            assert interval.low < interval.mean < interval.high


def test_the_planted_order_comes_out():
    assert FOUND.arms == ("labels_only", "method_1", "method_2")
    assert FOUND.phi["method_1"].mean > FOUND.phi["method_2"].mean > FOUND.phi["labels_only"].mean
    assert FOUND.gain["method_1"].low > 0
    assert "labels_only" not in FOUND.gain


def test_p_values_are_those_of_paired_t_tests_after_holm():
    top1 = FOUND.per_seed["top1"]
    raw = {arm: ttest_rel(top1[arm], top1["labels_only"]).pvalue for arm in ("method_1", "method_2")}
    assert FOUND.p == pytest.approx(raw)
    small, large = sorted(raw, key=raw.__getitem__)
    assert FOUND.p_adjusted[small] == pytest.approx(2 * raw[small])
    assert FOUND.p_adjusted[large] == pytest.approx(max(raw[large], 2 * raw[small]))


@pytest.mark.parametrize("seeds", [1, 2])
def test_below_three_seeds_nothing_has_an_interval(seeds):
    found = study_agreement_of(stored(seeds=seeds))
    for name in ("top1", "forward_kl", "accuracy", "phi", "gain"):
        for each in getattr(found, name).values():
            assert math.isnan(each.low)
            assert math.isnan(each.high)
    assert "no interval" in found.explain()
    assert "nan" not in found.explain()


def test_the_gains_interval_decides_what_the_sentence_says():
    for threshold, said in ((True, 0), (False, 1)):
        gain = FOUND.gain["method_1"]
        shown = gain if threshold else replace(gain, low=-gain.high)
        text = replace(FOUND, gain={"method_1": shown}).explain()
        assert text.count("cannot tell from none") == said
    for arm, gain in FOUND.gain.items():
        assert gain.excludes(0) == (FOUND.p_adjusted[arm] < 0.05)


def test_a_single_arm_and_progress():
    told = []
    found = study_agreement_of(STUDY, ["method_2"], tell=lambda share, words: told.append((share, words)))
    assert found.arms == ("labels_only", "method_2")
    assert told == [(0.0, "labels_only"), (0.5, "method_2")]
    assert found.p_adjusted == found.p


def test_one_seed_has_no_test():
    found = study_agreement_of(stored(seeds=1))
    assert math.isnan(found.p["method_1"])
    assert any("only 1 seed in an arm" in warning for warning in found.warnings)


def test_runs_that_cannot_be_compared_are_refused():
    other = examples.run(classes=4, predictions={"student": np.eye(4)}, test_ids=np.arange(4), test_labels=np.arange(4))
    with pytest.raises(KeyError, match="no outputs of 'teacher'"):
        study_agreement_of(STUDY.with_runs(lambda _: other))
    runs = {f"labels_only-{s}": STUDY.run("labels_only", s) for s in range(4)}
    runs["labels_only-2"] = replace(runs["labels_only-2"], test_ids=runs["labels_only-2"].test_ids + 1)
    with pytest.raises(ValueError, match="was tested on other samples than the other seeds"):
        study_agreement_of(STUDY.with_runs(runs.__getitem__))
    with pytest.raises(KeyError, match="no arm 'kd'"):
        study_agreement_of(STUDY, ["kd"])
