"""What the loss doctor's probes cost: a run of half a minute must not get one hundredth longer by being examined."""

from __future__ import annotations

import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from workbench.benchmarks.measurement import Measurement, Size, repeated, threads
from workbench.benchmarks.steps import digits
from workbench.engine.conditions import Conditions
from workbench.engine.controls import Controls
from workbench.engine.distill import Distillation
from workbench.engine.training.probes import habits
from workbench.methods.logits.kd import KD
from workbench.records.events import Probe, Step
from workbench.records.probes import measured
from workbench.settings.setting import Setting

RUN_S = 30.0
EPOCH_STEPS = 20
"""About so many steps has an epoch of the digits."""


def probed(size: Size) -> list[Measurement]:
    """Share of a run of 30 s on digits: the same few steps are measured in a run of any length."""
    setting = digits()
    epochs = max(1, size.steps // EPOCH_STEPS)
    setting = setting.but(budget=replace(setting.budget, epochs=epochs))
    with threads(1), tempfile.TemporaryDirectory() as folder:
        runs = [_run(setting, Path(folder)) for _ in range(size.repeats + 1)][1:]
        asked_s = statistics.median(repeated(lambda: habits([(setting.teacher, setting.train)]), size.repeats))
    step_s = statistics.median(seconds for plain, _ in runs for seconds in plain)
    extra_s = statistics.median(sum(probes) - len(probes) * step_s for _, probes in runs)
    each_s = statistics.median(seconds for _, probes in runs for seconds in probes)
    how = (
        f"seconds of the processor of the probed steps of a run, beyond as many of the others, medians over {size.repeats} "
        f"runs of {epochs} epochs of cached KD steps of 64 digits, 1 thread; and the teacher's two answers; over {RUN_S:g} s"
    )
    details = {
        "probed steps": len(runs[0][1]),
        "per step (us)": 1e6 * step_s,
        "per probed step (us)": 1e6 * each_s,
        "all probes of a run (ms)": 1e3 * extra_s,
        "the teacher's habits (ms)": 1e3 * asked_s,
    }
    return [
        Measurement("probes, share of a run of 30 s", 100 * max(0.0, extra_s + asked_s) / RUN_S, "%", 1.0, how, details)
    ]


def _run(setting: Setting, folder: Path) -> tuple[list[float], list[float]]:
    """Seconds of the steps that were not measured, and of those that were, with their probes."""
    made = Distillation(setting, KD(), setting.budget, 0, Conditions(folder=folder, device="cpu", checkpoint=False))
    seconds: dict[int, float] = {}
    seen: set[int] = set()
    step, begun = 0, time.process_time()
    for event in made._run(Controls(made.method)):
        spent = time.process_time() - begun
        if isinstance(event, Step):
            step = event.step
            seconds[step] = spent
        elif isinstance(event, Probe) and step and event.step == step and measured(event.name):
            seconds[step] += spent
            seen.add(step)
        begun = time.process_time()
    return [seconds[each] for each in seconds if each not in seen], [seconds[each] for each in sorted(seen)]
