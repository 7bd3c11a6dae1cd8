"""The energy of runs against sums by hand, and the refusal to know what nobody told."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from tests import examples
from tests.contracts.probes.world import run as distilled_run
from tests.contracts.probes.world import setting
from tests.diagnostics.energy.ledgers import book, measured, pair
from workbench.diagnostics.energy.measure import energy, energy_of
from workbench.energy.baseline import Baseline
from workbench.energy.carbon import Grid
from workbench.energy.component import KWH_J, Component
from workbench.energy.presets import Preset
from workbench.methods.catalog import make

MINE = Preset("mine", (1.0, 2.0, 3.0), (10.0, 20.0, 40.0), "made up")
GRID = Grid(400.0, "the operator", 2024, "here", pue=1.2)


def stages(found, arm="kd"):
    return {row["stage"]: row for row in found.stages if row["arm"] == arm}


def test_every_stage_is_priced_and_their_sum_is_what_one_student_takes() -> None:
    found = energy({"kd": [book(4.0, 3.0, 20.0)]}, preset=MINE)
    rows = stages(found)
    central = {"preparation": 0.1, "teacher_training": 20.0, "teacher_outputs": 3.0, "student": 4.0, "evaluation": 0.3}
    assert list(rows) == list(central)
    for stage, cpu_s in central.items():
        row = rows[stage]
        assert row["energy_j"] == pytest.approx(22 * cpu_s)
        assert (row["low_j"], row["net_j"]) == (pytest.approx(11 * cpu_s), pytest.approx(20 * cpu_s))
        assert row["high_j"] == pytest.approx((40 + 3 * 1.5) * cpu_s)
        assert (row["status"], row["scope"]) == ("estimated", "process")
        assert row["flops"] == 2 * row["macs"] == pytest.approx(1e9 * cpu_s)
    (total,) = found.totals
    assert total["energy_j"] == pytest.approx(22 * (0.1 + 3.0 + 4.0 + 0.3))
    assert total["low_j"] < total["energy_j"] < total["high_j"]
    assert rows["student"]["joules_per_sample"] == pytest.approx(22 * 4.0 / 6400)
    assert math.isnan(rows["student"]["joules_per_token"])


@pytest.mark.parametrize("allocation", [0.0, 0.25, 1.0])
def test_the_teachers_training_enters_by_its_allocation(allocation: float) -> None:
    found = energy({"kd": [book(4.0, 3.0, 20.0)]}, preset=MINE, allocation=allocation)
    assert found.totals[0]["energy_j"] == pytest.approx(22 * (7.4 + 20 * allocation))
    assert any("taken as given" in each for each in found.warnings) == (allocation == 0)


def test_an_arm_on_labels_is_charged_for_no_teacher() -> None:
    found = energy(pair(), preset=MINE, allocation=1.0)
    assert set(stages(found, "labels_only")) == {"preparation", "student", "evaluation"}
    assert stages(found)["teacher_training"]["paid"] == "earlier"


def test_without_sensors_nothing_is_measured_and_that_is_said() -> None:
    found = energy(pair())
    assert found.measured_share == 0
    assert {row["status"] for row in found.stages} == {"estimated"}
    assert "everything is estimated: there is no sensor that this process may read" in found.warnings
    assert "processor's own counters (RAPL): there are no counters" in found.missing
    assert "No part of the energy was measured" in found.explain()


def test_a_sensor_is_believed_before_a_model_and_only_of_its_part() -> None:
    package = Component("cpu 0", 300.0, 290.0, 310.0, "rapl", "socket", "measured")
    board = Component("gpu 0", 900.0, 850.0, 950.0, "nvml_counter", "machine", "measured")
    found = energy({"kd": [measured(book(4.0), "student", package, board)]}, preset=MINE)
    row = stages(found)["student"]
    assert (row["energy_j"], row["status"], row["scope"]) == (1200.0, "measured", "machine + socket")
    assert {total["scope"] for total in found.totals} == {"socket", "machine", "process"}
    assert {t["scope"]: t["energy_j"] for t in found.totals}["machine"] == 900.0
    assert found.measured_share == pytest.approx(1200 / (1200 + 22 * 0.4))
    (mixture,) = [each for each in found.warnings if "different scopes" in each]
    assert "(cpu of the process, cpu of the socket, gpu of the machine)" in mixture


def test_net_energy_of_a_sensor_needs_an_idle_baseline() -> None:
    package = Component("cpu 0", 300.0, 290.0, 310.0, "rapl", "socket", "measured")
    books = {"kd": [measured(book(4.0), "student", package)]}
    assert math.isnan(stages(energy(books))["student"]["net_j"])
    idle = Baseline({"cpu 0": 25.0}, 10.0)
    assert stages(energy(books, baseline=idle))["student"]["net_j"] == pytest.approx(300 - 25 * 6.0)


def test_carbon_is_unknown_until_the_grid_is_known() -> None:
    assert energy(pair()).totals[0]["carbon_g"] is None
    assert energy(pair()).grid == ""
    total = energy(pair(), preset=MINE, grid=GRID).totals[0]
    assert total["carbon_g"] == pytest.approx(total["energy_j"] / KWH_J * 1.2 * 400)


def test_what_is_unknown_is_missing_and_never_zero() -> None:
    forgotten = book(4.0, 3.0)
    forgotten["shared"]["teacher_outputs"]["o"] = {"paid": "earlier", "cost": None}
    found = energy({"kd": [forgotten]}, allocation=0.5)
    assert math.isnan(stages(found)["teacher_outputs"]["energy_j"])
    assert math.isnan(stages(found)["teacher_training"]["energy_j"])
    assert sum("its cost is not known" in each for each in found.warnings) == 2


def test_the_same_work_at_the_price_of_its_operations() -> None:
    found = energy(pair(), method="flops_model")
    assert stages(found)["student"]["energy_j"] == pytest.approx(1e9 * stages(found)["student"]["cpu_s"] / 5e9)
    assert found.totals[0]["status"] == "estimated"


def test_more_runs_are_averaged_and_their_spread_is_in_the_interval() -> None:
    same = {"kd": [book(4.0, seed=k) for k in range(5)]}
    apart = {"kd": [book(s, seed=k) for k, s in enumerate((1.0, 2.0, 4.0, 6.0, 7.0))]}
    narrow, wide = (energy(books, preset=replace(MINE, core_w=(20.0,) * 3)).totals[0] for books in (same, apart))
    assert narrow["energy_j"] == pytest.approx(wide["energy_j"])
    assert wide["high_j"] - wide["low_j"] > 2 * (narrow["high_j"] - narrow["low_j"])


def test_doubts_are_named() -> None:
    late = book(4.0, sessions=2)
    late["stages"][1] |= {"wall_s": 40.0, "marks": ["the clock went backwards"]}
    short = book(0.001)
    found = energy({"late": [late], "short": [short]}).warnings
    for words in (
        "interrupted and resumed",
        "the clock went backwards",
        "10.0 s on the clock",
        "below resolution, 1.0 ms",
    ):
        assert any(words in each for each in found), words


def test_the_process_start_is_shown_and_charged_to_nobody() -> None:
    warm = book(4.0)
    warm["stages"].insert(0, warm["stages"][0] | {"stage": "warm_up", "cpu_s": 100.0})
    found = energy({"kd": [warm]}, preset=MINE)
    assert stages(found)["warm_up"]["charged"] == 0
    assert found.totals[0]["energy_j"] == pytest.approx(22 * 4.4)


def test_a_run_on_a_board_that_nobody_measured_says_so() -> None:
    found = energy({"kd": [book(4.0, device="cuda")]}, method="flops_model")
    assert any("the board that computed" in each for each in found.missing)
    assert "accelerator" in found.price


def test_a_real_run_is_accounted_for() -> None:
    run = distilled_run(setting(), make("kd"))
    found = energy_of(run)
    assert (found.arms, found.n) == (("kd",), 1)
    ledgered = sum(row["wall_s"] for row in run.facts["energy"]["stages"] if row["stage"] != "warm_up")
    assert found.totals[0]["wall_s"] == pytest.approx(ledgered)
    assert len(found.trace_s) == len(found.trace_j) == len(found.trace_stage) > 0
    assert (np.diff(found.trace_j) >= 0).all()


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"books": {}}, "no ledger to read"),
        ({"books": {"kd": []}}, "one run at least"),
        ({"allocation": 2.0}, "allocation = 2"),
        ({"method": "divination"}, "no book was written by 'divination'"),
    ],
)
def test_bad_input_is_one_clear_error(given: dict[str, object], says: str) -> None:
    given = {"books": pair()} | given
    with pytest.raises(ValueError, match=says):
        energy(given.pop("books"), **given)


def test_an_unknown_preset_and_a_run_without_a_ledger() -> None:
    with pytest.raises(KeyError, match="laptop, server"):
        energy(pair(), preset="mainframe")
    with pytest.raises(ValueError, match="carries no ledger"):
        energy_of(examples.run())
