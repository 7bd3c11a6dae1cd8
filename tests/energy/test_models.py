"""Watts that nobody measured: ranges, never one number, and totals that keep scopes apart."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from workbench.energy.component import Component, chosen, measured_share, merged, totals
from workbench.energy.cost import Cost
from workbench.energy.models import CpuTimeModel, FlopsModel
from workbench.energy.presets import PRESETS, Efficiency, Preset, likely_preset, preset
from workbench.energy.usage import Usage


def component(part: str, value: float, method: str, scope: str = "process", status: str = "estimated") -> Component:
    return Component(part, value, 0.5 * value, 2 * value, method, scope, status)


def test_processor_seconds_become_low_central_and_high() -> None:
    mine = Preset("mine", (1.0, 2.0, 3.0), (4.0, 5.0, 6.0), "made up")
    (found,) = CpuTimeModel(mine).spent(Usage((), 10.0, 4.0))
    assert (found.low_j, found.value_j, found.high_j) == (20.0, 28.0, 24.0 + 30.0)  # the upper end waits 10 s
    assert (found.scope, found.status) == ("process", "estimated")


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_is_a_range_with_a_source(name: str) -> None:
    (found,) = CpuTimeModel(preset(name)).spent(Usage((), 1.0, 1.0))
    assert 0 < found.low_j < found.value_j < found.high_j
    assert PRESETS[name].source


def test_operations_become_joules_without_any_clock() -> None:
    (found,) = FlopsModel(Efficiency("mine", (1.0, 10.0, 100.0), "made up")).spent(Usage((), 77.0, 88.0, 5e10))
    assert (found.low_j, found.value_j, found.high_j) == (0.5, 5.0, 50.0)
    assert FlopsModel().spent(Usage((), 1.0, 1.0)) == []


def test_a_battery_makes_a_laptop(tmp_path: Path) -> None:
    assert likely_preset(tmp_path / "none") == likely_preset(tmp_path) == "server"
    (tmp_path / "BAT0").mkdir()
    assert likely_preset(tmp_path) == "laptop"


def test_what_is_no_range_is_refused() -> None:
    with pytest.raises(ValueError, match="idle_w"):
        Preset("mine", (3.0, 2.0, 1.0), (1.0, 1.0, 1.0), "made up")
    with pytest.raises(ValueError, match="gflops_per_w"):
        Efficiency("mine", (0.0, 1.0, 2.0), "made up")
    with pytest.raises(KeyError, match="laptop, server"):
        preset("mainframe")


def test_scopes_are_never_added_up() -> None:
    parts = [
        component("cpu 0", 10.0, "rapl", "socket", "measured"),
        component("cpu 1", 20.0, "rapl", "socket", "measured"),
        component("gpu 0", 400.0, "nvml_counter", "machine", "measured"),
        component("memory 0", 5.0, "codecarbon", "socket", "assumed"),
    ]
    found = totals(parts)
    assert {scope: total.value_j for scope, total in found.items()} == {"socket": 35.0, "machine": 400.0}
    assert (found["socket"].status, found["machine"].status) == ("assumed", "measured")
    assert found["socket"].method == "rapl + codecarbon"
    assert measured_share(parts) == pytest.approx(430 / 435)


def test_a_joule_counts_once_however_many_methods_saw_it() -> None:
    parts = [
        component("cpu 0", 10.0, "rapl", "socket", "measured"),
        component("cpu", 7.0, "cpu_time_model"),
        component("compute", 3.0, "flops_model"),
        component("gpu 0", math.nan, "nvml_counter", "machine", "measured"),
        component("gpu 0", 90.0, "nvml_power", "machine", "measured"),
    ]
    assert [each.method for each in chosen(parts)] == ["rapl", "nvml_power"]
    assert [each.value_j for each in chosen(parts, "flops_model")] == [3.0]
    assert [each.value_j for each in chosen(parts, "cpu_time_model")] == [7.0]
    assert [each.method for each in chosen(parts[2:3])] == ["flops_model"]


def test_a_silent_sensor_leaves_its_place_to_the_model() -> None:
    parts = [component("cpu 0", math.nan, "rapl", "socket", "measured"), component("cpu", 7.0, "cpu_time_model")]
    assert [each.value_j for each in chosen(parts)] == [7.0]


def test_rows_add_up_and_keep_what_was_measured_apart() -> None:
    first = Cost("a", 1.0, 2.0, 3, 4, 5, {"student forward": 6.0}, 7, 100, (component("cpu", 1.0, "rapl"),), ("x",))
    second = Cost("b", 10.0, 20.0, 30, 40, 50, {"teacher forward": 60.0}, 70, 90, (component("cpu", 2.0, "rapl"),))
    both = first.plus(second)
    assert (both.stage, both.wall_s, both.cpu_s, both.steps, both.samples) == ("a", 11.0, 22.0, 33, 44)
    assert (both.tokens, both.bytes, both.peak_memory_bytes, both.marks) == (55, 77, 100, ("x",))
    assert (both.total_flops, both.macs) == (66.0, 33.0)
    assert [each.value_j for each in both.components] == [3.0]
    assert merged([component("cpu", 1.0, "rapl"), component("cpu", math.nan, "rapl")])[0].known is False


def test_a_row_of_which_only_a_part_was_measured_says_so() -> None:
    measured = component("cpu 0", 1.0, "rapl", "socket", "measured")
    row = Cost("a", wall_s=1.0, components=(measured,)).plus(Cost("a", wall_s=9.0))
    assert row.marks == ("not all of it was measured by the same sensors",)
