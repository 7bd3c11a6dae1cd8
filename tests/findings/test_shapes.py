"""The qualitative shapes of the published tables: each runs at a tiny budget, and its outcome follows its numbers."""

from __future__ import annotations

import numpy as np
import pytest

from workbench.findings import capacity_gap, feature_mimicry, logit_scale
from workbench.findings.paired import gain, scores
from workbench.maths.intervals import mean_interval
from workbench.records.arm import Outcome
from workbench.records.budget import Budget
from workbench.records.finding import Finding, all_of, outcome_of

pytestmark = pytest.mark.slow
TINY = Budget(epochs=1, clip=5.0)


def _consistent(found: Finding, seeds: int) -> None:
    assert len(found.seeds) == seeds
    for name, values in found.per_seed.items():
        assert len(values) == seeds
        assert found.numbers[name].mean == pytest.approx(np.mean(values))


def test_logit_scale(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logit_scale, "STUDENT_BUDGET", TINY)
    monkeypatch.setattr(logit_scale, "TEACHER_EPOCHS", (1, 2))
    told: list[str] = []
    found = logit_scale.find((0, 1), lambda share, words: told.append(words))
    _consistent(found, 2)
    assert found.outcome == "inconclusive"  # two seeds decide nothing
    assert len(told) == 6


def test_the_rank_correlation_is_spearmans() -> None:
    ratios = np.array([[1.0, 1.0], [2.0, 2.0], [3.0, 3.0], [4.0, 4.0]])
    gains = np.array([[10.0, 4.0], [20.0, 3.0], [30.0, 2.0], [40.0, 1.0]])
    assert logit_scale._rank_correlations(ratios, gains) == pytest.approx([1.0, -1.0])


def test_capacity_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capacity_gap, "BUDGET", TINY)
    found = capacity_gap.find((0, 1, 2))
    _consistent(found, 3)
    better, taught = list(found.per_seed.values())[:2]
    no_better = outcome_of(mean_interval([-value for value in taught]), -capacity_gap.MARGIN)
    assert found.outcome == all_of(outcome_of(mean_interval(better), capacity_gap.MARGIN), no_better)


def test_feature_mimicry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feature_mimicry, "BUDGET", TINY)
    monkeypatch.setattr(
        feature_mimicry, "STUDENTS", dict.fromkeys(("matched", "mismatched"), feature_mimicry.STUDENTS["matched"])
    )
    found = feature_mimicry.find((0,))
    _consistent(found, 1)
    each = [found.per_seed[f"{name} over labels only, matched pair (points)"][0] for name in feature_mimicry.MIMICS]
    assert found.per_seed["mimics over labels only, matched pair (points)"][0] == pytest.approx(np.mean(each))


def test_what_is_compared_is_paired_by_seed() -> None:
    from dataclasses import replace

    from tests.examples import study

    made = study(2, 3)
    outcomes = {"labels_only": (90.0, 91.0, 92.0), "method_1": (91.0, 93.0, 95.0)}
    arms = {
        name: replace(made.arms[name], outcomes=tuple(Outcome(k, v, v) for k, v in enumerate(values)))
        for name, values in outcomes.items()
    }
    arms["method_1"] = replace(arms["method_1"], outcomes=arms["method_1"].outcomes[::2])
    found = replace(made, arms=arms)
    assert np.array_equal(scores(found, "method_1"), [91.0, np.nan, 95.0], equal_nan=True)
    assert np.array_equal(gain(found, "method_1"), [1.0, np.nan, 3.0], equal_nan=True)
