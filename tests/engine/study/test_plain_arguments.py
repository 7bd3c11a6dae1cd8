"""Seeds, teachers, jobs and conditions are checked before anything is trained."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
import torch

from workbench.engine.conditions import Conditions
from workbench.engine.distill import distill
from workbench.engine.study.plan import plan_study, seeds_of
from workbench.engine.study.study import study
from workbench.engine.study.study_of import study_of
from workbench.settings.two_moons import TwoMoons

ODD = [True, False, 2.5, "3", "", b"3", -1, 0, [], [0, 0], [-1], [1.5], ["1"], [True], {0: 1}, None, math.nan, math.inf,
       10**30, 10**5000, object(), np.array([0, 0]), np.zeros((2, 2)), [10**400], itertools.count()]  # fmt: skip


@pytest.mark.parametrize("seeds", ODD, ids=lambda value: type(value).__name__)
def test_seeds_that_are_none_are_refused_in_one_sentence(seeds: Any) -> None:
    with pytest.raises(ValueError, match=r"(?s)^seeds = .*give how many"):
        seeds_of(seeds)


@pytest.mark.parametrize(
    "seeds", [2, np.int64(2), 2.0, [0, 1], range(2), (k for k in range(2)), np.arange(2), torch.arange(2), np.array(2)]
)
def test_seeds_become_python_numbers(seeds: Any) -> None:
    found = seeds_of(seeds)
    assert found == (0, 1)
    assert {type(seed) for seed in found} == {int}


@pytest.mark.parametrize(
    "given",
    [{name: value} for name in ("jobs", "tune", "teachers", "smallest_effect")
     for value in (True, "2", 2.5j, math.nan, math.inf, 10**400, [1], -(10**9))]
    + [{"teachers": 0}, {"teachers": 1.5}, {"jobs": 0}, {"jobs": 1.5}, {"tune": -1}, {"smallest_effect": 0}, {"quick": 1}],
    ids=str,
)  # fmt: skip
def test_other_arguments_of_a_study_are_refused_by_name(given: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=f"^{next(iter(given))} = "):
        study(TwoMoons(), ["kd"], 1, **given)


def test_a_budget_must_be_one() -> None:
    for given in (3, "long", {"epochs": 3}):
        with pytest.raises(TypeError, match="needs a Budget"):
            plan_study("two_moons", ["kd"], budget=given)
        with pytest.raises(TypeError, match="needs a Budget"):
            next(distill("two_moons", "kd", budget=given))


@pytest.mark.parametrize(
    "given", [{"smallest_effect": math.nan}, {"smallest_effect": "1"}, {"jobs": 0}, {"seeds": True}]
)
def test_trials_of_any_kind_are_checked_alike(given: dict[str, Any]) -> None:
    called: list[int] = []
    trials = {"a": lambda seed: called.append(seed) or 1.0, "b": lambda seed: 2.0}
    with pytest.raises((TypeError, ValueError), match=rf"^{(name := next(iter(given)))} = |^study_of\({name}\) needs "):
        study_of(trials, "a", **{"seeds": 3, **given})
    assert called == []


@pytest.mark.parametrize(
    "given",
    [{"control": "permuted"}, {"device": "gpu"}, {"device": "cpu:x"}, {"device": 3.5}, {"teacher_seed": -1},
     {"teacher_seed": "0"}, {"teacher_seed": True}, {"checkpoint": "yes"}],
    ids=str,
)  # fmt: skip
def test_conditions_are_checked_when_they_are_made(given: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=f"^{next(iter(given))} = "):
        Conditions(**given)


@pytest.mark.parametrize("seed", [True, -1, "0", 1.5, None, math.nan, 10**400])
def test_the_seed_of_a_run_is_checked(seed: Any) -> None:
    with pytest.raises(ValueError, match=r"^seed = "):
        next(distill("two_moons", "kd", seed=seed))
