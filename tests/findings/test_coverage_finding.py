"""Coverage and agreement: runs at a tiny budget, its sets are what they are called, its correlations are the known ones."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import spearmanr

from tests.findings.test_shapes import _consistent
from workbench.diagnostics.coverage.measure import coverage
from workbench.findings import coverage_and_agreement as finding


@pytest.mark.slow
def test_it_runs_and_computes_its_outcome(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finding, "STEPS", 4)
    monkeypatch.setattr(finding, "SIZES", (50,))
    told: list[str] = []
    found = finding.find((0, 1), lambda share, words: told.append(words))
    _consistent(found, 2)
    assert found.outcome == "inconclusive"  # two seeds decide nothing
    assert told == [f"seed {seed}, {kind}" for seed in (0, 1) for kind in finding.TEACHERS]
    halves = [found.per_seed[f"coverage with agreement, {kind}"] for kind in finding.TEACHERS]
    assert np.mean(halves, axis=0) == pytest.approx(found.per_seed["coverage with agreement"])


def test_the_sets_are_what_they_are_called() -> None:
    known, *_ = finding._data(0)
    sets = {name: draw(known, 200, np.random.default_rng(0)) for name, draw in finding.KINDS.items()}
    assert all(queries.shape == (200, finding.FEATURES) for queries in sets.values())
    assert (np.abs(sets["uniform, inner half"]).max(0) < np.abs(sets["uniform"]).max(0)).all()
    assert sets["normal, a quarter as wide"].std() < 0.5 * sets["normal"].std()
    assert (
        np.corrcoef(sets["normal with correlations"].T)[0, 2]
        > 0.9
        > abs(np.corrcoef(sets["shuffled features"].T)[0, 2])
    )
    assert {tuple(row) for row in sets["real inputs"]} <= {tuple(row) for row in known}
    covers = {name: coverage(queries, known, np.ones(len(known), bool)).coverage for name, queries in sets.items()}
    assert max(covers, key=covers.__getitem__) == "greedy coverage"


def test_the_teachers_samples_and_the_unseen_ones_have_nothing_in_common() -> None:
    known, labels, unseen, answers = finding._data(3)
    assert not {tuple(row) for row in known} & {tuple(row) for row in unseen}
    assert (len(known), len(unseen)) == (len(labels), len(answers)) == (341, 228)


def test_partial_correlations_are_those_of_what_is_left_over() -> None:
    generator = np.random.default_rng(0)
    third = generator.normal(size=300)
    first, second = third + generator.normal(size=300), third + generator.normal(size=300)
    ranks = [np.argsort(np.argsort(each)).astype(float) for each in (first, second, third)]
    left = [r - np.polyval(np.polyfit(ranks[2], r, 1), ranks[2]) for r in ranks[:2]]
    assert finding._given(first, second, third) == pytest.approx(np.corrcoef(*left)[0, 1])
    assert finding._rank_correlation(first, second) == pytest.approx(spearmanr(first, second).statistic)
    assert abs(finding._given(first, second, third)) < 0.15 < finding._rank_correlation(first, second)
