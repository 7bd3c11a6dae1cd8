"""CodeCarbon and Zeus beside our own meters: with them where they are installed, and never worse without."""

from __future__ import annotations

import socket
import sys
import time
from importlib.util import find_spec
from types import SimpleNamespace

import pytest

from workbench.energy.component import KWH_J
from workbench.energy.cross_checks import cross_check
from workbench.energy.nvml import NvmlPower


def work(seconds: float = 1.2) -> None:
    end = time.process_time() + seconds
    while time.process_time() < end:
        sum(range(1000))


@pytest.mark.parametrize("package", ["codecarbon", "zeus", "pynvml"])
def test_removing_an_optional_package_never_raises(package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "codecarbon", None)
    monkeypatch.setitem(sys.modules, "zeus", None)
    monkeypatch.setitem(sys.modules, package, None)
    done: list[int] = []
    found = cross_check(lambda: done.append(1))
    assert done == [1]
    assert set(found.missing) == {"codecarbon", "zeus"}
    assert "cpu" in {each.part for each in found.components["workbench"]}


def test_a_tool_that_fails_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    class Tracker:
        def __init__(self, **_: object) -> None:
            raise RuntimeError("no idea where I am")

    monkeypatch.setitem(sys.modules, "codecarbon", SimpleNamespace(OfflineEmissionsTracker=Tracker, __spec__=object()))
    monkeypatch.setitem(sys.modules, "zeus", None)
    assert cross_check(lambda: None).missing["codecarbon"] == "codecarbon fails here: no idea where I am"


def test_kilowatt_hours_of_codecarbon_become_joules_with_their_status(monkeypatch: pytest.MonkeyPatch) -> None:
    class Tracker:
        _hardware = (SimpleNamespace(_mode="cpu_load"),)
        final_emissions_data = SimpleNamespace(cpu_energy=2 / KWH_J, ram_energy=30 / KWH_J, gpu_energy=0.0)

        def __init__(self, **given: object) -> None:
            assert given["save_to_file"] is False

        def start(self) -> None:
            pass

        def stop(self) -> None:
            pass

    monkeypatch.setitem(sys.modules, "codecarbon", SimpleNamespace(OfflineEmissionsTracker=Tracker))
    monkeypatch.setitem(sys.modules, "zeus", None)
    cpu, memory = cross_check(lambda: None).components["codecarbon"]
    assert (cpu.value_j, cpu.status, cpu.scope) == (pytest.approx(2), "estimated", "process")
    assert (memory.value_j, memory.status, memory.low_j) == (pytest.approx(30), "assumed", 0.0)


@pytest.mark.slow
@pytest.mark.skipif(find_spec("codecarbon") is None, reason="codecarbon is not installed: extra [energy]")
@pytest.mark.filterwarnings("default")
def test_codecarbon_agrees_within_the_ranges_and_asks_nobody_on_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []
    monkeypatch.setattr(socket, "getaddrinfo", lambda *given, **_: asked.append(given) or [])
    cross_check(lambda: None)  # the first time its start takes seconds, in which it already looks on
    found = cross_check(work)
    theirs = {each.part: each for each in found.components["codecarbon"]}
    ours = {each.part: each for each in found.components["workbench"]}
    assert asked == []
    assert theirs["cpu"].value_j > 0
    assert theirs["memory"].status == "assumed"
    assert theirs["cpu"].low_j < 2 * ours["cpu"].high_j  # it looks on for longer, and sees others' work too
    assert theirs["cpu"].high_j > ours["cpu"].low_j / 4


@pytest.mark.slow
@pytest.mark.skipif(find_spec("zeus") is None, reason="zeus is not installed: extra [energy]")
@pytest.mark.filterwarnings("default")
def test_zeus_tells_what_it_measures_and_nothing_else() -> None:
    found = cross_check(lambda: work(0.1))
    if "zeus" in found.missing:
        assert "finds no sensor" in found.missing["zeus"]
    else:
        assert {each.status for each in found.components["zeus"]} == {"measured"}


@pytest.mark.skipif(find_spec("pynvml") is None, reason="nvidia-ml-py is not installed: extra [energy]")
def test_nvidias_library_is_found_and_a_machine_without_boards_says_so() -> None:
    meter = NvmlPower()
    assert meter.available or "NVML says" in meter.reason or "no board" in meter.reason
    meter.close()
