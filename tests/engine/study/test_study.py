"""A study from first run to table: paired, resumable, at equal budgets, losing nothing."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from inspect import signature

import pytest
import torch

from tests.engine.study.conftest import make_setting
from workbench import methods
from workbench.engine.distill import DistillationFailed
from workbench.engine.study.study import plan_study, run_cell, study, summarise
from workbench.records import events
from workbench.records.budget import Budget
from workbench.records.study import Study
from workbench.settings.setting import Setting

NEVER = Budget(epochs=3, batch_size=16, learning_rate=1e30)


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Study:
    """Two methods, three seeds, one of the methods a cascade."""
    from workbench.engine.store import Store

    store = Store(folder=tmp_path_factory.mktemp("whole"))
    return study(make_setting(), [methods.KD(), methods.BornAgain(generations=1)], 3, store=store)


def test_every_cell_is_run_and_stored(whole) -> None:
    assert list(whole.arms) == [
        "labels_only",
        "labels_only@2x",
        "kd",
        "kd/permuted_targets",
        "kd/permuted_non_targets",
        "born_again",
        "born_again/permuted_targets",
        "born_again/permuted_non_targets",
    ]
    assert {arm.seeds for arm in whole.arms.values()} == {(0, 1, 2)}
    assert whole.failures == {}
    for name, arm in whole.arms.items():
        for outcome in arm.outcomes:
            run = whole.run(name, outcome.seed)
            assert (run.id, run.seed, run.method["name"]) == (outcome.run, outcome.seed, arm.method["name"])
            assert (run.scores["student"].last, run.scores["student"].selected) == (outcome.last, outcome.selected)


def test_every_method_is_compared_with_each_of_its_controls(whole) -> None:
    assert set(whole.comparisons) == {"kd", "born_again"}
    assert {arm: set(others) for arm, others in whole.further.items()} == {
        "kd": {"kd/permuted_targets", "kd/permuted_non_targets"},
        "born_again": {"labels_only@2x", "born_again/permuted_targets", "born_again/permuted_non_targets"},
    }
    mean = {name: arm.last.mean() for name, arm in whole.arms.items()}
    assert whole.comparisons["kd"].difference == pytest.approx(mean["kd"] - mean["labels_only"])
    for arm, others in whole.further.items():
        for control, found in others.items():
            assert found.difference == pytest.approx(mean[arm] - mean[control])
            assert found.seeds == 3
    assert set(whole.verdicts) == {"kd", "born_again"}


def test_the_budget_is_equal_but_for_the_named_control(whole) -> None:
    per_step = {name: arm.steps * arm.budget["batch_size"] for name, arm in whole.arms.items()}
    twice = per_step.pop("labels_only@2x")
    assert len(set(per_step.values())) == 1
    assert twice == 2 * per_step["labels_only"]
    assert whole.arms["labels_only@2x"].steps == whole.arms["born_again"].total_steps


def test_arms_of_a_seed_start_from_the_same_student_and_teacher(whole) -> None:
    teachers = {whole.run(arm, seed).facts["teacher"] for arm in whole.arms for seed in whole.seeds}
    assert len(teachers) == 1
    assert list(whole.teachers) == [0]
    assert whole.teacher == whole.run("kd", 2).scores["teacher"].last


def test_initialisations_are_paired(setting, store) -> None:
    """At a learning rate of nothing every arm ends where it began."""
    still = Budget(epochs=1, batch_size=16, learning_rate=1e-30, weight_decay=0.0)
    found = study(setting, [methods.KD(), methods.FitNets(), methods.CRD()], 2, budget=still, store=store, quick=True)
    for seed in (0, 1):
        starts = [found.run(arm, seed).models["student"] for arm in found.arms]
        for name, tensor in starts[0].items():
            assert all(torch.equal(tensor, other[name]) for other in starts)
    first, second = (found.run("kd", seed).models["student"] for seed in (0, 1))
    assert not all(torch.equal(first[name], second[name]) for name in first)


def test_seeds_share_the_teachers_in_turn(setting, store) -> None:
    found = study(setting, [methods.KD()], 3, teachers=2, quick=True, store=store)
    assert list(found.teachers) == [0, 1]
    teachers = [found.run("kd", seed).facts["teacher"] for seed in range(3)]
    assert teachers[0] == teachers[2] != teachers[1]


def _without_source(found: Study) -> dict:
    """The numbers of a study, whether they came from the store or not."""
    arms = {
        name: replace(arm, outcomes=tuple(replace(o, stored=False) for o in arm.outcomes))
        for name, arm in found.arms.items()
    }
    return replace(found, arms=arms).to_dict()


def test_a_second_call_trains_nothing(setting, store, monkeypatch) -> None:
    first = study(setting, [methods.KD()], 2, store=store)

    def trained(*_: object) -> None:
        raise AssertionError("something was trained")

    monkeypatch.setattr("workbench.engine.study.study.distill", trained)
    monkeypatch.setattr("workbench.engine.study.study.teacher_of", trained)
    said = []
    second = study(make_setting(), [methods.KD()], 2, store=store, progress=lambda *event: said.append(event))
    assert _without_source(second) == _without_source(first)
    assert (first.from_store, second.from_store) == ((0, 8), (8, 8))
    assert said == []


def test_a_longer_study_runs_only_what_is_missing(setting, store) -> None:
    study(setting, [methods.KD()], 1, store=store)
    said = []
    study(
        setting, [methods.KD(), methods.DKD()], 2, store=store, quick=True, progress=lambda *event: said.append(event)
    )
    assert said == [
        (2, 6, "teacher 0 is ready"),
        (3, 6, "dkd, seed 0"),
        (4, 6, "labels_only, seed 1"),
        (5, 6, "kd, seed 1"),
        (6, 6, "dkd, seed 1"),
    ]


def test_cells_run_by_hand_give_the_same_study(setting, store) -> None:
    plan = plan_study(setting, [methods.KD()], 2)
    runs = {}
    for cell in plan.cells:
        seen = list(run_cell(plan, cell, store))
        assert isinstance(seen[0], events.Started)
        assert isinstance(seen[-1], events.Finished)
        runs[cell.arm, cell.seed] = seen[-1].run
    again = list(run_cell(plan, plan.cells[0], store))
    assert [type(event) for event in again] == [events.Finished]
    stored = set(runs)  # that is where the study finds them
    assert summarise(plan, runs, stored=stored).to_dict() == study(setting, [methods.KD()], 2, store=store).to_dict()


def test_a_failed_cell_does_not_lose_the_others(setting, store) -> None:
    class Broken(methods.KD):
        def forward(self, student, teacher, batch):
            return {name: term * float("nan") for name, term in super().forward(student, teacher, batch).items()}

    found = study(setting, [methods.DKD(), Broken()], 3, quick=True, store=store)
    broken = next(name for name in found.arms if name not in ("labels_only", "dkd"))
    assert list(found.failures) == [f"{broken}, seed {seed}" for seed in range(3)]
    assert "became nan at step 1" in found.failures[f"{broken}, seed 0"]
    assert found.arms[broken].outcomes == ()
    assert set(found.comparisons) == {"dkd"}
    assert found.comparisons["dkd"].seeds == 3
    assert f"failed: {broken}, seed 0: " in repr(found)
    with pytest.raises(KeyError, match="no finished seed 0; finished: none"):
        found.run(broken)


def test_if_everything_fails_it_is_an_error(setting, store) -> None:
    with pytest.raises(DistillationFailed, match=r"every run failed; labels_only, seed 0: .*became"):
        study(setting, [methods.KD()], 1, budget=NEVER, quick=True, store=store)


def test_a_corrupt_run_is_named_and_the_rest_is_kept(setting, store) -> None:
    found = study(setting, [methods.KD()], 2, quick=True, store=store)
    before = {path: path.read_bytes() for path in (store.folder / "artifacts").iterdir()}
    for path, content in before.items():
        path.write_bytes(content[:-1])
        break
    again = study(setting, [methods.KD()], 2, quick=True, store=store)
    (message,) = again.failures.values()
    assert path.name in message
    assert sum(len(arm.outcomes) for arm in again.arms.values()) == 3
    assert found.failures == {}


def test_a_changed_or_leaking_run_enters_no_study(setting, store) -> None:
    from dataclasses import replace

    plan = plan_study(setting, [methods.KD()], 2, quick=True)
    runs = {}
    for cell in plan.cells:
        *_, last = run_cell(plan, cell, store)
        runs[cell.arm, cell.seed] = last.run
    moved = ({"step": 1, "name": "temperature", "value": 2.0},)
    runs["kd", 0] = replace(runs["kd", 0], changes=moved)
    runs["kd", 1] = replace(runs["kd", 1], leaks_test=True)
    found = summarise(plan, runs)
    assert found.arms["kd"].outcomes == ()
    assert found.comparisons == {}
    assert [note.split(" was ")[0] for note in found.notes[:2]] == ["kd, seed 0", "kd, seed 1"]


def test_one_thread_is_used_and_given_back(setting: Setting, store) -> None:
    before = torch.get_num_threads()
    found = study(setting, [methods.KD()], 1, quick=True, store=store)
    assert torch.get_num_threads() == before
    assert found.run("kd").facts["threads"] == 1


def test_an_arm_is_rehearsed_once_for_all_its_seeds(setting, store, monkeypatch) -> None:
    done = Counter()

    def rehearse(_setting, method, budget, conditions, seed) -> None:
        done[method.name, conditions.control] += 1

    monkeypatch.setattr("workbench.engine.distill.rehearse", rehearse)
    monkeypatch.setattr("workbench.engine.distill._rehearsed", set())
    study(setting, [methods.KD()], 3, store=store)
    arms = [("labels_only", "none"), ("kd", "none"), ("kd", "permuted_targets"), ("kd", "permuted_non_targets")]
    assert done == dict.fromkeys(arms, 1)
    study(setting, [methods.KD(temperature=2.0)], 1, quick=True, store=store)
    assert done["kd", "none"] == 2, "with another temperature it is another arm"


def test_the_signature_names_what_the_plan_takes() -> None:
    parameters = signature(study).parameters
    assert {"jobs", "store", "tune", "callbacks", "fresh", "budget", "quick", "teachers"} <= set(parameters)
    assert all(each.kind is not each.VAR_KEYWORD for each in parameters.values())
    assert parameters["fresh"].default is False
