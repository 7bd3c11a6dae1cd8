"""Disagreement of seeds by hand, and the equality where it must hold."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from tests.diagnostics.study_agreement.examples import stored
from workbench.diagnostics.seed_disagreement.measure import seed_disagreement, seed_disagreement_of

LABELS = np.array([0, 0, 1, 1])
SAID = np.array([[0, 0, 1, 1], [0, 1, 1, 0], [1, 1, 1, 0]])


def of(said, labels, classes=2, **options):
    return seed_disagreement(np.eye(classes)[said], labels, **options)


def test_three_seeds_by_hand():
    found = of(SAID, LABELS, seeds=(4, 5, 9), arm="kd")
    # pairs (4, 5), (4, 9), (5, 9) differ on 2, 3 and 1 of 4; errors are 0, 2 and 3 of 4
    assert found.by_pair.tolist() == [[0.5, 0.25], [0.75, 0.375], [0.25, 0.625]]
    assert found.pairs.tolist() == [[4, 5], [4, 9], [5, 9]]
    assert found.errors.tolist() == [0, 0.5, 0.75]
    assert (found.disagreement.mean, found.error.mean) == pytest.approx((0.5, 1.25 / 3))
    assert found.gap.mean == pytest.approx(0.5 - 1.25 / 3)


def test_against_a_loop_over_pairs():
    said = np.random.default_rng(0).integers(0, 3, (5, 40))
    labels = np.random.default_rng(1).integers(0, 3, 40)
    found = of(said, labels, 3)
    wanted = [np.mean([a != b for a, b in zip(said[i], said[j], strict=True)]) for i, j in combinations(range(5), 2)]
    assert found.disagreement.mean == pytest.approx(np.mean(wanted))
    assert found.error.mean == pytest.approx((said != labels).mean())


def test_a_calibrated_ensemble_errs_as_often_as_it_disagrees():
    """Labels and predictions drawn alike: any two of them differ equally often."""
    generator = np.random.default_rng(2)
    chance = generator.dirichlet(np.ones(4) / 2, 3000)
    drawn = (chance.cumsum(1)[None] < generator.random((7, 3000, 1))).sum(2).clip(0, 3)
    found = of(drawn[:6], drawn[6], 4)
    assert found.gap.mean == pytest.approx(0, abs=0.03)
    assert not found.gap.excludes(0)


def test_seeds_that_err_alike_lie_below():
    generator = np.random.default_rng(3)
    labels = generator.integers(0, 3, 600)
    shared = np.where(generator.random(600) < 0.3, (labels + 1) % 3, labels)
    said = np.where(generator.random((5, 600)) < 0.03, (shared + 1) % 3, shared)
    found = of(said, labels, 3)
    assert found.gap.high < 0
    assert "Two seeds differ less often than they err." in found.explain()


def test_both_sources_of_luck_widen_the_interval():
    generator = np.random.default_rng(4)
    labels = np.zeros(400, int)
    rates = np.array([0.02, 0.05, 0.3, 0.35, 0.5])[:, None]
    varied = of((generator.random((5, 400)) < rates).astype(int), labels).error
    alike = of((generator.random((5, 400)) < rates.mean()).astype(int), labels).error
    assert varied.high - varied.low > 2 * (alike.high - alike.low)


def test_two_seeds_have_one_pair():
    found = of(SAID[:2], LABELS)
    assert found.disagreement.mean == 0.5
    assert "only 2 seeds: no interval below 3" in found.warnings
    for each in (found.disagreement, found.error, found.gap):
        assert (each.method, each.n) == ("none", 2)
        assert np.isnan([each.low, each.high]).all()
    assert "nan" not in found.explain()
    assert "no interval)" in found.explain()


def test_a_study_brings_its_runs():
    found = seed_disagreement_of(stored())
    assert (found.arm, found.seeds, found.n) == ("method_1", (0, 1, 2), 120)
    assert seed_disagreement_of(stored(), "labels_only").arm == "labels_only"
    with pytest.raises(KeyError, match="no arm 'kd'; there are labels_only"):
        seed_disagreement_of(stored(), "kd")
    with pytest.raises(ValueError, match="has 1 finished seed"):
        seed_disagreement_of(stored(seeds=1))


@pytest.mark.parametrize("logits", [np.zeros((1, 4, 2)), np.zeros((4, 2))])
def test_fewer_than_two_seeds_are_refused(logits):
    with pytest.raises(ValueError, match="of two seeds or more are needed"):
        seed_disagreement(logits, LABELS)
