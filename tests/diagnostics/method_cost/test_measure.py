"""What methods cost, from ledgers that were written by hand and from a study that was run."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from tests import examples
from tests.diagnostics.method_cost.examples import GAINS, SPENT
from workbench.diagnostics.method_cost.measure import Spent, method_cost, method_cost_of
from workbench.engine.study.study import study
from workbench.methods.features.fitnets import FitNets
from workbench.methods.logits.kd import KD
from workbench.models.mlp import MLP
from workbench.records.budget import Budget
from workbench.settings.setting import Setting


def test_ratios_by_hand() -> None:
    found = method_cost(SPENT, "labels_only", GAINS)
    assert found.methods == ("labels_only", "kd", "crd", "simkd")
    np.testing.assert_allclose(found.ratios, [1.0, 0.0012 / 0.0009, 9.0667e-3 / 0.0009, 6.1e-3 / 0.0009], rtol=1e-3)
    np.testing.assert_allclose([found.ratios_low[1], found.ratios_high[1]], [11 / 9, 13 / 9])
    assert found.extra.tolist() == [0, 0, 0, 398_000]
    assert found.gains[1] == GAINS["kd"]
    assert math.isnan(found.gains[0].mean)
    assert found.warnings == ()
    text = found.explain()
    assert "crd takes most processor time per step: 10.1 times that of labels_only" in text
    assert "asked during training by crd and simkd." in text
    assert text.endswith("Parameters added to the student in use: simkd (398,000).")


def test_rows_and_table_say_the_same() -> None:
    found = method_cost(SPENT, "labels_only", GAINS)
    rows = {row["quantity"]: row for row in found.rows()}
    assert rows["crd: times labels_only"]["value"] == pytest.approx(found.ratios[2])
    assert rows["crd: times labels_only"]["high"] == pytest.approx(0.0095 / 0.0009)
    assert (rows["kd: gain"]["value"], rows["kd: gain"]["low"]) == (9.5, 8.1)
    table = found.table()
    assert list(table.index) == list(SPENT)
    assert table.loc["crd", "learnt besides"] == rows["crd: learnt besides"]["value"] == 69_888
    assert table.loc["crd", "seconds per step"] == pytest.approx(9.0667e-3, rel=1e-4)
    assert len(rows) == 4 * (len(table.columns))


def test_what_is_unknown_is_said() -> None:
    blind = {"labels_only": Spent((0.001,), steps=640), "old": Spent((math.nan,), steps=900)}
    found = method_cost(blind, "labels_only")
    assert math.isnan(found.ratios[1])
    assert found.warnings[0] == "without a ledger of all runs: old"
    assert "they train for 640 to 900 steps" in found.warnings[1]
    assert "nothing is known of the cost" in found.explain()


def test_bad_input() -> None:
    with pytest.raises(KeyError, match="no 'nothing' to compare with; there are labels_only, kd"):
        method_cost(SPENT, "nothing")
    with pytest.raises(ValueError, match="'kd' is the only method"):
        method_cost({"kd": SPENT["kd"]}, "kd")


def test_a_ledger_is_read_by_hand() -> None:
    """Two stages that learn: 3 + 1 seconds in 40 steps; 100 samples, each of which the teacher saw one and a half times."""

    def ledger(asked: float) -> dict[str, object]:
        rows = [
            ("preparation", 9.0, 0, 0, 77.0),
            ("assistant_training", 1.0, 10, 20, 0.0),
            ("student", 3.0, 30, 80, asked),
        ]
        names = ("stage", "cpu_s", "steps", "samples")
        stages = [dict(zip(names, row[:4], strict=True)) | {"flops": {"teacher forward": row[4]}} for row in rows]
        return {"stages": stages, "serving": {"teacher": {"samples": 10, "flops": {"teacher forward": 50.0}}}}

    def run(identity: str) -> object:
        method = nn.Linear(3, 2)
        facts = {
            "parameters": {"student": 10, "assistant": 30, "teacher": 99},
            "steps": {"student": 30, "assistant": 10},
        }
        if identity == "labels_only":
            facts = {"parameters": {"student": 4, "teacher": 99}, "steps": {"student": 40}}
        made = examples.run(facts=facts | {"energy": ledger(0.0 if identity == "labels_only" else 750.0)})
        return replace(made, reviver=SimpleNamespace(revive=lambda *_: SimpleNamespace(method=method)))

    plan = examples.study(arms=2, seeds=1)
    arms = {
        name: replace(arm, outcomes=tuple(replace(o, run=name) for o in arm.outcomes), role=role)
        for (name, arm), role in zip(plan.arms.items(), ("control", "method"), strict=True)
    }
    found = method_cost_of(replace(plan, arms=arms, loader=run))
    np.testing.assert_allclose(found.seconds, [0.1, 0.1])
    np.testing.assert_allclose(found.passes, [0.0, 1.5])
    assert found.learnt.tolist() == [8, 38]  # a layer of 3 x 2 + 2, and the assistant beside it
    assert found.extra.tolist() == [0, 6]
    assert found.steps.tolist() == [40, 40]


@pytest.fixture(scope="module")
def finished():
    """A minute study of random points, really run."""
    torch.manual_seed(0)
    data = {part: (torch.randn(40, 4), torch.arange(40) % 4) for part in ("train", "test")}
    budget = Budget(epochs=2, batch_size=20)
    setting = Setting(**data, teacher=MLP(4, (6, 6), 4), student=partial(MLP, 4, (5,), 4), budget=budget)
    return study(setting, [KD(), FitNets()], seeds=1, quick=True), setting


@pytest.mark.slow
def test_a_study_that_was_run(finished) -> None:
    """Answers of a fixed teacher are kept, its layers are not; FitNets learns a map from 5 to 6 units."""
    found = method_cost_of(*finished)
    assert found.methods == ("labels_only", "kd", "fitnets")
    assert (found.seconds > 0).all()
    np.testing.assert_allclose(found.passes, [0.0, 0.0, 1.0])
    assert found.learnt.tolist() == [0, 0, 5 * 6 + 6]
    assert found.extra.tolist() == [0, 0, 0]
    assert (found.steps == found.steps[0]).all()
