"""Verdicts: examples by hand, exact limits, and error rates by simulation."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from workbench.maths.verdict import compare, compare_all, compare_pairs, paired_p_value, seeds_to_decide

CONTROL = np.array([80.0, 82.0, 81.0, 79.0, 83.0])
differences = arrays(np.float64, st.integers(3, 12), elements=st.floats(-5, 5, width=16))


def against_zero(values, **options):
    return compare(values, np.zeros(len(values)), **options)


def test_paired_t_by_hand():
    found = compare([81.0, 92.0, 73.0], [80.0, 90.0, 70.0])
    t = 2 / (1 / 3**0.5)  # 3.4641, two degrees of freedom, where the tail is closed: p = 1 - t / sqrt(t^2 + 2)
    assert found.p == pytest.approx(1 - t / (t**2 + 2) ** 0.5, abs=1e-12)
    assert (found.difference, found.sd, found.seeds) == (2.0, 1.0, 3)
    assert found.interval.low == pytest.approx(2 - 4.302652729911275 * 0.5773502691896258, abs=1e-9)
    assert found.verdict == "not distinguishable"


@given(differences)
def test_p_value_is_that_of_scipy(values):
    from scipy.stats import t as student

    sd = float(np.std(values, ddof=1))
    if np.ptp(values) > 0:
        statistic = float(np.mean(values)) / (sd / len(values) ** 0.5)
        assert paired_p_value(values) == pytest.approx(2 * student.sf(abs(statistic), len(values) - 1), rel=1e-6)
    else:
        np.testing.assert_equal(paired_p_value(values), 1.0 if values[0] == 0 else np.nan)


def test_below_three_seeds_there_is_no_verdict():
    one, two = against_zero([5.0]), against_zero([5.0, 5.1])
    assert (one.verdict, one.sentence) == ("no verdict", "one seed, no verdict")
    assert (two.verdict, two.sentence) == ("no verdict", "2 seeds, no verdict")
    assert np.isnan([one.p, one.p_adjusted, two.p, one.sd]).all()
    assert one.difference == 5.0
    assert (one.seeds_to_decide, two.seeds_to_decide) == (None, None)


@pytest.mark.parametrize("n", [3, 10])
def test_the_same_scores_in_every_seed_are_said_to_be_identical(n):
    control = np.resize(CONTROL, n)
    found = compare(control, control)
    assert (found.verdict, found.p, found.sd) == ("identical", 1.0, 0.0)
    assert found.sentence == f"identical to labels only in all {n} seeds"
    assert found.to_dict()["interval"]["low"] is None
    assert found.seeds_to_decide is None


@pytest.mark.parametrize("n", [3, 10])
@pytest.mark.parametrize(("shift", "side"), [(0.1, "above"), (-1.0, "below")])
def test_the_same_difference_in_every_seed_has_no_spread_and_no_verdict(n, shift, side):
    control = np.resize(CONTROL, n)
    found = compare(control + shift, control)
    assert (found.verdict, found.sd, found.difference) == ("no verdict", 0.0, shift)
    assert np.isnan([found.p, found.p_adjusted, found.interval.low, found.interval.high]).all()
    assert f"{side} labels only by {abs(shift):.1f} points in all {n} seeds" in found.sentence


def test_each_verdict_on_five_seeds():
    wobble = np.array([-0.2, 0.1, 0.0, 0.2, -0.1])  # sd 0.1581, t interval half width 0.1963
    assert compare(CONTROL + 1.9 + wobble, CONTROL).verdict == "better"
    assert compare(CONTROL - 1.9 + wobble, CONTROL).verdict == "worse"
    assert compare(CONTROL + 0.1 + wobble, CONTROL).verdict == "equivalent"
    assert compare(CONTROL + 0.4 + wobble, CONTROL).verdict == "not distinguishable"
    assert compare(CONTROL + 0.6 + 9 * wobble, CONTROL).verdict == "not distinguishable"


def test_equivalence_uses_the_ninety_percent_interval():
    spread = np.array([-1.0, 0.0, 1.0])  # half widths: 95 % 4.302653 / sqrt(3) = 2.484, 90 % 2.919986 / sqrt(3) = 1.686
    assert against_zero(spread, smallest_effect=1.69).verdict == "equivalent"
    assert against_zero(spread, smallest_effect=1.68).verdict == "not distinguishable"
    assert against_zero(spread, smallest_effect=1.69).equivalence_interval.level == pytest.approx(0.9)


def test_a_real_difference_below_the_smallest_effect_is_not_called_better():
    found = against_zero([0.38, 0.42, 0.3, 0.5, 0.4], smallest_effect=0.45)
    assert found.interval.excludes(0)
    assert found.p < 0.01
    assert found.verdict == "not distinguishable"


def test_holm_takes_a_verdict_away_that_a_single_arm_would_get():
    values = [1.0, 2.0, 3.0, 1.5, 0.4]  # t = 3.83, p = 0.0186
    alone = compare(CONTROL + values, CONTROL)
    noise = [3.0, -3.0, 2.0, -2.0, 0.5]
    found = compare_all({"kd": CONTROL + values, "dkd": CONTROL + noise, "rkd": CONTROL - noise}, CONTROL)
    assert alone.verdict == "better"
    assert found["kd"].p == alone.p
    assert found["kd"].p_adjusted == pytest.approx(3 * alone.p)
    assert found["kd"].verdict == "not distinguishable"
    assert list(found) == ["kd", "dkd", "rkd"]
    assert compare_all({}, CONTROL) == {}


several = arrays(np.float64, st.tuples(st.integers(1, 6), st.integers(3, 15)), elements=st.floats(-5, 5, width=16))


@given(several, st.sampled_from([0.9, 0.95, 0.99]))
def test_every_interval_excludes_zero_where_the_adjusted_p_value_is_small_and_only_there(table, level):
    found = compare_all({str(k): row for k, row in enumerate(table)}, np.zeros(table.shape[1]), level=level)
    for each in found.values():
        assert each.interval.excludes(0) == (each.p_adjusted < 1 - level)
        assert each.interval.level == level


@pytest.mark.slow
@pytest.mark.parametrize("arms", [1, 2, 5])
def test_p_value_and_interval_agree_in_simulated_studies(arms):
    luck, seen = np.random.default_rng(arms), {True: 0, False: 0}
    for _ in range(600):
        effects = luck.choice([0.0, 0.5, 1.0, 2.0, 4.0], arms)
        table = effects[:, None] + luck.normal(0, 1, (arms, 5))
        for each in compare_all({str(k): row for k, row in enumerate(table)}, np.zeros(5)).values():
            apart = each.interval.excludes(0)
            assert apart == (each.p_adjusted < 0.05)
            assert (each.verdict in ("better", "worse")) <= apart
            seen[apart] += 1
    assert min(seen.values()) > 50


@pytest.mark.slow
@pytest.mark.parametrize(
    ("effects", "jointly"),
    [((0.0, 0.0, 0.0), 0.95), ((3.0, 3.0, 3.0), 0.95), ((1.5, -1.5, 0.8), 0.95), ((0.0, 6.0, 6.0), 0.9)],
)
def test_adjusted_intervals_cover_their_differences_one_by_one_and_together(effects, jointly):
    luck, one_by_one, together = np.random.default_rng(3), np.zeros(3), 0
    truth, rounds = np.array(effects), 1500
    for _ in range(rounds):
        table = truth[:, None] + luck.normal(0, 1, (3, 6)) - luck.normal(0, 1, 6)  # arms share their control
        found = compare_all({str(k): row for k, row in enumerate(table)}, np.zeros(6)).values()
        covered = np.array([not each.interval.excludes(value) for each, value in zip(found, truth, strict=True)])
        one_by_one += covered
        together += covered.all()
    assert (one_by_one / rounds >= 0.95 - 3 * (0.05 * 0.95 / rounds) ** 0.5).all()
    assert together / rounds >= jointly - 3 * (0.05 * 0.95 / rounds) ** 0.5  # see ``holm_errors`` for the last case


@pytest.mark.slow
def test_p_values_of_equal_arms_are_uniform():
    from scipy.stats import kstest

    draws = np.random.default_rng(5).normal(0, 1, (1500, 5))
    assert kstest([against_zero(row).p for row in draws], "uniform").pvalue > 0.01


def test_differences_of_bounded_scores_stay_within_their_range():
    pairs = {"kd": (np.array([100.0, 0.0, 100.0]), np.array([0.0, 90.0, 0.0]))}
    found = compare_pairs(pairs, bounds=(0.0, 100.0))["kd"]
    assert (found.interval.low, found.interval.high) == (-100.0, 100.0)
    assert compare_pairs(pairs)["kd"].interval.high > 100


@pytest.mark.slow
@pytest.mark.parametrize("arms", [1, 4])
def test_at_the_smallest_effect_any_arm_is_called_equivalent_at_most_at_the_level(arms):
    luck, false = np.random.default_rng(arms), 0
    for _ in range(800):
        table = luck.normal(0.5, 0.2, (arms, 8))
        found = compare_all({str(k): row for k, row in enumerate(table)}, np.zeros(8)).values()
        false += any(each.verdict == "equivalent" for each in found)
    assert false / 800 <= 0.05 + 3 * (0.05 * 0.95 / 800) ** 0.5


@settings(max_examples=60)
@given(differences, st.randoms())
def test_order_of_seeds_does_not_matter(values, random):
    order = list(range(len(values)))
    random.shuffle(order)
    was, now = against_zero(values), against_zero(values[order])
    assert now.verdict == was.verdict
    assert now.sentence == was.sentence


@settings(max_examples=60)
@given(arrays(np.float64, st.integers(3, 9), elements=st.floats(-5, 5, width=16)))
def test_swapping_arm_and_control_mirrors_the_verdict(values):
    mirror = {"better": "worse", "worse": "better"}
    was, now = compare(values, np.zeros(len(values))), compare(np.zeros(len(values)), values)
    assert now.verdict == mirror.get(was.verdict, was.verdict)
    assert now.difference == pytest.approx(-was.difference, abs=1e-12)


@settings(max_examples=60)
@given(differences)
def test_equal_and_unequal_never_hold_together(values):
    found = against_zero(values)
    if found.verdict == "equivalent":
        assert abs(found.difference) < 0.5
    if found.verdict in ("better", "worse"):
        assert abs(found.difference) >= 0.5
    assert (found.seeds_to_decide is None) or found.verdict == "not distinguishable"


@pytest.mark.slow
def test_false_verdicts_on_one_arm_are_as_rare_as_promised():
    draws = np.random.default_rng(1).normal(0, 20.0, (1500, 5))  # so wide that the smallest effect hides nothing
    share = sum(against_zero(row).verdict == "better" for row in draws) / 1500
    assert abs(share - 0.025) < 4 * (0.025 * 0.975 / 1500) ** 0.5


@pytest.mark.slow
def test_false_verdicts_on_any_of_three_arms_stay_below_the_nominal_rate():
    generator = np.random.default_rng(2)
    false = 0
    for _ in range(600):
        arms, control = generator.normal(0, 20.0, (3, 5)), generator.normal(0, 20.0, 5)
        found = compare_all({str(i): arm for i, arm in enumerate(arms)}, control)
        false += any(c.verdict in ("better", "worse") for c in found.values())
    assert false / 600 <= 0.05
    assert false > 5


@pytest.mark.slow
@pytest.mark.parametrize("n", [3, 5, 10])
def test_a_difference_of_three_smallest_effects_is_never_equivalent(n):
    draws = np.random.default_rng(n).normal(1.5, 0.5, (500, n))
    assert all(against_zero(row).verdict != "equivalent" for row in draws)


@pytest.mark.slow
@pytest.mark.parametrize("n", [5, 12])
def test_at_the_smallest_effect_equivalence_is_claimed_at_most_at_the_level(n):
    draws = np.random.default_rng(n).normal(0.5, 0.1, (600, n))
    share = sum(against_zero(row).verdict == "equivalent" for row in draws) / 600
    assert 0.01 < share < 0.05 + 4 * (0.05 * 0.95 / 600) ** 0.5


def literal_seeds(mean, sd, n, smallest):
    """Count upwards with quantiles from scipy until the formula of either verdict holds."""
    from scipy.stats import t as student

    for count in range(n + 1, 1001):
        error = sd / count**0.5
        if abs(mean) >= smallest and abs(mean) - student.ppf(0.975, count - 1) * error > 0:
            return count
        if abs(mean) + student.ppf(0.95, count - 1) * error < smallest:
            return count
    return None


@pytest.mark.parametrize(
    ("mean", "sd"), [(0.3, 0.5), (-0.3, 0.5), (0.6, 1.0), (0.0, 3.0), (0.49, 2.0), (0.5, 1.0), (-2.0, 9.0), (0.1, 1.0)]
)
def test_seeds_to_decide_equals_counting_upwards(mean, sd):
    want = literal_seeds(mean, sd, 3, 0.5)
    assert seeds_to_decide(mean, sd, 3, smallest_effect=0.5) == want
    if want is not None:
        assert seeds_to_decide(mean, sd, want - 1, smallest_effect=0.5) == want


def test_seeds_to_decide_is_none_out_of_reach_and_grows_with_the_arms():
    assert seeds_to_decide(0.4999, 3.0, 5, smallest_effect=0.5) is None
    one, four = (seeds_to_decide(1.0, 2.0, 5, smallest_effect=0.5, arms=arms) for arms in (1, 4))
    assert one < four
    values = 1.0 + 2.0 * np.array([-1.0, 1.0, -1.0, 1.0, 0.0])  # mean 1, sd 2
    assert compare(CONTROL + values, CONTROL).seeds_to_decide == one
    found = compare_all(dict.fromkeys("abcd", CONTROL + values), CONTROL)
    assert {c.seeds_to_decide for c in found.values()} == {four}


def test_the_promised_number_of_seeds_decides():
    pattern = np.array([1.0, -1.0, 0.0])
    found = against_zero(0.7 + 0.8 * pattern)  # not distinguishable on three seeds
    n = found.seeds_to_decide
    assert found.verdict == "not distinguishable"
    assert 3 < n < 10
    more = np.linspace(-1, 1, n)
    more = 0.7 + found.sd * more / more.std(ddof=1)  # the same mean and deviation on n seeds
    assert against_zero(more).verdict == "better"
    fewer = np.linspace(-1, 1, n - 1)
    assert against_zero(0.7 + found.sd * fewer / fewer.std(ddof=1)).verdict == "not distinguishable"


def test_serialises_to_strict_json():
    for values in ([1.0], [0.1, 0.5, 2.0], [1.0, 1.0, 1.0]):
        found = against_zero(values)
        back = json.loads(json.dumps(found.to_dict(), allow_nan=False))
        assert back["verdict"] == found.verdict
        assert back["sentence"] == found.sentence
        assert back["difference"] == found.difference
        assert back["interval"]["n"] == len(values)
    assert against_zero([1.0]).to_dict()["p"] is None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"smallest_effect": 0.0}, "smallest_effect = 0.0"),
        ({"smallest_effect": np.nan}, "smallest_effect = nan"),
        ({"level": 0.5}, r"level = 0\.5"),
        ({"level": 1.0}, r"level = 1\.0"),
    ],
)
def test_bad_options_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        compare(CONTROL, CONTROL, **options)


def test_scores_that_do_not_pair_are_refused_by_name():
    with pytest.raises(ValueError, match="'kd' has 3 scores and 'labels only' has 5"):
        compare_all({"kd": CONTROL[:3]}, CONTROL)
    with pytest.raises(ValueError, match="scores of 'kd': 1 of 5 not finite"):
        compare_all({"kd": [1.0, 2.0, np.nan, 1.0, 1.0]}, CONTROL)
