"""Every arm gets the same number of trials, on validation data and on a seed of its own."""

from __future__ import annotations

import pytest

from workbench import methods
from workbench.engine.study.study import plan_study, study
from workbench.engine.study.tuning import FACTOR, tuned
from workbench.records.parameters import parameters


def _scored(plan, validation):
    """Runs of a plan, as far as tuning looks at them: validation as wanted, test scores that would mislead."""
    from workbench.records.run import Run, Scores

    runs = {}
    for cell in plan.cells:
        value = validation(cell)
        if value is not None:
            scores = {"student": Scores(-value, -value, value, 1)}
            runs[cell.arm, cell.seed] = Run(cell.arm, {}, {}, cell.budget, cell.seed, scores=scores)
    return runs, {}


def test_every_arm_gets_the_same_trials_on_a_seed_of_its_own(setting) -> None:
    seen = []

    def run(plan):
        seen.extend(plan.cells)
        return _scored(plan, lambda cell: 0.0)

    plan = plan_study(setting, [methods.KD()], [0, 4])
    tuned(plan, 3, run)
    assert {cell.seed for cell in seen} == {5}
    assert len(seen) == 3 * len(plan.arms)
    rates = {}
    for cell in seen:
        arm, _, trial = cell.arm.rpartition(", trial ")
        rates.setdefault(trial, set()).add(cell.budget.learning_rate)
        assert cell.budget.epochs == setting.budget.epochs
        if arm == "kd":
            for name, value in cell.method["config"].items():
                parameters(methods.KD)[name].check(value)
    assert rates["0"] == {setting.budget.learning_rate}
    assert all(len(found) == 1 for found in rates.values())  # the same draw in every arm
    for trial in ("1", "2"):
        (rate,) = rates[trial]
        assert setting.budget.learning_rate / FACTOR <= rate <= setting.budget.learning_rate * FACTOR
    temperatures = {c.method["config"]["temperature"] for c in seen if c.arm.startswith("kd, trial")}
    assert len(temperatures) == 3


def test_the_best_on_validation_wins_in_each_arm(setting) -> None:
    wanted = {"labels_only": "1", "kd": "2"}

    def validation(cell):
        arm, _, trial = cell.arm.rpartition(", trial ")
        return 1.0 if wanted[arm] == trial else None if trial == "0" else 0.0

    seen = {}

    def run(plan):
        seen.update({cell.arm: cell for cell in plan.cells})
        return _scored(plan, validation)

    plan = plan_study(setting, [methods.KD()], 2, quick=True)
    found = tuned(plan, 3, run)
    assert [arm.name for arm in found.arms] == ["labels_only", "kd"]
    for arm, trial in wanted.items():
        cell = seen[f"{arm}, trial {trial}"]
        assert (found[arm].budget, found[arm].asked) == (cell.budget, cell.method)
    assert found.seeds == plan.seeds
    assert found.id != plan.id
    assert "tuned on validation with 3 trials at seed 2" in found.notes[-1]


def test_one_trial_is_the_parameters_as_given(setting, store) -> None:
    plain = study(setting, [methods.KD()], 1, quick=True, store=store)
    found = study(setting, [methods.KD()], 1, quick=True, store=store, tune=1)
    assert found.arms["kd"].outcomes == plain.arms["kd"].outcomes


def test_sums_and_budgets_are_tuned_too(setting, store) -> None:
    found = study(setting, [methods.KD() + methods.RKD()], 1, quick=True, store=store, tune=2)
    assert found.failures == {}
    assert set(found.arms["kd+rkd"].method["config"]) == set((methods.KD() + methods.RKD()).config())


def test_a_negative_number_of_trials_is_refused(setting, store) -> None:
    with pytest.raises(ValueError, match="tune = -1 must be 1 or more"):
        study(setting, [methods.KD()], 1, store=store, tune=-1)
