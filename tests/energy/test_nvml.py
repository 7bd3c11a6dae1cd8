"""The boards' sensors, played by a fake library."""

from __future__ import annotations

import sys

import pytest

from tests.energy.fakes import Boards
from workbench.energy.ladder import lacking, usable
from workbench.energy.nvml import FEWEST_SAMPLES, TOLERANCE, NvmlCounter, NvmlPower
from workbench.energy.usage import Usage


def test_the_counter_is_a_difference_in_millijoules() -> None:
    boards = Boards(count=2)
    meter = NvmlCounter(boards)
    meter.poll(0.0)
    boards.millijoules = [1_250_000, 1_010_000]
    meter.poll(5.0)
    first, second = meter.spent(Usage(((0.0, 5.0),), 5.0, 1.0))
    assert (first.part, first.value_j, second.value_j) == ("gpu 0", 250.0, 10.0)
    assert (first.status, first.scope) == ("measured", "machine")
    assert first.low_j <= 250 * (1 - TOLERANCE)
    assert first.high_j >= 250 * (1 + TOLERANCE)


@pytest.mark.parametrize("kind", [NvmlCounter, NvmlPower])
def test_what_was_seen_is_what_was_spent(kind: type[NvmlPower]) -> None:
    boards = Boards(count=2, watts=100.0)
    meter = kind(boards)
    for now in range(30):
        boards.millijoules = [1_000_000 + 100_000 * now] * 2
        meter.poll(float(now))
    for part, spent in zip(meter.seen(), meter.spent(Usage(((0.0, 29.0),), 29.0, 1.0)), strict=True):
        times, joules = meter.seen()[part]
        assert (part, times[-1]) == (spent.part, 29.0)
        assert joules[-1] - joules[0] == pytest.approx(spent.value_j) == pytest.approx(2900)


def test_a_stage_shorter_than_the_counters_period_is_estimated_and_never_zero() -> None:
    boards = Boards(watts=300)
    meter = NvmlCounter(boards)
    meter.poll(0.0)
    meter.poll(0.02)
    (found,) = meter.spent(Usage(((0.0, 0.02),), 0.02, 0.01))
    assert found.value_j == pytest.approx(300 * 0.02)
    assert (found.status, found.low_j) == ("estimated", 0.0)
    assert "below resolution" in found.note


def test_sampled_power_is_integrated_and_few_samples_are_named() -> None:
    meter = NvmlPower(Boards(watts=100))
    for now in range(FEWEST_SAMPLES + 1):
        meter.poll(float(now))
    (long,) = meter.spent(Usage(((0.0, 20.0),), 20.0, 1.0))
    (short,) = meter.spent(Usage(((0.0, 2.0),), 2.0, 1.0))
    assert (long.value_j, long.note) == (pytest.approx(2000), "")
    assert (short.value_j, short.note) == (pytest.approx(200), "below resolution: 3 samples of the power")


def test_boards_without_a_counter_fall_back_to_their_power() -> None:
    boards = Boards(counter=False)
    meters = [NvmlCounter(boards), NvmlPower(boards)]
    assert [meter.method for meter in usable(meters)] == ["nvml_power"]
    assert lacking(meters) == {"nvml_counter": "NVML says: Not Supported"}


def test_where_there_is_a_counter_the_power_is_not_sampled_besides() -> None:
    assert [meter.method for meter in usable([NvmlCounter(Boards()), NvmlPower(Boards())])] == ["nvml_counter"]


@pytest.mark.parametrize(
    ("visible", "parts"),
    [
        (None, ["gpu 0", "gpu 1", "gpu 2"]),
        ("1", ["gpu 1"]),
        ("", []),
        ("-1", []),
        ("GPU-8932f937", ["gpu 0", "gpu 1", "gpu 2"]),
    ],
)
def test_only_boards_that_this_process_may_use_are_counted(
    monkeypatch: pytest.MonkeyPatch, visible: str | None, parts: list[str]
) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    meter = NvmlCounter(Boards(count=3))
    assert list(meter.boards) == parts
    assert meter.available == bool(parts)


def test_a_machine_without_the_library_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", None)
    meter = NvmlCounter()
    assert "kd-workbench[energy]" in meter.reason
    assert meter.spent(Usage((), 1.0, 1.0)) == []
    meter.close()


@pytest.mark.parametrize(("mode", "said"), [([1, 1], True), ([0, 0], False)])
def test_a_board_that_is_divided_tells_of_all_its_instances(mode: list[int], said: bool) -> None:
    boards = Boards()
    boards.nvmlDeviceGetMigMode = lambda handle: mode
    meter = NvmlPower(boards)
    for now in range(FEWEST_SAMPLES + 1):
        meter.poll(float(now))
    (found,) = meter.spent(Usage(((0.0, 20.0),), 20.0, 1.0))
    assert ("all instances together" in found.note) == said


def test_the_library_is_let_go() -> None:
    boards = Boards()
    NvmlCounter(boards).close()
    assert boards.down
