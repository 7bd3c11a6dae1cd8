"""Coverage of pairs of features: sets whose coverage one can count, loops, and holes that were planted."""

from __future__ import annotations

from itertools import combinations, product
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import spearmanr

from tests.contracts.probes.world import run, setting
from tests.diagnostics.coverage.examples import made
from workbench.diagnostics.coverage.measure import Coverage, coverage, coverage_of
from workbench.methods.catalog import make


def of(transfer: list | np.ndarray, inputs: list | np.ndarray, bins: int = 2, **options: object) -> Coverage:
    return coverage(transfer, inputs, np.arange(len(inputs)) % 2 == 0, bins=bins, **options)


CORNERS = np.array([*product([0.0, 1.0], repeat=2)])


def test_two_opposite_corners_are_half_of_four_cells() -> None:
    assert of([[0, 0], [1, 1]], CORNERS).coverage == 0.5
    assert of([[0, 1]], CORNERS).coverage == 0.25
    assert of(CORNERS, CORNERS).coverage == 1.0


@pytest.mark.parametrize(("features", "bins"), [(2, 2), (3, 3), (4, 2)])
def test_a_factorial_plan_covers_everything_and_one_point_a_cell_of_each_pair(features: int, bins: int) -> None:
    plan = np.array([*product(np.arange(bins, dtype=float), repeat=features)])
    whole, one = of(plan, plan, bins), of(plan[:1], plan, bins)
    assert whole.coverage == whole.massed == 1.0
    assert one.coverage == pytest.approx(1 / bins**2)
    assert (whole.seen == 1).all()


def literal(transfer: np.ndarray, inputs: np.ndarray, bins: int, threshold: int) -> tuple[float, float, list[float]]:
    """Loops over pairs, cells and rows."""
    cuts = [np.quantile(column, np.arange(1, bins) / bins) for column in inputs.T]

    def place(row: np.ndarray) -> list[int]:
        return [sum(value > edge for edge in cut) for value, cut in zip(row, cuts, strict=True)]

    shown, cells = [place(row) for row in transfer], [place(row) for row in inputs]
    hit = held = held_hit = 0
    known = {}
    pairs = [*combinations(range(inputs.shape[1]), 2)]
    for i, j in pairs:
        for a, b in product(range(bins), repeat=2):
            count = sum(row[i] == a and row[j] == b for row in shown)
            mass = sum(row[i] == a and row[j] == b for row in cells)
            known[i, j, a, b] = count >= threshold
            hit += count >= threshold
            held += mass > 0
            held_hit += mass > 0 and count >= threshold
    seen = [sum(known[i, j, row[i], row[j]] for i, j in pairs) / len(pairs) for row in cells]
    return hit / (len(pairs) * bins**2), held_hit / held, seen


@pytest.mark.parametrize("threshold", [1, 2])
def test_one_product_counts_what_loops_count(threshold: int) -> None:
    generator = np.random.default_rng(0)
    inputs, transfer = generator.normal(size=(40, 4)), 1.5 * generator.normal(size=(25, 4))
    found = of(transfer, inputs, 3, threshold=threshold)
    share, massed, seen = literal(transfer, inputs, 3, threshold)
    assert found.coverage == pytest.approx(share)
    assert found.massed == pytest.approx(massed)
    np.testing.assert_allclose(found.seen, seen, atol=1e-6)
    np.testing.assert_allclose(found.seen_and_agreement.mean, spearmanr(found.seen, found.agrees).statistic)
    above = np.triu_indices(4, 1)
    assert found.per_pair[above].mean() == pytest.approx(found.coverage)
    np.testing.assert_array_equal(found.per_pair, found.per_pair.T)


def test_coverage_fills_up_and_never_falls() -> None:
    found = made()
    assert (np.diff(found.cumulative[:, 1]) >= 0).all()
    assert found.cumulative[-1].tolist() == [found.transfer, pytest.approx(found.coverage)]
    generator = np.random.default_rng(0)
    transfer, inputs = generator.normal(size=(30, 3)), generator.normal(size=(50, 3))
    whole = of(transfer, inputs, 4)
    for rows, share in whole.cumulative[::5]:
        assert of(transfer[: int(rows)], inputs, 4).coverage == pytest.approx(share)


def test_cells_without_mass_do_not_count() -> None:
    line = np.stack([np.arange(8.0), np.arange(8.0)], axis=1)
    found = of(line, line, 4)
    assert found.coverage == 0.25
    assert found.massed == 1.0


def test_holes_that_cost_agreement_are_found() -> None:
    found = made()
    low, _, high = found.agreement_by_seen
    assert low.mean < high.mean
    assert found.seen_and_agreement.low > 0
    assert sum(each.n for each in found.agreement_by_seen) == found.n
    even = made(faithful=True)
    assert np.isnan(even.seen_and_agreement.mean)
    assert "agree on every sample" in even.warnings[0]


def test_samples_that_were_seen_alike_are_not_told_apart() -> None:
    inputs, agrees = np.repeat(CORNERS, [3, 3, 3, 1], axis=0), np.array([True] * 9 + [False])
    found = coverage(CORNERS[:3], inputs, agrees, bins=2)
    assert [each.n for each in found.agreement_by_seen] == [1, 9, 0]
    assert [each.mean for each in found.agreement_by_seen][:2] == [0.0, 1.0]
    assert "0% of the 1 sample whose" in found.explain()
    assert "100% of the 9" in found.explain()


def test_a_cell_is_its_samples() -> None:
    found = made()
    reached, samples, agreeing = found.pair(0, 3)
    assert samples.sum() == found.n
    assert agreeing.sum() == found.agrees.sum()
    assert reached.sum() == found.transfer
    for a, b in ((0, 0), (2, 5)):
        chosen = found.cell(0, 3, a, b)
        rows = np.isin(found.ids, chosen.ids)
        assert len(chosen) == samples[a, b]
        assert found.agrees[rows].sum() == agreeing[a, b]
    assert chosen.name == "radius in bin 3, feature 4 in bin 6"


def test_of_a_run_on_a_table(tmp_path: Path) -> None:
    where = setting()
    result = run(where, make("kd"), folder=tmp_path)
    found = coverage_of(result, where, bins=4)
    assert (found.n, found.transfer, len(found.features)) == (60, 96, 4)
    np.testing.assert_array_equal(found.ids, result.test_ids)
    student, teacher = (result.predictions[party].argmax(1) for party in ("student", "teacher"))
    assert found.agreement.mean == pytest.approx((student == teacher).mean())


@pytest.mark.parametrize(
    ("transfer", "inputs", "options", "words"),
    [
        (np.zeros((3, 2)), np.zeros((4, 3)), {}, "must be"),
        (np.zeros((3, 1)), np.zeros((4, 1)), {}, "2 to 128 features"),
        (np.zeros((3, 2)) * np.nan, np.zeros((4, 2)), {}, "NaN"),
        (np.zeros((3, 2)), np.zeros((4, 2)), {"bins": 1}, "2 bins"),
        (np.zeros((3, 2)), np.zeros((4, 2)), {"threshold": 0}, "threshold"),
        (np.zeros((3, 2)), np.zeros((4, 2)), {"ids": np.arange(3)}, "one per sample"),
    ],
)
def test_bad_tables_are_refused(transfer: np.ndarray, inputs: np.ndarray, options: dict, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        of(transfer, inputs, **options)
