"""Measures of one's own are taken at the end of a run, stored, and compared in a study like the score."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score

from tests.contracts.probes.world import run, setting
from workbench.cli import summary
from workbench.engine.store import Store
from workbench.engine.study.study import study
from workbench.maths.intervals import mean_interval
from workbench.methods.catalog import make
from workbench.records.budget import Budget
from workbench.records.measure import Measure
from workbench.records.study import Study
from workbench.reports.page import report

ONE = Budget(epochs=1, batch_size=16)


def auc(models, where, seed):
    outputs = models["student"](where.test.inputs).softmax(1)
    return roc_auc_score(where.test.labels, outputs, multi_class="ovr")


def error(models, where, seed):
    return (models["student"](where.test.inputs).argmax(1) != where.test.labels).double().mean() + 0 * seed


MEASURES = {"auc": Measure(auc, bounds=(0, 1)), "error": Measure(error, "share", higher_is_better=False)}


def test_a_measure_is_that_of_the_deployed_models_and_stored_with_the_run(tmp_path: Path):
    where, store = setting(measures=MEASURES), Store(folder=tmp_path)
    found = run(where, make("kd"), ONE)
    outputs = torch.tensor(found.predictions["student"])
    assert found.measures["auc"] == pytest.approx(
        roc_auc_score(found.test_labels, outputs.softmax(1), multi_class="ovr"), abs=1e-6
    )
    assert found.measures["error"] == pytest.approx(1 - found.scores["student"].last / 100)
    assert found.facts["measures"]["error"]["unit"] == "share"
    store.save(found)
    assert store.load(found.id).measures == found.measures
    assert "auc" in report(found, tmp_path / "page.html").read_text()


def test_a_study_compares_measures_in_their_own_direction_and_bounds(tmp_path: Path):
    found = study(setting(measures=MEASURES), [make("kd")], 3, quick=True, budget=ONE, store=Store(folder=tmp_path))
    arms = {name: np.array([o.measures["error"] for o in arm.outcomes]) for name, arm in found.arms.items()}
    assert found.comparison("kd", "error").difference == pytest.approx((arms["labels_only"] - arms["kd"]).mean())
    expected = mean_interval([o.measures["auc"] for o in found.arms["kd"].outcomes], bounds=(0, 1))
    assert found.measures["auc"].intervals["kd"].mean == pytest.approx(expected.mean)
    assert 0 <= found.measures["auc"].intervals["kd"].low <= found.measures["auc"].intervals["kd"].high <= 1
    again = Study.from_dict(json.loads(json.dumps(found.to_dict())))
    assert again.measures["auc"].intervals == found.measures["auc"].intervals
    assert again.comparison("kd", "auc").difference == pytest.approx(found.comparison("kd", "auc").difference)
    assert "auc (higher is better): kd" in " ".join(str(found).split())
    assert "error (share, lower is better): kd" in " ".join(str(found).split())
    assert {row["arm"]: row["error"] for row in found.rows()}["kd"] == pytest.approx(arms["kd"].mean())
    assert summary.of_compare(found, 1.0)["measures"].keys() == MEASURES.keys()
    assert "auc (higher is better): kd" in report(found, tmp_path / "page.html").read_text()
    assert found.comparison("kd") == found.comparisons["kd"]
    with pytest.raises(KeyError, match="no measure 'f1'; there are auc, error"):
        found.comparison("kd", "f1")


def failing(models, where, seed):
    raise RuntimeError("no such file")


@pytest.mark.parametrize(
    ("measure", "message"),
    [
        (failing, "RuntimeError: no such file"),
        (lambda models, where, seed: float("nan"), "it returned nan"),
        (lambda models, where, seed: np.ones(3), "TypeError"),
        (lambda models, where, seed: "0.5", "it returned a str"),
        (lambda models, where, seed: None, "TypeError"),
        (Measure(lambda models, where, seed: 2.0, bounds=(0, 1)), "outside its bounds of 0 to 1"),
    ],
)
def test_a_measure_that_fails_is_a_warning_and_the_run_is_kept(measure, message):
    found = run(setting(measures={"mine": measure, "error": error}), make("labels_only"), ONE)
    assert [warning for warning in found.warnings if message in warning and "'mine' has no value" in warning]
    assert found.measures.keys() == {"error"}


def test_a_measure_cannot_change_models_or_random_state():
    def wild(models, where, seed):
        torch.manual_seed(99)
        for parameter in models["student"].parameters():
            parameter.data.zero_()
        return 0.0

    plain, wilder = (run(setting(measures=given), make("kd"), ONE) for given in ({}, {"wild": wild}))
    for name, tensor in plain.models["student"].items():
        assert torch.equal(tensor, wilder.models["student"][name])


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({"auc": 3}, TypeError, "measure 'auc'|a measure is a int"),
        ({"auc": lambda models: 1.0}, TypeError, r"must take \(models, setting, seed\)"),
        ({"": failing}, ValueError, "is no name of a measure"),
        ({3: failing}, ValueError, "3 is no name"),
        ({"accuracy": failing}, ValueError, "names something else"),
        ({"agreement": failing}, ValueError, "names something else"),
        ([failing], TypeError, "give a dict"),
    ],
)
def test_what_is_no_measure_is_refused_when_the_setting_is_made(given, error, message):
    with pytest.raises(error, match=message):
        setting(measures=given)


@pytest.mark.parametrize(
    ("given", "error"),
    [({"bounds": (1, 0)}, ValueError), ({"smallest_effect": 0}, ValueError), ({"unit": 3}, ValueError)],
)
def test_what_a_measure_says_of_itself_is_checked(given, error):
    with pytest.raises(error):
        Measure(auc, **given)


def test_the_code_of_a_measure_is_part_of_the_identity():
    def made(value):
        return lambda models, where, seed: value

    ids = [setting(measures={"mine": made(value)}).identity()["measures"] for value in (1.0, 2.0, 1.0)]
    assert ids[0] != ids[1]
    assert ids[0] == ids[2]
    assert setting().identity()["measures"] == {}
