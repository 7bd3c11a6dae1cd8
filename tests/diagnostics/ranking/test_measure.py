"""Our order beside a published one: closed forms, planted truths, and what a reader must be told."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import t

from workbench.diagnostics.ranking.measure import ranking, ranking_of
from workbench.diagnostics.ranking.measure_draws import middle, our_draws, published_draws
from workbench.engine.study.study_of import study_of
from workbench.records.published import Sighting

SAME = {"a": 73.0, "b": 74.0, "c": 75.0, "d": 76.0}
OURS = {"a": [90.0, 90.1, 90.2], "b": [91.0, 91.1, 91.2], "c": [92.0, 92.1, 92.2], "d": [93.0, 93.1, 93.2]}


def generator() -> np.random.Generator:
    return np.random.default_rng(0)


# --- the draws ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("seeds", [3, 5])
def test_the_middle_of_a_methods_draws_is_the_t_interval_of_its_mean(seeds: int) -> None:
    scores = np.random.default_rng(1).normal(size=(2, seeds))
    found = middle(our_draws(scores, 400_000, generator()), seeds)
    wanted = [t.interval(0.95, seeds - 1, row.mean(), row.std(ddof=1) / math.sqrt(seeds)) for row in scores]
    np.testing.assert_allclose(np.stack(found, axis=1), wanted, atol=0.03)


def test_methods_are_drawn_together_as_they_are_paired() -> None:
    scores = np.random.default_rng(1).normal(size=(1, 6)) * [[1.0], [2.0], [-1.0]] + [[0.0], [5.0], [1.0]]
    drawn = our_draws(scores, 1000, generator())
    np.testing.assert_allclose(np.corrcoef(drawn.T), [[1, 1, -1], [1, 1, -1], [-1, -1, 1]])


def test_one_seed_stays_what_it_is() -> None:
    assert (our_draws(np.array([[1.0], [2.0]]), 10, generator()) == [1.0, 2.0]).all()


def test_a_published_score_is_drawn_from_its_sightings() -> None:
    seen = [(), (Sighting(70.0), Sighting(74.0)), (Sighting(70.0, spread=0.5),), (Sighting(low=60.0, high=66.0),)]
    drawn = published_draws(np.array([71.0, 70.0, 70.0, 63.0]), seen, 40_000, generator())
    assert (drawn[:, 0] == 71.0).all()
    assert set(drawn[:, 1]) == {70.0, 74.0}
    np.testing.assert_allclose((drawn[:, 1] == 74.0).mean(), 0.5, atol=0.01)
    np.testing.assert_allclose([drawn[:, 2].mean(), drawn[:, 2].std()], [70.0, 0.5], atol=0.01)
    assert (drawn[:, 3].min(), drawn[:, 3].max()) == (pytest.approx(60, abs=0.01), pytest.approx(66, abs=0.01))
    np.testing.assert_allclose(drawn[:, 3].std(), 6 / math.sqrt(12), atol=0.02)


# --- the comparison ----------------------------------------------------------------------------------------------
def test_the_same_order_and_its_reverse() -> None:
    found = ranking(OURS, SAME)
    assert found.methods == ("d", "c", "b", "a")
    assert found.kendall.mean == 1.0
    assert found.our_ranks.tolist() == found.published_ranks.tolist() == [1.0, 2.0, 3.0, 4.0]
    backwards = ranking(OURS, {name: -score for name, score in SAME.items()})
    assert backwards.kendall.mean == -1.0
    assert backwards.published_ranks.tolist() == [4.0, 3.0, 2.0, 1.0]


@pytest.mark.parametrize("count", [2, 3, 4])
def test_chance_is_that_of_one_order_among_all(count) -> None:
    names = list(SAME)[:count]
    found = ranking({name: OURS[name] for name in names}, {name: SAME[name] for name in names})
    assert found.chance == pytest.approx(1 / math.factorial(count), rel=0.1)


def test_luck_that_all_methods_share_moves_no_rank() -> None:
    """Seeds are paired: a seed that is good for all of them says nothing about their order."""
    luck = np.array([-5.0, 0.0, 7.0])
    found = ranking({name: 90 + place + luck for place, name in enumerate(SAME)}, SAME)
    assert (found.our_ranks_low == found.our_ranks_high).all()
    assert (found.kendall.low, found.kendall.high) == (1.0, 1.0)
    assert (found.ours_high - found.ours_low > 5).all()


def test_methods_that_seeds_cannot_order_have_wide_ranks() -> None:
    found = ranking(
        {"a": [1.0, 5.0, 3.0], "b": [5.0, 1.0, 3.1], "c": [12.0, 12.0, 12.0]}, {"a": 1.0, "b": 2.0, "c": 3.0}
    )
    ranked = dict(zip(found.methods, zip(found.our_ranks_low, found.our_ranks_high, strict=True), strict=True))
    assert ranked == {"c": (1.0, 1.0), "b": (2.0, 3.0), "a": (2.0, 3.0)}
    assert (found.kendall.low, found.kendall.high) == (pytest.approx(1 / 3), 1.0)
    assert "1 of the 2 gaps between neighbours of our order are smaller than their noise over seeds" in found.warnings


@pytest.mark.parametrize("scores", [{"a": [1.0], "b": [2.0]}, {"a": [1.0, 1.5], "b": [2.0, 2.5]}])
def test_below_three_seeds_there_is_no_interval_but_what_was_seen(scores: dict[str, list[float]]) -> None:
    theirs = {"a": 70.0, "b": 71.0}
    alone = ranking(scores, theirs)
    assert math.isnan(alone.kendall.low)
    assert alone.kendall.method == "none"
    assert np.isnan(alone.ours_low).all()
    assert np.isnan(alone.our_ranks_low).all()
    doubted = ranking(scores, theirs, sightings={"b": (Sighting(71.0), Sighting(69.0))})
    assert (doubted.kendall.mean, doubted.kendall.method) == (1.0, "none")
    assert (doubted.published_low[0], doubted.published_high[0]) == (69.0, 71.0)
    assert np.isnan(doubted.published_low[1])


def test_a_second_sighting_widens_the_interval() -> None:
    ours, theirs = {"a": [1.0, 1.1, 1.2], "b": [2.0, 2.1, 2.2]}, {"a": 70.0, "b": 71.0}
    assert ranking(ours, theirs).kendall.low == 1.0
    doubted = ranking(ours, theirs, sightings={"b": (Sighting(71.0), Sighting(69.0))}).kendall
    assert (doubted.mean, doubted.low, doubted.high) == (1.0, -1.0, 1.0)


def test_ties_only_have_no_tau() -> None:
    found = ranking({"a": [1.0, 2.0], "b": [1.0, 2.0]}, {"a": 70.0, "b": 71.0})
    assert math.isnan(found.kendall.mean)
    assert math.isnan(found.chance)
    assert "ties only" in found.explain()


def test_it_says_what_weakens_it() -> None:
    seen = {"c": (Sighting(75.0), Sighting(73.5))}
    few = ranking(OURS, SAME, sightings=seen, from_memory=["a"]).warnings
    assert "only 4 common methods" in few[0]
    assert "only 3 seeds" in few[1]
    assert "1 of the 3 gaps between neighbours of the published order" in few[2]
    assert few[2].endswith("c and b")
    assert few[3].startswith("3 of 4 published scores are taken as exact")
    assert few[4].endswith("checked in their papers: a")
    scores = {f"m{k}": k + 0.01 * np.arange(6) for k in range(6)}
    known = {f"m{k}": (Sighting(float(k)), Sighting(k + 0.1)) for k in range(6)}
    assert ranking(scores, {f"m{k}": float(k) for k in range(6)}, sightings=known).warnings == ()


def test_it_explains_itself() -> None:
    text = ranking(OURS, SAME).explain()
    assert "Of 4 methods, first by our scores: d; first by the published scores: d." in text
    assert "tau-b of the two orders is 1 (no spread)" in text
    assert text.endswith("Over draws of other seeds the rank of d is 1.")
    assert "no interval)" in ranking({k: v[:1] for k, v in OURS.items()}, SAME).explain()


def test_the_same_seed_gives_the_same_draws() -> None:
    noise = np.random.default_rng(3).normal(size=(4, 12))
    scores = dict(zip(SAME, noise, strict=True))
    first, again, other = (ranking(scores, SAME, seed=s) for s in (0, 0, 1))
    assert first.ours_low.tolist() == again.ours_low.tolist()
    assert first.ours_low.tolist() != other.ours_low.tolist()


@pytest.mark.parametrize(
    ("scores", "message"),
    [
        ({"a": [1.0], "x": [2.0]}, "two or more common methods are needed; ours: a, x; theirs: a, b"),
        ({"a": [1.0], "b": [2.0, 3.0]}, "scores of the same seeds; numbers of scores: {'a': 1, 'b': 2}"),
        ({"a": [1.0], "b": [math.nan]}, "scores of 'b': 1 of 1 not finite"),
    ],
)
def test_what_cannot_be_ranked(scores, message) -> None:
    with pytest.raises(ValueError, match=message):
        ranking(scores, SAME)


# --- from a study ------------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def study():
    """Arms named as methods of the tables, and one that no table has."""
    base = {"labels_only": 80.0, "kd": 82.0, "dkd": 83.0, "overhaul": 81.0, "mine": 90.0}
    trials = {name: lambda seed, m=mean: m + 0.1 * seed for name, mean in base.items()}
    return study_of(trials, "labels_only", 3)


def test_the_arms_of_a_study_meet_their_rows(study) -> None:
    found = ranking_of(study, "F")
    assert found.methods == ("dkd", "kd", "overhaul", "labels_only")
    assert found.published.tolist() == [76.32, 73.33, 74.95, 72.50]
    assert found.left_out == ("mine",)
    assert found.kendall.mean == pytest.approx(4 / 6)
    assert (found.column, found.seeds) == ("F", 3)
    assert found.title.endswith("F, ResNet32x4 \u2192 ResNet8x4, CIFAR-100")
    assert (found.published_low[0], found.published_high[0]) == (75.44, 76.5)
    assert not found.from_memory.any()
    assert ranking_of(study, "A").from_memory.tolist() == [False, False, True, False]


def test_parameters_that_make_another_method_of_it_count(study) -> None:
    """DKD on standardised logits is another row than DKD."""
    arms = dict(study.arms)
    arms["dkd"] = replace(arms["dkd"], method={"name": "dkd", "config": {"transform": "standardize", "beta": 2.0}})
    found = ranking_of(replace(study, arms=arms), "F")
    assert found.published[found.methods.index("dkd")] == 77.01


def test_seeds_that_one_arm_lacks_are_left_out(study) -> None:
    arms = dict(study.arms)
    arms["kd"] = replace(arms["kd"], outcomes=arms["kd"].outcomes[1:])
    found = ranking_of(replace(study, arms=arms), "F")
    assert found.per_seed.shape == (4, 2)
    np.testing.assert_allclose(found.per_seed[0], [83.1, 83.2])


def test_a_column_that_does_not_go_with_a_study(study) -> None:
    with pytest.raises(KeyError, match="no published column 'Q'"):
        ranking_of(study, "Q")
    one = replace(study, arms={name: study.arms[name] for name in ("overhaul", "kd")})
    with pytest.raises(ValueError, match=r"column 'R34->R18' has scores for kd of the arms; two or more: H, I, K"):
        ranking_of(one, "R34->R18")
    with pytest.raises(ValueError, match="lower score is better"):
        ranking_of(replace(study, higher_is_better=False))
