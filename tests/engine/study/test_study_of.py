"""Anything that depends on a seed, compared like the arms of a study."""

from __future__ import annotations

import math

import pytest

from workbench.engine.study.study_of import study_of


def _plain(seed: int) -> float:
    return 80.0 + seed


def _new(seed: int) -> dict[str, float]:
    return {"score": 83.0 + seed + 0.1 * (seed % 2), "joules": 5.0}


def test_functions_are_paired_and_judged() -> None:
    found = study_of({"new": _new, "plain": _plain}, "plain", 4, name="planner")
    assert list(found.arms) == ["plain", "new"]
    assert found.arms["plain"].last.tolist() == [80.0, 81.0, 82.0, 83.0]
    assert found.comparisons["new"].difference == pytest.approx(3.05)
    assert found.comparisons["new"].against == "plain"
    assert found.verdicts == {"new": "better"}
    assert found.arms["new"].outcomes[0].measures == {"joules": 5.0}
    assert "planner: score" in repr(found)


def test_lower_can_be_better_and_two_seeds_are_too_few() -> None:
    found = study_of({"new": _new, "plain": _plain}, "new", 2, higher_is_better=False)
    assert found.comparisons["plain"].difference == pytest.approx(3.05)
    assert found.verdicts == {}


def test_intervals_stay_within_the_bounds_of_the_score() -> None:
    trials = {"plain": lambda seed: [99.0, 60.0, 100.0][seed], "new": lambda seed: [100.0, 3.0, 99.5][seed]}
    free, kept = (study_of(trials, "plain", 3, **given) for given in ({}, {"bounds": (0, 100)}))
    for arm in trials:
        loose, found = free.arms[arm].interval, kept.arms[arm].interval
        assert (found.low, found.high) == (max(loose.low, 0.0), min(loose.high, 100.0))
        assert loose.high > 100
    loose, found = (each.comparison("new").interval for each in (free, kept))
    assert (found.low, found.high) == (max(loose.low, -100.0), min(loose.high, 100.0))
    assert free.comparison("new").interval.low < -100
    assert kept.id != free.id


def test_a_score_outside_its_bounds_is_a_failed_call() -> None:
    trials = {"plain": lambda seed: 1.0 + seed, "new": lambda seed: 2.0 - 4 * seed}
    found = study_of(trials, "plain", 3, bounds=(0, 100))
    assert found.failures == {
        f"new, seed {seed}": f"{2 - 4 * seed} is outside the bounds of 0 to 100" for seed in (1, 2)
    }
    for bounds in ((0,), "ab", 3):
        with pytest.raises(TypeError, match=r"^study_of\(bounds\) needs a list of 2, each a number, not "):
            study_of(trials, "plain", 3, bounds=bounds)
    assert study_of(trials, "plain", 3, bounds=(0, math.inf)).failures.keys() == found.failures.keys()
    for bounds in ((100, 0), (0, 0), (0, math.nan)):
        with pytest.raises(ValueError, match=r"^bounds = .* must be the lowest and the highest possible value"):
            study_of(trials, "plain", 3, bounds=bounds)


def test_a_failed_call_does_not_lose_the_others() -> None:
    def fragile(seed: int) -> float:
        if seed == 1:
            raise ValueError("no plan found")
        return _new(seed)["score"]

    found = study_of({"plain": _plain, "fragile": fragile}, "plain", 4)
    assert found.failures == {"fragile, seed 1": "ValueError: no plan found"}
    assert found.comparisons["fragile"].seeds == 3


def test_bad_input_is_refused() -> None:
    with pytest.raises(KeyError, match="no arm 'none' to be the control; there are plain"):
        study_of({"plain": _plain, "new": _new}, "none")
    with pytest.raises(ValueError, match="the only arm"):
        study_of({"plain": _plain}, "plain")

    def broken(seed: int) -> float:
        raise ZeroDivisionError(seed)

    with pytest.raises(RuntimeError, match="every call failed; plain, seed 0: ZeroDivisionError"):
        study_of({"plain": broken, "new": broken}, "plain", 1)


def test_the_same_numbers_are_the_same_study() -> None:
    arms = {"plain": _plain, "new": _new}
    assert study_of(arms, "plain", 3).id == study_of(arms, "plain", [0, 1, 2]).id != study_of(arms, "plain", 4).id
