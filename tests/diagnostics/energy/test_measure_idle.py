"""What the idle machine, several runs and the gaps of an account do to its numbers."""

from __future__ import annotations

import math
from dataclasses import asdict

import pytest
from scipy.stats import t

from tests.contracts.probes.world import run as distilled_run
from tests.contracts.probes.world import setting
from tests.diagnostics.energy.ledgers import book, measured
from tests.energy.fakes import Plug
from workbench.diagnostics.energy.measure import energy, energy_of
from workbench.diagnostics.energy.measure_books import book_of
from workbench.diagnostics.energy.panel import EnergyPanel
from workbench.energy import baseline
from workbench.energy.baseline import Baseline, idle_baseline
from workbench.energy.carbon import Grid
from workbench.energy.component import Component
from workbench.energy.presets import Preset
from workbench.methods.catalog import make

FIXED = Preset("mine", (0.0, 0.0, 0.0), (1.0, 1.0, 1.0), "a joule per second")
PACKAGE = Component("cpu 0", 300.0, 290.0, 310.0, "rapl", "socket", "measured")
SENSED = {"kd": [measured(book(4.0, 3.0), "student", PACKAGE)]}
IDLE = Baseline({"cpu 0": 25.0}, 20.0, ("cpu 0 was not idle",))


def test_gross_and_net_are_shown_side_by_side_in_stages_and_totals() -> None:
    found = energy(SENSED, preset=FIXED, baseline=IDLE)
    by_scope = {row["scope"]: row for row in found.totals}
    assert (by_scope["socket"]["energy_j"], by_scope["socket"]["net_j"]) == (300.0, pytest.approx(300 - 25 * 6.0))
    assert by_scope["process"]["net_j"] == pytest.approx(by_scope["process"]["energy_j"])
    assert "150 J net of idle" in found.explain()
    assert "cpu 0 was not idle" in found.warnings
    assert math.isnan({row["scope"]: row for row in energy(SENSED).totals}["socket"]["net_j"])
    assert found.to_frame().set_index("quantity").loc["kd: student (J)", "net_j"] == pytest.approx(150.0)


def test_the_panel_keeps_the_baseline_when_something_else_moves() -> None:
    shown = EnergyPanel(energy(SENSED, preset=FIXED, baseline=IDLE))
    shown.allocation.value = 0.3
    assert shown.result.idle == {**asdict(IDLE), "watts": {"cpu 0": 25.0}}
    assert {row["scope"]: row for row in shown.result.totals}["socket"]["net_j"] == pytest.approx(150.0)


def test_before_and_after_are_averaged_and_a_machine_that_moved_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    found = None
    for watts in (40.0, 60.0):
        monkeypatch.setattr(baseline, "meters_here", lambda watts=watts: [Plug(lambda _: watts)])
        found = idle_baseline(0.02, found)
    assert found.watts == {"gpu 0": pytest.approx(50.0)}
    assert found.seconds == pytest.approx(0.04)
    assert found.warnings == ("gpu 0 drew 40 W idle before the work and 60 W after it",)
    steady = Baseline({"a": 10.0, "b": 1.0}, 1.0).joined(Baseline({"a": 10.5}, 1.0))
    assert (steady.watts, steady.warnings) == ({"a": 10.25}, ())


def test_without_a_sensor_the_baseline_is_there_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(baseline, "meters_here", list)
    assert idle_baseline(3600.0).watts == {}


def test_a_sensor_without_a_number_has_no_idle_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(baseline, "meters_here", lambda: [Plug(lambda _: math.nan)])
    found = idle_baseline(0.02)
    assert (found.watts, found.warnings) == ({}, ("gpu 0 was watched in vain: its sensor gave no number",))


def test_a_run_without_the_sensor_leaves_the_net_of_its_scope_unknown() -> None:
    both = {"kd": [*SENSED["kd"], book(4.0, seed=1)]}
    row = {row["scope"]: row for row in energy(both, preset=FIXED, baseline=IDLE).totals}["socket"]
    assert math.isnan(row["energy_j"])
    assert math.isnan(row["net_j"])


def test_over_runs_a_total_has_the_interval_of_students_t() -> None:
    seconds = [3.0, 4.0, 4.5, 5.0]
    total = energy({"kd": [book(s, seed=k) for k, s in enumerate(seconds)]}, preset=FIXED).totals[0]
    mean = sum(seconds) / 4
    half = t.ppf(0.975, 3) * (sum((s - mean) ** 2 for s in seconds) / 3) ** 0.5 / 2
    assert total["energy_j"] == pytest.approx(mean + 0.4)
    assert total["high_j"] - total["energy_j"] == pytest.approx(half, rel=0.12)
    assert total["energy_j"] - total["low_j"] == pytest.approx(half, rel=0.12)


@pytest.mark.parametrize(("runs", "few"), [(1, True), (2, True), (3, False)])
def test_fewer_than_three_runs_say_nothing_about_luck(runs: int, few: bool) -> None:
    found = energy({"kd": [book(3.0 + k, seed=k) for k in range(runs)]}, preset=FIXED)
    assert (found.totals[0]["high_j"] == pytest.approx(found.totals[0]["energy_j"])) == few
    assert any("fewer than 3 runs of kd" in each for each in found.warnings) == few


def test_memory_bytes_and_quality_are_told() -> None:
    heavy = book(4.0, 3.0, score={"student": 80.0, "teacher": 100.0})
    heavy["stages"][1] |= {"peak_memory_bytes": 123_000_000}
    found = energy({"kd": [heavy]})
    rows = {row["stage"]: row for row in found.stages}
    assert (rows["student"]["peak_memory_bytes"], rows["teacher_outputs"]["bytes"]) == (123e6, 40_000)
    assert math.isnan(rows["evaluation"]["peak_memory_bytes"])
    assert found.totals[0]["quality"] == pytest.approx(0.8)
    assert math.isnan(energy({"kd": [book(4.0, score={"student": 80.0})]}).totals[0]["quality"])


def test_the_checklist_names_what_was_not_given_and_forgets_what_was() -> None:
    def says(words: str, **options: object) -> bool:
        return any(words in line for line in energy(SENSED, **options).missing)

    assert says("idle_baseline")
    assert not says("idle_baseline", baseline=IDLE)
    assert says("carbon: give")
    assert not says("carbon: give", grid=Grid(300.0, "the operator", 2024, "here"))
    forgotten = book(4.0, 3.0)
    forgotten["shared"]["teacher_outputs"]["o"] = {"paid": "earlier", "cost": None}
    assert "teacher outputs: nobody wrote down what it cost" in energy({"kd": [forgotten]}).missing


def test_a_run_from_before_traces_were_kept_is_read() -> None:
    run = distilled_run(setting(), make("kd"))
    del run.facts["energy"]["sensed"]
    assert book_of(run)["sensed"] == []
    assert energy_of(run).sensed == ()
