"""What watching costs: a session in its thread with the live panel over it, against the same two runs without."""

from __future__ import annotations

import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from workbench.benchmarks.measurement import Measurement, Size, ratio, threads
from workbench.engine.conditions import Conditions
from workbench.engine.distill import collect, distill
from workbench.engine.live.session import Session
from workbench.engine.store import Store
from workbench.lab.live import LivePanel
from workbench.methods.logits.kd import KD
from workbench.methods.selftaught.labels_only import LabelsOnly
from workbench.records.budget import Budget
from workbench.settings.digits import Digits
from workbench.settings.setting import Setting

ROUNDS = 3


def live(size: Size) -> list[Measurement]:
    """Wall time of student and control on digits, watched and headless in turns; then how soon a stop is obeyed."""
    setting, budget = Digits(), replace(Digits().budget, epochs=size.epochs)
    with tempfile.TemporaryDirectory() as folder, threads(1):
        _headless(setting, replace(budget, epochs=1), Path(folder, "teacher"))
        teachers = Path(folder, "teacher", "teachers")
        wall: dict[str, list[float]] = {"headless": [], "watched": []}
        cpu: dict[str, list[float]] = {"headless": [], "watched": []}
        for turn in range(ROUNDS if size.repeats > 1 else 1):
            for name, act in (("headless", _headless), ("watched", _watched))[:: 1 if turn % 2 else -1]:
                start, cpu_start = time.perf_counter(), time.process_time()
                act(setting, budget, _home(Path(folder, f"{name}-{turn}"), teachers))
                wall[name].append(time.perf_counter() - start)
                cpu[name].append(time.process_time() - cpu_start)
        stops = [_stop(setting, budget, _home(Path(folder, f"stop-{k}"), teachers)) for k in range(size.repeats)]
    how = f"medians of {len(wall['watched'])} runs each in turns, kd and labels only on digits, {size.epochs} epochs"
    watching = f"{how}, 1 thread; watched: session, store and live panel in the kernel, no browser"
    details = {f"{name} (s)": values for name, values in wall.items()} | {
        "the same in seconds of the processor": ratio(cpu, "watched", "headless")
    }
    stopping = (
        f"largest of {size.repeats}, from stop() to the end of the worker thread, while student and control train"
    )
    return [
        Measurement("live, over headless", ratio(wall, "watched", "headless"), "x", 1.10, watching, details),
        Measurement("live, stop", max(stops), "s", 0.3, stopping, {"median (s)": statistics.median(stops)}),
    ]


def _home(folder: Path, teachers: Path) -> Path:
    """A home of its own that shares the trained teacher."""
    folder.mkdir()
    (folder / "teachers").symlink_to(teachers, target_is_directory=True)
    return folder


def _headless(setting: Setting, budget: Budget, folder: Path) -> None:
    for method in (KD(), LabelsOnly()):
        Store(folder=folder).save(collect(distill(setting, method, budget, conditions=Conditions(folder=folder))))


def _watched(setting: Setting, budget: Budget, folder: Path) -> None:
    panel = LivePanel(session=_session(setting, budget, folder))
    panel.session.start()
    _expect(panel.session, "finished", panel.session.wait().status)


def _stop(setting: Setting, budget: Budget, folder: Path) -> float:
    session = _session(setting, replace(budget, epochs=100 * budget.epochs), folder)
    session.start()
    while session.busy and session.snapshot.share == 0:
        time.sleep(0.01)
    start = time.perf_counter()
    session.stop()
    status = session.wait().status
    seconds = time.perf_counter() - start
    _expect(session, "stopped", status)
    return seconds


def _session(setting: Setting, budget: Budget, folder: Path) -> Session:
    return Session(setting, KD(), budget=budget, conditions=Conditions(folder=folder), store=Store(folder=folder))


def _expect(session: Session, wanted: str, found: str) -> None:
    if found != wanted:
        raise RuntimeError(f"the session is {found}, not {wanted}: {session.snapshot.message}")
