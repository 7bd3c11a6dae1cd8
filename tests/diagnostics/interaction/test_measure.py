"""The interaction tensor on models whose features are known."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from tests.diagnostics.interaction.planted import SHARED, copies, independent, planted
from workbench.diagnostics.interaction.measure import Construction, Interaction, Samples, interaction
from workbench.diagnostics.interaction.measure_assembly import chance


def groups(models: dict[str, object], *sizes: int) -> dict[str, list[str]]:
    names, found = list(models), {}
    for place, size in enumerate(sizes or (len(models),)):
        found["ab"[place]], names = names[:size], names[size:]
    return found


def jaccards(found: Interaction) -> list[float]:
    """Of the samples on which two models use the same feature, over all pairs of models that have it."""
    omega, values = found.omega, []
    for feature in range(found.features):
        sets = omega.active[omega.feature == feature]
        pairs = [(a, b) for i, a in enumerate(sets) for b in sets[i + 1 :]]
        values += [(a & b).sum() / max((a | b).sum(), 1) for a, b in pairs]
    return values


def test_planted_features_are_found_and_shared_as_planted() -> None:
    models = planted()
    for threshold in (0.9, 0.5):
        found = interaction(models, groups(models), construction=Construction(threshold))
        owned = found.omega.owned(4)
        assert found.features == 12
        assert {pair: int((owned[pair[0]] & owned[pair[1]]).sum()) for pair in SHARED} == SHARED
        assert found.unique.tolist() == [12]
        assert set(found.order_features) == {12}


def test_copies_of_one_model_share_every_feature_on_the_same_samples() -> None:
    models = copies(5)
    found = interaction(models, groups(models))
    assert found.features == 6
    assert found.omega.owned(5).all()
    assert min(jaccards(found)) >= 0.98
    assert found.frequency[0] == pytest.approx(found.model_frequency[0])


def test_arbitrary_signs_break_the_released_form_and_inflate_its_unions() -> None:
    models = copies(6, seed=3)
    made = (
        interaction(models, groups(models), construction=Construction(sign=s))
        for s in ("paper", "aligned", "two_sided")
    )
    released, aligned, both = made
    assert np.mean(jaccards(released)) < 0.5
    assert np.mean(jaccards(both)) > 0.95
    assert np.mean(jaccards(aligned)) > 0.98
    assert released.mean_frequency[0] > 1.4 * aligned.mean_frequency[0]


def test_each_mode_brings_the_numbers_of_the_other() -> None:
    models = planted()
    released, mended = (interaction(models, groups(models, 2, 2), mode=mode) for mode in ("paper", "corrected"))
    for one, other in ((released, mended), (mended, released)):
        assert one.other["mean_frequency"] == other.mean_frequency.tolist()
        assert (one.other["features"], one.other["threshold"]) == (other.features, other.threshold)
        assert np.array_equal(one.other_frequency, other.frequency)
        assert one.other["mode"] == other.mode == other.provenance["fidelity"]


def test_other_choices_in_the_released_mode_are_called_ours() -> None:
    models = planted()
    found = interaction(models, groups(models), mode="paper", construction=Construction("released", "aligned", "last"))
    assert found.provenance["fidelity"] == "proposed"
    assert interaction(models, groups(models), mode="paper").provenance["fidelity"] == "paper"


def test_a_result_without_the_choices_that_came_later_is_explained_as_by_their_defaults() -> None:
    models = planted()
    found = interaction(models, groups(models))
    older = {name: value for name, value in found.construction.items() if name != "basis"}
    assert replace(found, construction=older).explain() == found.explain()
    assert "principal components" in found.explain()


def test_random_orders_that_agree_are_one_number() -> None:
    models = copies(3)
    found = interaction(models, groups(models))
    assert "in 10 random orders there are 6. " in found.explain()
    assert "there are 6 to 8. " in replace(found, order_features=np.array([6, 8, 7])).explain()


def test_an_aligned_feature_points_to_its_longer_tail() -> None:
    models = copies(3)
    found = interaction(models, groups(models))
    turned = found.sign[:, None] * found.scores
    assert ((turned**3).mean(axis=1) > 0).all()


def test_independent_models_share_nothing_at_the_null_threshold() -> None:
    merged = 0
    for seed in range(5):
        models = independent(4, 6, 300, seed)
        found = interaction(models, groups(models), construction=Construction("null", orders=0, seed=seed))
        merged += 24 - found.features
        assert 0.7 * chance(6, 300) < found.threshold < 1.6 * chance(6, 300)
    assert merged <= 1  # one pair of models in a thousand, of thirty


def test_a_tenth_of_a_models_activations_is_active_whatever_the_sign() -> None:
    models = independent(3, 5, 207)
    for sign in ("aligned", "paper", "two_sided"):
        found = interaction(models, groups(models), construction=Construction(sign=sign, orders=0))
        omega = found.omega
        assert found.features == 15  # so that no two components are joined
        for model in range(3):
            assert int(omega.active[omega.model == model].sum()) in (103, 104)  # of 1,035


def test_too_few_components_for_the_released_percentile_are_said() -> None:
    models = planted()
    released = interaction(models, groups(models), mode="paper")
    assert released.features == 24
    assert released.threshold == pytest.approx(1, abs=1e-3)
    assert any("correlation of a component with itself" in warning for warning in released.warnings)
    strict = interaction(models, groups(models), construction=Construction("cross99"))
    assert strict.features > 12
    assert any("more components match than it lets in" in warning for warning in strict.warnings)
    assert interaction(models, groups(models)).warnings == ()


def test_another_order_of_models_only_renames_features() -> None:
    models = planted()
    turned = dict(reversed(models.items()))
    one, other = (interaction(each, groups(each)) for each in (models, turned))
    assert one.features == other.features
    assert np.array_equal(np.sort(one.frequency), np.sort(other.frequency))
    assert np.array_equal(np.sort(one.per_sample), np.sort(other.per_sample))


def test_a_threshold_below_chance_is_said() -> None:
    models = independent(3, 6, 100)
    found = interaction(models, groups(models), construction=Construction(0.1))
    assert found.features < 18
    assert any("by chance" in warning for warning in found.warnings)


def test_small_components_are_left_out_and_said() -> None:
    models = planted()
    found = interaction(models, groups(models), construction=Construction(least_share=0.1, orders=3))
    assert (found.feature == -1).sum() == (found.share < 0.1).sum() > 0
    assert (found.sign[found.feature == -1] == 0).all()
    assert any("left out" in warning for warning in found.warnings)
    with pytest.raises(ValueError, match=r"no component with 99\.0% of the variance; lower least_share"):
        interaction(models, groups(models), construction=Construction(least_share=0.99))


def test_groups_of_unequal_size_and_single_models_are_said() -> None:
    models = planted()
    found = interaction(models, groups(models, 3, 1))
    assert any("differ in size (a 3, b 1)" in warning for warning in found.warnings)
    assert any("one model only" in warning for warning in found.warnings)


def test_precision_and_recall_refer_to_the_teachers() -> None:
    models = planted()
    found = interaction(models, {"kd": ["m0", "m3"], "labels": ["m2"], "teacher": ["m1"]})
    assert list(found.precision) == ["kd", "labels"]
    assert found.precision["kd"].mean == pytest.approx(4 / 6)  # both share four of six with the teacher
    assert found.recall["labels"].mean == pytest.approx(3 / 6)
    assert math.isnan(found.precision["labels"].low)
    assert math.isnan(found.precision["kd"].low)  # two models have no interval
    three = interaction(models, {"kd": ["m0", "m2", "m3"], "teacher": ["m1"]}).precision["kd"]
    assert three.mean == pytest.approx((4 + 3 + 4) / 18)
    assert 0 <= three.low < three.mean < three.high <= 1
    assert interaction(models, groups(models)).precision == {}


def test_what_is_known_about_the_samples_is_kept() -> None:
    models = planted(samples=400)
    generator = np.random.default_rng(0)
    labels = generator.integers(0, 3, 400)
    logits = {name: generator.normal(size=(400, 3)) for name in ("m0", "m1")}
    about = Samples(100 + np.arange(400), labels, ("x", "y", "z"), logits)
    found = interaction(models, groups(models, 2, 2), samples=about)
    chances = [np.exp(z) / np.exp(z).sum(axis=1, keepdims=True) for z in logits.values()]
    assert found.confidence[0] == pytest.approx(np.mean([p[np.arange(400), labels] for p in chances], axis=0))
    assert np.isnan(found.confidence[1]).all()
    assert found.ids[0] == 100
    assert found.class_names == ("x", "y", "z")
    assert np.isfinite(found.class_information).all()
    assert np.isnan(interaction(models, groups(models)).class_information).all()
    with pytest.raises(ValueError, match="400 samples need as many labels"):
        interaction(models, groups(models), samples=Samples(labels=labels[:9]))


def test_words_say_what_it_measures() -> None:
    models = planted()
    found = interaction(models, {"kd": ["m0", "m1"], "teacher": ["m2", "m3"]})
    text = found.explain()
    assert "12 features" in text
    assert "the students of several teachers tell these apart" in text
    assert f"kd {found.unique[0]} on" in text
    quantities = {(row["quantity"], row["group"]): row["value"] for row in found.rows()}
    assert quantities["unique features", "kd"] == found.unique[0]
    assert quantities["precision", "kd"] == found.precision["kd"].mean


def test_bad_input_is_one_clear_error() -> None:
    models = planted(samples=300)
    with pytest.raises(ValueError, match="two or more models"):
        interaction(models, {"a": ["m0"]})
    with pytest.raises(ValueError, match="none of them twice"):
        interaction(models, {"a": ["m0", "m1"], "b": ["m0"]})
    with pytest.raises(KeyError, match=r"no components of \['m9'\]"):
        interaction(models, {"a": ["m0", "m9"]})
    with pytest.raises(ValueError, match="the same samples"):
        interaction(models | planted([range(6)], 200), {"a": ["m0", "m1"]})
    for construction in (Construction(1.5), Construction(quantile=0.0)):
        with pytest.raises(ValueError, match="between 0 and 1"):
            interaction(models, groups(models), construction=construction)
    with pytest.raises(ValueError, match="no threshold 'magic'"):
        interaction(models, groups(models), construction=Construction("magic"))
