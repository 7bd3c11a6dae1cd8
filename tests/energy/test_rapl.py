"""The processor's counters in a fake sysfs: they go round domain by domain, and silence is not zero."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from tests.energy.fakes import domain
from workbench.energy.rapl import MOST_W, Rapl
from workbench.energy.usage import Usage

WHOLE = Usage(((0.0, 2.0),), 2.0, 1.0)


def values(meter: Rapl) -> dict[str, float]:
    return {each.part: each.value_j for each in meter.spent(WHOLE)}


def test_a_counter_that_starts_over_loses_nothing(tmp_path: Path) -> None:
    package = domain(tmp_path, "intel-rapl:0", "package-0", 262_143_328_850 - 10_000_000, 262_143_328_850)
    meter = Rapl(tmp_path)
    meter.poll(0.0)
    (package / "energy_uj").write_text("5000000")
    meter.poll(2.0)
    assert values(meter) == {"cpu 0": pytest.approx(15.0)}


def test_only_one_of_two_packages_goes_round_each_with_a_range_of_its_own(tmp_path: Path) -> None:
    first = domain(tmp_path, "intel-rapl:0", "package-0", 90_000_000, 100_000_000)
    second = domain(tmp_path, "intel-rapl:1", "package-1", 10_000_000, 700_000_000)
    meter = Rapl(tmp_path)
    meter.poll(0.0)
    (first / "energy_uj").write_text("20000000")
    (second / "energy_uj").write_text("110000000")
    meter.poll(2.0)
    assert values(meter) == {"cpu 0": pytest.approx(30.0), "cpu 1": pytest.approx(100.0)}


def test_what_was_seen_goes_on_where_the_counter_starts_over(tmp_path: Path) -> None:
    package = domain(tmp_path, "intel-rapl:0", "package-0", 90_000_000, 100_000_000)
    meter = Rapl(tmp_path)
    for now, microjoules in enumerate((90_000_000, 20_000_000, 50_000_000)):
        (package / "energy_uj").write_text(str(microjoules))
        meter.poll(float(now))
    times, joules = meter.seen()["cpu 0"]
    assert (times.tolist(), joules.tolist()) == ([0.0, 1.0, 2.0], [0.0, 30.0, 60.0])


def test_memory_counts_beside_its_package_and_cores_do_not(tmp_path: Path) -> None:
    folders = [
        domain(tmp_path, name, kind, 0, 10**9)
        for name, kind in (
            ("intel-rapl:0", "package-0"),
            ("intel-rapl:0:0", "core"),
            ("intel-rapl:0:1", "dram"),
            ("intel-rapl-mmio:0", "package-0"),
            ("intel-rapl:1", "psys"),
        )
    ]
    meter = Rapl(tmp_path)
    meter.poll(0.0)
    for folder in folders:
        (folder / "energy_uj").write_text("8000000")
    meter.poll(2.0)
    assert values(meter) == {"cpu 0": 8.0, "memory 0": 8.0}
    assert {(each.scope, each.status) for each in meter.spent(WHOLE)} == {("socket", "measured")}


def test_a_counter_that_stands_still_is_not_known_instead_of_zero(tmp_path: Path) -> None:
    domain(tmp_path, "intel-rapl:0", "package-0", 77, 10**9)
    meter = Rapl(tmp_path)
    meter.poll(0.0)
    meter.poll(2.0)
    (found,) = meter.spent(WHOLE)
    assert math.isnan(found.value_j)
    assert found.note == "the counter did not move"


def test_it_is_read_twice_before_it_can_go_round(tmp_path: Path) -> None:
    package = domain(tmp_path, "intel-rapl:0", "package-0", 0, 20_000_000)
    assert Rapl(tmp_path).interval_s == pytest.approx(20 / (2 * MOST_W))
    (package / "constraint_0_max_power_uw").write_text("100000000")
    assert Rapl(tmp_path).interval_s == pytest.approx(20 / (2 * 100))


def test_no_permission_tells_nothing_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = domain(tmp_path, "intel-rapl:0", "package-0", 0, 10**9) / "energy_uj"
    read = Path.read_text

    def refuse(path: Path, *given: object, **named: object) -> str:
        if path == secret:
            raise PermissionError(13, "Permission denied")
        return read(path, *given, **named)

    monkeypatch.setattr(Path, "read_text", refuse)
    meter = Rapl(tmp_path)
    assert not meter.available
    assert meter.spent(WHOLE) == []
    assert "only root may read" in meter.reason


@pytest.mark.parametrize("content", ["", "many"])
def test_files_that_hold_no_number_are_a_reason_too(tmp_path: Path, content: str) -> None:
    (domain(tmp_path, "intel-rapl:0", "package-0", 0, 10**9) / "energy_uj").write_text(content)
    assert "cannot be read" in Rapl(tmp_path).reason


def test_a_machine_without_counters(tmp_path: Path) -> None:
    meter = Rapl(tmp_path / "nothing")
    assert (meter.available, meter.interval_s) == (False, 0.0)
    assert "there are no counters" in meter.reason
