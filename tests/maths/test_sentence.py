"""What a comparison says: numbers chosen by hand, sentences written by hand."""

from __future__ import annotations

from workbench.records.interval import Interval
from workbench.records.verdict import Comparison


def said(verdict, mean, low, high, **changes):
    shown, narrow = Interval(mean, low, high, 5, "t"), Interval(mean, low / 2, high / 2, 5, "t", 0.9)
    fields = {"p": 0.01, "p_adjusted": 0.01, "sd": 1.0, "smallest_effect": 0.5, "seeds_to_decide": None}
    return Comparison(shown, narrow, verdict=verdict, **(fields | changes)).sentence


def test_better_and_worse_give_the_size_without_a_sign():
    assert said("better", 1.91, 0.84, 2.98) == "better by 1.9 points (95 % interval 0.8 to 3.0, 5 seeds)"
    assert said("worse", -1.91, -2.98, -0.84) == "worse by 1.9 points (95 % interval 0.8 to 3.0, 5 seeds)"


def test_equivalent_names_the_margin_and_the_narrow_interval():
    want = "equivalent to labels only: within 0.5 points (90 % interval -0.1 to 0.2, 5 seeds)"
    assert said("equivalent", 0.05, -0.2, 0.4) == want


def test_undecided_says_what_would_decide():
    want = "not distinguishable from labels only: -0.3 to 0.9 points; about 14 seeds would decide"
    assert said("not distinguishable", 0.3, -0.3, 0.9, seeds_to_decide=14) == want
    found = said("not distinguishable", 0.3, -0.3, 0.9, against="no advice")
    assert found == (
        "not distinguishable from no advice: -0.3 to 0.9 points; more than 1000 seeds would be needed to decide"
    )


def test_real_but_small_is_said_in_words():
    assert said("not distinguishable", -0.4, -0.7, -0.1, seeds_to_decide=20) == (
        "not distinguishable from labels only at 0.5 points: it is below by 0.4 points "
        "(95 % interval 0.1 to 0.7, 5 seeds), real but perhaps too small to matter; about 20 seeds would decide"
    )


def test_intervals_adjusted_for_several_arms_say_so() -> None:
    assert said("better", 1.91, 0.84, 2.98, arms=3) == (
        "better by 1.9 points (95 % interval 0.8 to 3.0, 5 seeds, adjusted for 3 arms)"
    )
    found = said("not distinguishable", 0.3, -0.3, 0.9, arms=3, seeds_to_decide=14)
    assert found == (
        "not distinguishable from labels only: -0.3 to 0.9 points (adjusted for 3 arms); about 14 seeds would decide"
    )


def test_rounding_never_moves_a_bound_onto_zero_or_the_smallest_effect():
    assert "0.04 to 2.96" in said("better", 1.5, 0.04, 2.96)
    assert "-0.48 to 0.20" in said("equivalent", -0.1, -0.96, 0.4)
    assert "0.0 to 0.4" in said("equivalent", 0.1, 0.0, 0.8)


def test_decimals_follow_the_smallest_effect():
    assert "0.019 points (95 % interval 0.008 to 0.030" in said("better", 0.0191, 0.0084, 0.0298, smallest_effect=0.005)
    assert "12.0 points" in said("better", 12.0, 7.0, 17.0, smallest_effect=5.0)
