"""Stages inside stages: every second and every joule is in one row, whatever the clocks do."""

from __future__ import annotations

import contextlib
import math
import random
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from tests.energy.fakes import Plug, Time
from workbench.energy.component import chosen, measured_share, totals
from workbench.energy.cost import Cost, together
from workbench.energy.energy_meter import EnergyMeter
from workbench.energy.ladder import missing_here
from workbench.energy.meter import Meter
from workbench.energy.models import CpuTimeModel, FlopsModel


def meter_at(time_: Time, *meters: Meter) -> EnergyMeter:
    return EnergyMeter(meters, background=False, **time_.clocks)


def joules(cost: Cost) -> float:
    return sum(each.value_j for each in cost.components)


def test_constant_power_times_time() -> None:
    now = Time()
    with meter_at(now, Plug(lambda _: 100.0)) as meter:
        with meter.stage("student"):
            now.pass_(2.0)
        now.pass_(50.0)  # nobody's
        (cost,) = meter.costs()
    assert (cost.stage, cost.wall_s, joules(cost)) == ("student", pytest.approx(2.0), pytest.approx(200.0))


def test_a_ramp_is_exact() -> None:
    now = Time()
    with meter_at(now, Plug(lambda at: 100 + 50 * (at - 100.0))) as meter, meter.stage("student"):
        now.pass_(2.0)
    assert joules(meter.costs()[0]) == pytest.approx(300.0)


def test_nested_stages_are_disjoint_and_sum_to_their_parent() -> None:
    now = Time()
    with meter_at(now, Plug(lambda at: 10 * at)) as meter:
        with meter.stage("run"):
            now.pass_(1.0, cpu=0.5)
            with meter.stage("teacher", samples=7):
                now.pass_(2.0, cpu=1.5)
                with meter.stage("cache", bytes_kept=64):
                    now.pass_(4.0, cpu=0.25)
                now.pass_(8.0, cpu=3.0)
            now.pass_(16.0, cpu=6.0)
        rows = {cost.stage: cost for cost in meter.costs()}
    assert {name: (cost.wall_s, cost.cpu_s) for name, cost in rows.items()} == {
        "run": (pytest.approx(17.0), pytest.approx(6.5)),
        "teacher": (pytest.approx(10.0), pytest.approx(4.5)),
        "cache": (pytest.approx(4.0), pytest.approx(0.25)),
    }
    assert sum(map(joules, rows.values())) == pytest.approx(10 * (131**2 - 100**2) / 2)
    assert (rows["teacher"].samples, rows["cache"].bytes) == (7, 64)


def test_a_stage_that_fails_is_charged_all_the_same() -> None:
    now = Time()
    meter = meter_at(now)
    with contextlib.suppress(RuntimeError), meter.stage("student"):
        now.pass_(3.0)
        raise RuntimeError
    with meter.stage("student"):
        now.pass_(1.0)
    assert meter.costs()[0].wall_s == pytest.approx(4.0)


def test_a_machine_that_slept_is_marked_and_its_sleep_is_not_charged() -> None:
    now = Time()
    meter = meter_at(now)
    with meter.stage("student"):
        now.pass_(2.0)
        now.day += 3600
    (cost,) = meter.costs()
    assert cost.wall_s == pytest.approx(2.0)
    assert cost.marks == ("the clock jumped by +3600 s: asleep, or the time was set",)


def test_a_clock_that_goes_backwards_takes_nothing_off() -> None:
    now = Time()
    meter = meter_at(now)
    with meter.stage("student"):
        now.wall -= 5.0
    (cost,) = meter.costs()
    assert cost.wall_s == 0.0
    assert "the clock went backwards" in cost.marks


def test_without_sensors_everything_is_estimated() -> None:
    now = Time()
    with meter_at(now, CpuTimeModel(), FlopsModel()) as meter, meter.stage("student"):
        now.pass_(2.0, cpu=1.0)
    (cost,) = meter.costs()
    picked = chosen(cost.components)
    assert {each.status for each in cost.components} == {"estimated"}
    assert measured_share(picked) == 0.0
    assert list(totals(picked)) == ["process"]
    assert picked[0].low_j < picked[0].value_j < picked[0].high_j
    assert meter.idle(0.01).warnings == ("no sensor: the idle part is the model's",)


def test_a_meter_that_knows_nothing_gives_no_number() -> None:
    now = Time()
    with meter_at(now, Meter()) as meter, meter.stage("student"):
        now.pass_(1.0)
    (cost,) = meter.costs()
    assert cost.components == ()
    assert math.isnan(measured_share(cost.components))


def test_a_sensor_that_vanishes_ends_no_training() -> None:
    def vanish(at: float) -> float:
        if at > 101:
            raise OSError("gone")
        return 50.0

    now = Time()
    with meter_at(now, Plug(vanish)) as meter, meter.stage("student"):
        now.pass_(5.0)
    assert meter.costs()[0].marks == ("nvml_power failed: OSError: gone",)


def test_the_idle_part_is_taken_off() -> None:
    with EnergyMeter([Plug(lambda _: 40.0)]) as meter:
        idle = meter.idle(0.1)
        with meter.stage("student"):
            time.sleep(0.05)
        (cost,) = meter.costs()
    assert idle.watts == {"gpu 0": pytest.approx(40.0)}
    assert idle.net(cost.components[0], cost.wall_s).value_j == pytest.approx(0.0, abs=0.3)
    with pytest.raises(ValueError, match="no time to watch"):
        meter.idle(0)


def test_a_machine_that_is_busy_is_no_baseline() -> None:
    luck = random.Random(0)
    with EnergyMeter([Plug(lambda _: luck.uniform(0, 200))]) as meter:
        assert "was not idle" in meter.idle(0.05).warnings[0]


def test_processor_seconds_of_children_are_counted() -> None:
    meter = EnergyMeter([])
    with meter.stage("loading"):
        subprocess.run([sys.executable, "-c", "x = sum(i * i for i in range(2_000_000))"], check=True)
    (cost,) = meter.costs()
    assert cost.cpu_s > 0.04
    assert cost.peak_memory_bytes > 1e6


def test_the_polling_thread_comes_and_goes_and_leaves_randomness_alone() -> None:
    random.seed(3)
    before, plug = random.getstate(), Plug(lambda _: 1.0)
    plug.interval_s = 0.002
    with EnergyMeter([plug]):
        assert any(thread.name == "energy" for thread in threading.enumerate())
        time.sleep(0.1)
    assert not any(thread.name == "energy" for thread in threading.enumerate())
    assert random.getstate() == before
    gaps = [b - a for a, b in zip(*(plug.trace.arrays()[0][k:] for k in (0, 1)), strict=False)]
    assert len(gaps) > 8


def test_no_sensor_no_thread() -> None:
    with EnergyMeter([CpuTimeModel()]):
        assert not any(thread.name == "energy" for thread in threading.enumerate())


def test_this_machine_says_what_it_lacks() -> None:
    assert set(missing_here()) <= {"nvml_counter", "nvml_power", "rapl"}
    assert all(missing_here().values())
    if not Path("/sys/class/powercap").exists():
        assert "rapl" in missing_here()


def test_a_stage_has_a_name() -> None:
    with pytest.raises(ValueError, match="needs a name"), EnergyMeter([]).stage(""):
        pass


def test_rows_are_plain_and_come_back() -> None:
    now = Time()
    with meter_at(now, CpuTimeModel(), Plug(lambda _: float("nan"))) as meter, meter.stage("student", samples=3):
        now.pass_(1.0, cpu=1.0)
    (cost,) = meter.costs()
    again = Cost.from_dict(cost.to_dict())
    assert again.to_dict() == cost.to_dict()
    assert together([cost, again], "both").samples == 6
    assert cost.to_dict()["components"][1]["value_j"] is None
