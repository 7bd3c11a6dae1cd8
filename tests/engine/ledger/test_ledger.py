"""The ledger of a run: every second in one row, every operation by hand, and not a bit of the run moved."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from functools import partial
from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.tree import DecisionTreeClassifier

from tests.contracts.probes.world import BUDGET, play, run, same, setting, start
from tests.contracts.text import text_setting
from tests.energy.fakes import Plug
from workbench.energy.cost import Cost
from workbench.engine import protocols
from workbench.engine.conditions import Conditions
from workbench.engine.controls import Controls
from workbench.engine.distill import Distillation, collect, distill
from workbench.engine.identity import teacher_identity
from workbench.engine.ledger import ledger
from workbench.engine.ledger.ledger import Ledger
from workbench.engine.store import Store
from workbench.engine.teacher.acquire import teacher_of
from workbench.engine.teacher.cache import TeacherCache
from workbench.engine.training import keeper, probes
from workbench.methods.catalog import make
from workbench.models.mlp import MLP
from workbench.records import events
from workbench.records.budget import Budget
from workbench.records.run import Run
from workbench.settings.setting import Recipe

RECIPE = Recipe(partial(MLP, 4, (16,), 3), Budget(epochs=3, batch_size=16))
STEPS, BATCH = 18, 16
STUDENT = 2 * BATCH * (4 * 8 + 8 * 3)
STUDENT_BACKWARD = STUDENT + 2 * BATCH * 8 * 3
TEACHER = 2 * (4 * 16 + 16 * 3)  # one sample


def rows(of: Run) -> dict[str, Cost]:
    return {found["stage"]: Cost.from_dict(found) for found in of.facts["energy"]["stages"]}


def shared(of: Run, what: str) -> dict[str, Any]:
    (found,) = of.facts["energy"]["shared"][what].values()
    return found


@pytest.fixture
def unprobed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody measures gradients in between, so that the operations are those of the training alone."""
    monkeypatch.setattr(probes, "PER_RUN", 0)


def test_every_operation_of_a_run_by_hand(unprobed: None) -> None:
    found = rows(run(setting(), make("kd")))
    assert found["student"].flops == {
        "student forward": STEPS * STUDENT,
        "student backward": STEPS * STUDENT_BACKWARD,
    }
    assert found["teacher_outputs"].flops == {"teacher forward": 96 * TEACHER}
    assert (found["student"].steps, found["student"].samples) == (STEPS, STEPS * BATCH)
    validated, tested = 3 * 30, 60
    assert found["evaluation"].flops["student forward"] >= (validated + tested) * STUDENT / BATCH
    assert found["evaluation"].flops["teacher forward"] >= (validated + tested) / 3 * TEACHER


def test_a_teacher_that_is_asked_at_every_step_is_counted_apart(unprobed: None) -> None:
    found = rows(run(setting(), make("fitnets")))
    assert "teacher_outputs" not in found
    assert found["student"].flops["teacher forward"] == STEPS * BATCH * TEACHER
    assert found["student"].flops["student forward"] > STEPS * STUDENT  # and the regressor


def test_what_the_reader_does_between_two_events_is_charged_to_nobody() -> None:
    slept, going = 0.0, distill(setting(), make("kd"), conditions=Conditions(checkpoint=False))
    began = time.perf_counter()
    for event in going:
        if isinstance(event, events.Step):
            asleep = time.perf_counter()
            time.sleep(0.02)
            slept += time.perf_counter() - asleep  # on a busy machine longer than was asked
    took = time.perf_counter() - began
    charged = sum(cost.wall_s for cost in rows(event.run).values())
    assert slept > 0.3
    assert charged <= took - slept
    assert charged > 0.5 * (took - slept) - 0.05


def test_two_runs_in_turns_charge_nothing_to_each_other() -> None:
    left, right = (start(setting(), make("kd"), seed=seed) for seed in (0, 1))
    began, runs = time.perf_counter(), []
    for pair in zip_longest(play(left), play(right)):
        runs += [event.run for event in pair if isinstance(event, events.Finished)]
    took = time.perf_counter() - began
    charged = [cost.wall_s for each in runs for cost in rows(each).values()]
    assert 0 < sum(charged) <= took


def test_a_teacher_is_paid_once_and_its_price_is_remembered(home: Path) -> None:
    first, second = (run(setting(teacher=RECIPE), make(name)) for name in ("kd", "dkd"))
    assert [shared(each, "teacher")["paid"] for each in (first, second)] == ["now", "earlier"]
    assert [shared(each, "teacher_outputs")["paid"] for each in (first, second)] == ["now", "earlier"]
    assert shared(first, "teacher")["cost"] == shared(second, "teacher")["cost"]
    price = Cost.from_dict(shared(first, "teacher")["cost"])
    assert price.flops["teacher forward"] >= 3 * 96 * TEACHER
    assert price.steps == STEPS
    assert rows(first)["teacher_training"].wall_s >= price.wall_s
    assert "teacher_training" not in rows(second)
    assert shared(second, "teacher_outputs")["cost"]["bytes"] == 96 * 3 * 4


def test_a_teacher_trained_for_a_whole_study_has_a_price_too(home: Path) -> None:
    where = setting(teacher=RECIPE)
    key = teacher_identity(where, 0).digest
    for _ in teacher_of(where, Conditions(checkpoint=False), key):
        pass
    assert TeacherCache(home / "teachers").weights(key).cost.steps == STEPS
    assert shared(run(where, make("kd")), "teacher")["paid"] == "earlier"


def test_a_given_teacher_was_paid_by_somebody_else() -> None:
    found = shared(run(setting(), make("kd")), "teacher")
    assert found == {"paid": "given", "cost": None}


def test_an_old_cache_knows_no_price(home: Path) -> None:
    where = setting(teacher=RECIPE)
    TeacherCache(home / "teachers").keep_weights(teacher_identity(where, 0).digest, MLP(4, (16,), 3).state_dict())
    assert shared(run(where, make("kd")), "teacher") == {"paid": "earlier", "cost": None}


def test_a_run_that_reads_no_teacher_says_so() -> None:
    assert run(setting(), make("labels_only")).facts["energy"]["reads_teacher"] is False
    assert "teacher_outputs" not in rows(run(setting(), make("labels_only")))


@pytest.mark.parametrize("name", ["kd", "fitnets"])
def test_an_interrupted_run_goes_on_adding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(keeper, "EVERY", 0.0)
    where, method = setting(teacher=RECIPE), make(name)
    whole = collect(distill(where, method, conditions=Conditions(folder=tmp_path / "a")))
    for stop in (14, None):
        going = Distillation(where, make(name), BUDGET, 0, Conditions(folder=tmp_path / "b"))
        for event in going.run(Controls(going.method)):
            if isinstance(event, events.Step) and (event.party, event.step) == ("student", stop):
                break
    assert same(whole.models["student"], event.run.models["student"])
    found, expected = rows(event.run), rows(whole)
    assert event.run.facts["energy"]["sessions"] == 2
    assert found["student"].steps == expected["student"].steps == STEPS
    assert found["student"].samples == expected["student"].samples
    assert found["teacher_training"].steps == STEPS
    assert {k: v["paid"] for each in event.run.facts["energy"]["shared"].values() for k, v in each.items()} == {
        k: v["paid"] for each in whole.facts["energy"]["shared"].values() for k, v in each.items()
    }
    walls = [point[0] for point in event.run.facts["energy"]["timeline"]]
    assert walls == sorted(walls)


@pytest.mark.parametrize("name", ["kd", "crd", "fitnets", "deep_mutual_learning", "teacher_assistant", "dkd"])
def test_counting_moves_no_bit(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    counted = run(setting(), make(name))
    monkeypatch.setattr(protocols, "stepper", lambda updater: updater.step)
    monkeypatch.setattr(Ledger, "watch", lambda self, stream, name: stream)
    plain = run(setting(), make(name))
    assert rows(counted)["student"].flops
    assert all(same(counted.models[party], plain.models[party]) for party in plain.models)
    for curve, values in plain.curves.items():
        np.testing.assert_array_equal(values.values, counted.curves[curve].values)


def test_assistants_have_a_row_of_their_own() -> None:
    found = rows(run(setting(), make("teacher_assistant")))
    assert found["assistant_training"].steps > 0
    assert found["student"].steps == STEPS


def test_a_student_without_gradients_is_charged_its_fit() -> None:
    found = rows(run(setting(student=DecisionTreeClassifier()), make("kd")))
    assert found["student"].wall_s > 0
    assert found["student"].steps == 0


def test_joules_of_a_sensor_are_those_of_the_stages_and_no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    plug = Plug(lambda _: 50.0)
    plug.interval_s = 0.005
    monkeypatch.setattr(ledger, "meters_here", lambda: [plug])
    found = None
    for event in distill(setting(teacher=RECIPE), make("kd"), conditions=Conditions(checkpoint=False)):
        if isinstance(event, events.Epoch):
            time.sleep(0.03)
        found = event
    for cost in rows(found.run).values():
        measured = sum(each.value_j for each in cost.components)
        assert measured == pytest.approx(50 * cost.wall_s, rel=1e-6)


def test_serving_a_sample_is_known_for_student_and_teacher(unprobed: None) -> None:
    serving = run(setting(), make("kd")).facts["energy"]["serving"]
    student, teacher = (Cost.from_dict(serving[party]) for party in ("student", "teacher"))
    assert student.total_flops / student.samples == STUDENT / BATCH
    assert teacher.total_flops / teacher.samples == TEACHER


def test_the_record_is_plain_and_kept_with_the_run(tmp_path: Path) -> None:
    found = run(setting(), make("kd"))
    store = Store(folder=tmp_path)
    store.save(found)
    assert json.loads(json.dumps(found.facts["energy"])) == found.facts["energy"]
    assert store.load(found.id).facts["energy"] == found.facts["energy"]
    assert len(found.facts["energy"]["timeline"]) <= 128
    assert replace(found, facts={}).facts == {}


def test_texts_count_their_tokens() -> None:
    found = rows(run(text_setting(), make("word_level_kd"), Budget(epochs=1, batch_size=16)))
    assert found["student"].tokens > found["student"].samples > 0
