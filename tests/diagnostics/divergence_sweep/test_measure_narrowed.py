"""One factor of a sweep alone."""

from __future__ import annotations

import numpy as np
import pytest

from workbench.diagnostics.divergence_sweep.measure import DivergenceSweep, divergence_sweep
from workbench.diagnostics.divergence_sweep.measure_narrowed import factors_of, narrowed


@pytest.fixture
def found() -> DivergenceSweep:
    generator = np.random.default_rng(0)
    values = generator.uniform(0.1, 0.4, (4, 3, 6))
    return divergence_sweep(
        {"pred_seed": values[0], "linear_exact": values[1]}, {"brier": values[2], "0-1": values[3]}, [*"abcdef"],
        factors=("base", "width", "width", "labels", "width", "labels"), seeds=(4, 5, 6),
    )  # fmt: skip


def test_the_base_belongs_to_every_factor(found: DivergenceSweep) -> None:
    assert narrowed(found, factor="width").points == ("a", "b", "c", "e")
    assert narrowed(found, factor="labels").points == ("a", "d", "f")
    assert factors_of(found) == ["width", "labels"]
    assert narrowed(found).points == tuple("abcdef")


def test_estimate_and_loss_are_exchanged_and_nothing_is_lost(found: DivergenceSweep) -> None:
    other = narrowed(found, estimator="linear_exact", loss="0-1", factor="labels")
    assert other.divergences.tolist() == found.estimates[1][:, [0, 3, 5]].tolist()
    assert other.differences.tolist() == found.excesses[1][:, [0, 3, 5]].tolist()
    assert (other.estimator, other.loss, other.seeds) == ("linear_exact", "0-1", (4, 5, 6))
    back = narrowed(other, estimator="pred_seed", loss="brier")
    assert back.divergences.tolist() == found.divergences[:, [0, 3, 5]].tolist()


def test_what_is_not_there_is_named(found: DivergenceSweep) -> None:
    with pytest.raises(KeyError, match="no 'func_gauss' in this sweep; there are pred_seed, linear_exact"):
        narrowed(found, estimator="func_gauss")
    with pytest.raises(ValueError, match="3 points or more"):
        narrowed(found, factor="depth")


def test_every_estimate_must_fit_not_only_the_first(found: DivergenceSweep) -> None:
    for other, words in (
        (found.divergences[:, :5], "for each of them"),
        (found.divergences * np.nan, "func_gauss hold NaN or infinite values in 3 of 3 rows"),
    ):
        with pytest.raises(ValueError, match=words):
            divergence_sweep({"pred_seed": found.divergences, "func_gauss": other}, found.differences, [*"abcdef"])
