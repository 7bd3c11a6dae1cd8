"""Numbers moved while a run is going on."""

from __future__ import annotations

import threading

import pytest

from tests.contracts.probes.world import net, run, same, setting, start
from workbench.engine.conditions import Conditions
from workbench.engine.controls import Controls
from workbench.engine.distill import Distillation, collect, distill
from workbench.methods.catalog import make
from workbench.records import events
from workbench.records.budget import Budget

ONCE = Conditions(checkpoint=False)


def moved(at: int, name: str, value: float, method: str = "kd"):
    """The events of a run in which a control is set just before a step."""
    given = make(method)
    controls, found = Controls(given), []
    for event in distill(setting(), given, conditions=ONCE, controls=controls):
        found.append(event)
        if isinstance(event, events.Step) and event.step == at - 1:
            controls.set(name, value)
    return found


def test_a_change_is_seen_at_the_next_step_and_recorded():
    found = moved(7, "soft_weight", 0.0)
    soft = {e.step: e.terms["soft"] for e in found if isinstance(e, events.Step)}
    assert all(value > 0 for step, value in soft.items() if step < 7)
    assert all(value == 0 for step, value in soft.items() if step >= 7)
    (changed,) = [e for e in found if isinstance(e, events.Changed)]
    assert (changed.step, changed.name, changed.value, changed.party) == (7, "soft_weight", 0.0, "student")
    assert found[-1].run.changes == ({"party": "student", "step": 7, "name": "soft_weight", "value": 0.0},)


def test_a_changed_run_has_an_identity_of_its_own():
    plain, early, late = (
        run(setting(), make("kd")),
        moved(3, "temperature", 8.0)[-1].run,
        moved(9, "temperature", 8.0)[-1].run,
    )
    assert len({plain.id, early.id, late.id}) == 3
    assert early.id.startswith(plain.id)
    assert "live" in early.id
    assert plain.method == early.method, "the method is what was asked for; the changes are beside it"


def test_replaying_the_changes_gives_identical_weights():
    live = moved(7, "temperature", 8.0)[-1].run
    method = make("kd")
    again = collect(distill(setting(), method, conditions=ONCE, controls=Controls(method, replay=live.changes)))
    assert same(live.models["student"], again.models["student"])
    assert (again.id, again.changes) == (live.id, live.changes)
    assert not same(live.models["student"], run(setting(), make("kd")).models["student"])


def test_a_change_in_a_later_party_is_replayed_there_and_not_in_an_earlier_one():
    given = make("teacher_assistant")
    controls, live = Controls(given), None
    for event in distill(setting(), given, conditions=ONCE, controls=controls):
        if isinstance(event, events.Step) and (event.party, event.step) == ("student", 4):
            controls.set("temperature", 9.0)
        live = event
    again = make("teacher_assistant")
    replayed = list(distill(setting(), again, conditions=ONCE, controls=Controls(again, replay=live.run.changes)))
    assert [(e.party, e.step) for e in replayed if isinstance(e, events.Changed)] == [("student", 5)]
    assert same(replayed[-1].run.models["student"], live.run.models["student"])


def test_wrong_names_and_values_are_refused_where_they_are_set():
    controls = Controls(make("kd"))
    with pytest.raises(KeyError, match="no parameter 'temperatur'; nearest: temperature"):
        controls.set("temperatur", 3.0)
    with pytest.raises(ValueError, match="temperature = 99"):
        controls.set("temperature", 99)
    with pytest.raises(ValueError, match="not a float"):
        controls.set("temperature", "hot")
    assert controls.take("student", 1) == {}


def test_parameters_of_a_sum_are_moved_by_their_full_name():
    method = make("kd+rkd")
    controls = Controls(method)
    controls.set("kd.temperature", 8)
    assert controls.take("student", 1) == {"kd.temperature": 8.0}
    with pytest.raises(KeyError, match=r"known: kd\.temperature"):
        controls.set("temperature", 8)


def test_a_logit_transform_can_be_put_in_place():
    controls = Controls(make("dkd"))
    controls.set("transform", "standardize")
    assert controls.take("student", 1) == {"transform": "standardize"}
    with pytest.raises(KeyError, match="no logit transform 'standard'"):
        controls.set("transform", "standard")


def test_the_last_of_many_wishes_wins_and_each_is_taken_once():
    controls = Controls(make("kd"))
    threads = [threading.Thread(target=controls.set, args=("temperature", float(k))) for k in range(1, 20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    controls.set("temperature", 20.0)
    assert controls.take("student", 1) == {"temperature": 20.0}
    assert controls.take("student", 2) == {}


def test_what_is_set_while_the_teacher_trains_waits_for_the_student():
    method = make("kd")
    controls = Controls(method)
    controls.set("soft_weight", 0.0)
    arm = start(setting(), method)
    found = [e for e in arm.run(controls) if isinstance(e, events.Changed | events.Step)]
    assert isinstance(found[0], events.Changed)
    assert found[0].step == 1
    assert found[1].terms["soft"] == 0


def test_identity_covers_everything_that_was_asked():
    base = (setting(), make("kd"), Budget(), 0, ONCE)
    others = [
        (setting(name="other"), *base[1:]),
        (setting(teacher=net(seed=2)), *base[1:]),
        (base[0], make("kd", {"temperature": 2.0}), *base[2:]),
        (*base[:2], Budget(epochs=2), *base[3:]),
        (*base[:3], 1, ONCE),
        (*base[:4], Conditions(control="permuted_targets")),
        (*base[:4], Conditions(control="permuted_non_targets")),
    ]
    ids = [Distillation(*asked).id for asked in (base, *others)]
    assert len(set(ids)) == len(ids)
    assert Distillation(*base[:4], Conditions(device="cpu")).id == ids[0], "where it runs is no part of what was asked"
    assert ids[0].startswith("blobs-kd-s0-")
