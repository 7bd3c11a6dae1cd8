"""Traces of sensors kept with a run, against areas that can be seen; pauses are in none of them."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import numpy as np
import pytest

from tests.contracts.probes.world import setting
from tests.energy.fakes import Plug
from workbench.engine.conditions import Conditions
from workbench.engine.distill import distill
from workbench.engine.ledger import ledger
from workbench.engine.ledger.ledger import Ledger
from workbench.engine.ledger.sensing import POINTS, Sensing
from workbench.methods.catalog import make
from workbench.records import events


def plug(watts: Callable[[float], float], end: float, every: float = 0.01) -> Plug:
    made = Plug(watts)
    for now in np.arange(0.0, end + every / 2, every):
        made.poll(float(now))
    return made


def worked(*spans: tuple[float, float]) -> Sensing:
    made = Sensing()
    for start, end in spans:
        made.begin(start)
        made.end(end)
    return made


def curve(sensing: Sensing, meter: Plug) -> tuple[np.ndarray, np.ndarray]:
    (found,) = sensing.curves([meter], 0.0)
    assert (found["part"], found["method"]) == ("gpu 0", "nvml_power")
    return np.array(found["seconds"]), np.array(found["joules"])


def test_a_pause_is_in_no_second_and_no_joule() -> None:
    busy = plug(lambda now: 500.0 if 2.0 < now < 7.0 else 100.0, 10.0)
    seconds, joules = curve(worked((0.0, 1.5), (7.5, 10.0)), busy)
    assert (seconds[0], seconds[-1]) == (0.0, 4.0)
    np.testing.assert_allclose(joules, 100 * seconds, rtol=1e-4)


def test_a_ramp_is_a_parabola_that_goes_on_behind_the_pause() -> None:
    seconds, joules = curve(worked((0.0, 4.0), (6.0, 9.0)), plug(lambda now: 20 * now, 9.0))
    literal = np.where(seconds <= 4, 10 * seconds**2, 160 + 10 * ((seconds + 2) ** 2 - 36))
    np.testing.assert_allclose(joules, literal, atol=0.01)
    assert len(seconds) == POINTS


def test_gaps_too_short_to_see_end_no_span_and_their_joules_are_nobodys() -> None:
    steps = worked(*((0.001 * k, 0.001 * k + 0.0008) for k in range(5000)))
    assert len(steps._spans) == 1
    seconds, joules = curve(steps, plug(lambda _: 50.0, 5.0))
    assert seconds[-1] == pytest.approx(4.0)
    np.testing.assert_allclose(joules, 50 * seconds, rtol=1e-4)


def test_what_is_going_on_counts_up_to_now() -> None:
    going = Sensing()
    going.begin(1.0)
    (found,) = going.curves([plug(lambda _: 10.0, 5.0)], 3.0)
    assert found["seconds"][-1] == 2.0
    going.end(4.0)
    assert curve(going, plug(lambda _: 10.0, 5.0))[1][-1] == 30.0


def test_a_later_session_goes_on_behind_the_earlier_one() -> None:
    meter = plug(lambda _: 30.0, 5.0)
    kept = worked((0.0, 5.0)).curves([meter], 0.0)
    later = worked((1.0, 3.0))
    later.resume(json.loads(json.dumps(kept)), 4.9)
    seconds, joules = curve(later, meter)
    assert (seconds[-1], joules[-1]) == (7.0, 210.0)
    assert len(seconds) == POINTS
    assert (np.diff(seconds) >= 0).all()
    assert (np.diff(joules) >= 0).all()
    without = worked((1.0, 3.0))
    without.resume(kept, 4.9)
    assert curve(without, Plug(lambda _: 0.0))[1][-1] == 150.0, "a sensor that is gone keeps what it had said"


def test_no_sensor_no_curve() -> None:
    assert worked((0.0, 1.0)).curves([], 0.0) == []
    assert Sensing().curves([plug(lambda _: 1.0, 1.0)], 0.0) == []


def test_a_run_keeps_the_trace_of_its_sensor(monkeypatch: pytest.MonkeyPatch) -> None:
    sensor = Plug(lambda _: 50.0)
    sensor.interval_s = 0.005
    monkeypatch.setattr(ledger, "meters_here", lambda: [sensor])
    found = None
    for event in distill(setting(), make("kd"), conditions=Conditions(checkpoint=False)):
        if isinstance(event, events.Epoch):
            time.sleep(0.05)
        found = event
    record = found.run.facts["energy"]
    assert json.loads(json.dumps(record)) == record
    (kept,) = record["sensed"]
    charged = sum(row["wall_s"] for row in record["stages"])
    assert kept["seconds"][-1] == pytest.approx(charged, abs=0.045)  # one pause is 0.05 s
    assert kept["joules"][-1] == pytest.approx(50 * kept["seconds"][-1], abs=0.5)  # a pause alone is 2.5 J
    assert len(kept["seconds"]) <= POINTS


def test_a_state_from_before_traces_were_kept_is_gone_on_from() -> None:
    old = {name: value for name, value in Ledger().state().items() if name != "sensed"}
    book = Ledger()
    book.restore(old)
    assert book.state()["sensed"] == []
