"""Correlations over a sweep, planted and literal, and the sweep over a study's arms."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.special import softmax

import workbench as wb
from workbench.diagnostics.divergence_sweep.measure import divergence_sweep, divergence_sweep_of
from workbench.models.mlp import MLP
from workbench.settings.setting import Recipe, Setting


def test_ranks_against_a_literal_formula() -> None:
    k, gaps = np.array([[0.1, 0.5, 0.3, 0.9]]), np.array([[0.02, 0.01, 0.05, 0.2]])
    squared = sum((a - b) ** 2 for a, b in zip((1, 3, 2, 4), (2, 1, 3, 4), strict=True))
    found = divergence_sweep(k, gaps, [*"abcd"])
    assert found.spearman.mean == pytest.approx(1 - 6 * squared / (4 * 15))
    assert math.isnan(found.spearman.low)
    assert (found.n, found.seeds) == (4, (0,))


def test_a_planted_relation_is_found_and_chance_is_not() -> None:
    generator = np.random.default_rng(0)
    k = generator.uniform(0, 1, (6, 12))
    assert divergence_sweep(k, np.exp(k), [*"abcdefghijkl"]).by_seed.tolist() == pytest.approx([1] * 6)
    chance = divergence_sweep(k, generator.normal(size=k.shape), [*"abcdefghijkl"]).spearman
    assert chance.low < 0 < chance.high


def test_the_share_within_the_bound_is_counted() -> None:
    found = divergence_sweep([[0.02, 0.02, 0.5]], [[0.19, 0.21, 1.0]], [*"abc"])
    assert found.within == pytest.approx(2 / 3)
    assert "66.7%" in found.explain()
    assert "not the paper's theorem" in found.explain()


def test_points_that_are_all_alike_have_no_correlation() -> None:
    found = divergence_sweep(np.ones((2, 3)), [[1, 2, 3], [1, 2, 3]], [*"abc"])
    assert math.isnan(found.spearman.mean)
    assert "no correlation" in found.warnings[0]


@pytest.mark.slow
def test_the_arms_of_a_study_are_its_points() -> None:
    labels = torch.arange(60) % 3
    inputs = torch.eye(3)[labels] + 0.6 * torch.randn(60, 3)
    stage = Setting(
        train=(inputs, labels), test=(inputs + 0.1, labels), teacher=Recipe(lambda: MLP(3, (6,), 3), wb.Budget(2, 16)),
        student=lambda: MLP(3, (4,), 3), budget=wb.Budget(2, 16), threads=1,
    )  # fmt: skip
    methods = [wb.methods.KD(temperature=1.0), wb.methods.KD(temperature=8.0)]
    study = wb.study(stage, methods, seeds=2, quick=True)
    found = divergence_sweep_of(study, stage)
    assert found.points == tuple(study.arms)
    assert found.divergences.shape == (2, 3)
    run = study.run(found.points[1], 1)
    s, t = (softmax(run.predictions[party].astype(float), axis=1) for party in ("student", "teacher"))
    assert found.divergences[1, 1] == pytest.approx((s * np.log(s / t)).sum(1).mean(), rel=1e-4)
    assert {"pred_seed", "linear_exact"} <= set(found.estimators)
    other = divergence_sweep_of(study, stage, loss="0-1")
    assert other.differences.tolist() == found.excesses[1].tolist()
    assert (found.losses, other.losses) == (("brier", "0-1"), ("0-1", "brier"))
    with pytest.raises(KeyError, match="no loss 'nll'"):
        divergence_sweep_of(study, stage, loss="nll")

    def tell(share: float, words: str) -> None:
        if share > 0:
            raise StopIteration

    assert divergence_sweep_of(study, stage, tell=tell).seeds == (0,)


def test_bad_input_is_one_clear_error() -> None:
    for k, gaps, points in ((np.ones((2, 3)), np.ones((2, 4)), [*"abc"]), (np.ones((2, 2)), np.ones((2, 2)), [*"ab"])):
        with pytest.raises(ValueError, match="3 points or more, all finite"):
            divergence_sweep(k, gaps, points)
    with pytest.raises(ValueError, match="NaN or infinite"):
        divergence_sweep([[1, 2, np.nan]], [[1, 2, 3]], [*"abc"])
