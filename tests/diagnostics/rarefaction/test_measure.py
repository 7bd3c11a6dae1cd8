"""Rarefaction against subsets counted one by one, and against groups whose curve is known."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from tests.diagnostics.interaction.planted import copies, independent, planted
from workbench.diagnostics.interaction.measure import interaction
from workbench.diagnostics.rarefaction import measure as module
from workbench.diagnostics.rarefaction import measure as rarefaction_subsets
from workbench.diagnostics.rarefaction.measure import means, rarefaction, rarefaction_of


@pytest.fixture(autouse=True)
def few_resamples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RESAMPLES", 80)


def test_the_curve_is_the_mean_over_all_subsets() -> None:
    owned = np.random.default_rng(0).random((6, 25)) < 0.3
    found = rarefaction(owned, {"all": range(6)})
    assert found.sizes.tolist() == [1, 2, 3, 5, 6]
    for size, value in zip(found.sizes, found.features[0], strict=True):
        counts = [len({t for m in each for t in range(25) if owned[m, t]}) for each in combinations(range(6), size)]
        assert value == pytest.approx(sum(counts) / len(counts))


def test_a_resample_weighs_subsets_of_distinct_models() -> None:
    owned = np.random.default_rng(1).random((5, 9)) < 0.4
    weights = np.array([[2.0, 0, 1, 1, 1], [3, 2, 0, 0, 0]])
    found = means(owned, np.array([1, 2, 3]), weights)
    for w, row in zip(weights, found, strict=True):
        for size, value in zip((1, 2, 3), row, strict=True):
            parts = [(np.prod(w[list(c)]), owned[list(c)].any(axis=0).sum()) for c in combinations(range(5), size)]
            whole = sum(p for p, _ in parts)
            assert value == pytest.approx(sum(p * n for p, n in parts) / whole if whole else np.nan, nan_ok=True)


def test_large_tables_are_resampled_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    owned = np.random.default_rng(2).random((8, 30)) < 0.4
    whole = rarefaction(owned, {"a": range(4), "b": range(4, 8)})
    monkeypatch.setattr(rarefaction_subsets, "CHUNK", 500)
    assert rarefaction(owned, {"a": range(4), "b": range(4, 8)}).drop == whole.drop


def test_models_that_are_alike_give_a_flat_curve_and_strangers_a_straight_one() -> None:
    same, different = copies(6), independent(6, 4, 400)
    for models, slope in ((same, 0), (different, 4)):
        found = rarefaction_of(interaction(models, {"all": list(models)}))
        start = found.features[0, 0]
        assert found.features[0] == pytest.approx(start + slope * (found.sizes - 1))
        assert found.low[0, :2] == pytest.approx(found.features[0, :2])


def test_a_drop_is_split_into_pruning_and_consistency() -> None:
    strangers, alike = np.zeros((4, 40), bool), np.zeros((4, 40), bool)
    for m in range(4):
        strangers[m, 6 * m : 6 * m + 6] = True
        alike[m, :6] = True
    fewer = strangers.copy()
    fewer[:, [0, 1, 2, 6, 7, 8, 12, 13, 14, 18, 19, 20]] = False
    table = np.concatenate([strangers, alike, fewer])
    groups = {"labels": range(4), "alike": range(4, 8), "fewer": range(8, 12)}
    found = rarefaction(table, groups)
    assert (found.reference, found.size) == ("labels", 2)
    assert (found.drop["alike"].mean, found.pruning["alike"].mean, found.consistency["alike"].mean) == (6, 0, 6)
    assert (found.drop["fewer"].mean, found.pruning["fewer"].mean, found.consistency["fewer"].mean) == (6, 6, 0)
    assert found.drop["alike"].low == found.drop["alike"].high == 6
    assert "alike has 6 features fewer" in found.explain()


def test_both_parts_add_up_to_the_drop() -> None:
    owned = np.random.default_rng(3).random((16, 60)) < np.repeat([0.5, 0.2], 8)[:, None]
    found = rarefaction(owned, {"a": range(8), "b": range(8, 16)}, seed=4)
    assert found.pruning["b"].mean + found.consistency["b"].mean == pytest.approx(found.drop["b"].mean)
    assert 0 < found.drop["b"].low < found.drop["b"].mean < found.drop["b"].high
    assert found.drop == rarefaction(owned, {"a": range(8), "b": range(8, 16)}, seed=4).drop


def test_the_interval_covers_the_truth_about_as_often_as_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RESAMPLES", 200)
    generator, chance, covered = np.random.default_rng(5), np.linspace(0.05, 0.95, 40), 0
    truth = 40 - ((1 - chance) ** 2).sum()  # of two models that have each feature independently
    for _ in range(60):
        found = rarefaction(generator.random((12, 40)) < chance, {"all": range(12)})
        at = found.sizes.tolist().index(2)
        covered += found.low[0, at] <= truth <= found.high[0, at]
    assert covered >= 50


def test_no_interval_where_the_subsets_are_nearly_the_same() -> None:
    owned = np.random.default_rng(6).random((9, 20)) < 0.5
    found = rarefaction(owned, {"a": range(6), "b": range(6, 9)})
    beyond = found.sizes[:, None] > np.array([3, 1])
    assert np.isnan(found.low.T[beyond]).all()
    assert np.isfinite(found.low.T[~beyond]).all()
    assert np.isnan(found.features[1, found.sizes > 3]).all()
    assert found.size == 0
    assert any(warning.startswith("b: fewer than four") for warning in found.warnings)


def test_single_models_cannot_be_compared() -> None:
    found = rarefaction(np.eye(2, dtype=bool), {"a": [0], "b": [1]})
    assert (found.size, found.drop) == (0, {})
    assert "two groups of four" in found.explain()


def test_a_small_group_does_not_keep_the_others_from_being_compared() -> None:
    owned = np.random.default_rng(7).random((13, 20)) < 0.5
    found = rarefaction(owned, {"a": range(6), "b": range(6, 12), "teacher": [12]})
    assert found.size == 3
    assert list(found.drop) == ["b"]


def test_labels_only_are_the_reference_where_there_are_some() -> None:
    models = planted(samples=300)
    groups = {"kd": ["m0", "m1"], "labels_only": ["m2", "m3"]}
    assert rarefaction_of(interaction(models, groups)).reference == "labels_only"
    assert rarefaction_of(interaction(models, groups), reference="kd").reference == "kd"


def test_bad_input_is_one_clear_error() -> None:
    with pytest.raises(ValueError, match=r"owned have shape .*\(models, features\)|owned must be"):
        rarefaction(np.zeros(3), {"a": [0]})
    with pytest.raises(ValueError, match="groups with models"):
        rarefaction(np.zeros((3, 2)), {"a": []})
    with pytest.raises(KeyError, match="no group 'c'; there are a"):
        rarefaction(np.zeros((3, 2)), {"a": [0]}, reference="c")
