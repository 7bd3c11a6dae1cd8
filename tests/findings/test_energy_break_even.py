"""The finding about energy: its stopping rule, its mixtures, and that it runs and decides by itself."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from tests.contracts.probes.world import same
from workbench.diagnostics.energy.measure_books import book_of
from workbench.engine.conditions import Conditions
from workbench.engine.distill import collect, distill
from workbench.findings import energy_break_even as finding
from workbench.methods.catalog import make


def test_the_rule_waits_for_progress_and_then_stops() -> None:
    rule = finding.Rule()
    scores = [50.0, 60.0, *[60.1] * (finding.PATIENCE - 1), 61.0, *[60.0] * finding.PATIENCE]
    assert [rule.over(score) for score in scores] == [False] * (len(scores) - 1) + [True]
    creeping = finding.Rule()
    assert any(creeping.over(50 + 0.1 * k) for k in range(finding.PATIENCE + 1)), "progress must be worth having"


def test_mixtures_lie_between_two_images_and_have_no_labels() -> None:
    train = finding._setting(8, mixed=False).train
    mixed = finding._setting(8, mixed=True).train
    assert len(mixed) == len(train)
    assert len(mixed.labelled) == 0
    assert mixed.inputs.min() >= 0
    assert mixed.inputs.max() <= 1
    assert not torch.isin(mixed.ids, train.ids).any()
    assert torch.equal(mixed.inputs, finding._mixtures(train).inputs), "the same for all seeds"


@pytest.mark.slow
def test_a_run_that_was_stopped_is_a_shorter_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finding, "PATIENCE", 1)
    monkeypatch.setattr(finding, "LEAST_GAIN", 1000.0)
    setting = finding._setting(8, mixed=False)
    stopped = finding.stopped(setting, "labels_only", 0)
    short = replace(finding.BUDGET, epochs=stopped.facts["epochs"]["student"])
    assert short.epochs == 2
    plain = collect(distill(setting, make("labels_only"), short, 0, Conditions(checkpoint=False)))
    assert same(stopped.models["student"], plain.models["student"])
    assert stopped.scores["student"] == plain.scores["student"]
    rows = {row["stage"]: row for row in book_of(stopped)["stages"]}
    assert rows["student"]["steps"] == stopped.facts["steps"]["student"] == plain.facts["steps"]["student"]
    assert rows["evaluation"]["samples"] > 0


@pytest.mark.slow
def test_it_runs_and_its_outcome_is_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finding, "WIDTHS", (8,))
    monkeypatch.setattr(finding, "BUDGET", replace(finding.BUDGET, epochs=2))
    told: list[float] = []
    found = finding.find((0, 1), lambda share, words: told.append(share))
    assert found.outcome == "inconclusive"
    assert set(found.per_seed) == set(found.numbers) == set(finding.NAMES)
    assert all(len(values) == 2 for values in found.per_seed.values())
    assert "fewer than 3 seeds" in found.reading
    assert told == sorted(told)
