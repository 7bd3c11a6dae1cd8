"""What the ledger itself costs: a run of half a minute must not get one hundredth longer by being accounted for."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import torch
import torch.nn.functional as F

from workbench.benchmarks.measurement import Measurement, Size, interleaved, repeated, threads
from workbench.benchmarks.steps import digits, small_mlp
from workbench.energy.flops import flops_of
from workbench.energy.ladder import every_meter
from workbench.engine.conditions import Conditions
from workbench.engine.controls import Controls
from workbench.engine.distill import Distillation
from workbench.engine.ledger.ledger import Ledger
from workbench.engine.ledger.spending import stage_of
from workbench.methods.logits.kd import KD
from workbench.records.events import Event, Step
from workbench.settings.setting import Setting

RUN_S = 30.0
EVENTS = 20_000
KINDS = 6
"""Of steps and passes that are counted once: two kinds of step, and passes over full and last batches."""


def ledger(size: Size) -> list[Measurement]:
    """Share of a run of 30 s on digits, whose steps are as short as any: per event, and once per run."""
    setting = digits()
    with threads(1), tempfile.TemporaryDirectory() as folder:
        contenders = {
            "with ledger": _steps(setting, Path(folder), accounted=True),
            "without": _steps(setting, Path(folder), accounted=False),
        }
        seconds = interleaved(contenders, size.steps, size.warm_up, time.process_time)
        events = [_per_event(EVENTS if size.repeats > 1 else 10) for _ in range(size.repeats)]
        event_s, once_s = statistics.median(events), _once(setting, size.repeats)
    step_s = statistics.median(seconds["without"])
    share = event_s / (step_s + event_s) + once_s / RUN_S
    how = (
        f"seconds of the processor per event of an empty run of {EVENTS:,} events, over the median of {size.steps} "
        f"cached KD steps of 64 digits, 1 thread; and the counted first steps and the record, over {RUN_S:g} s"
    )
    details = {
        "per event (us)": 1e6 * event_s,
        "per step without ledger (us)": 1e6 * step_s,
        "once per run (ms)": 1e3 * once_s,
        "steps with ledger over without, medians in turns": statistics.median(seconds["with ledger"]) / step_s,
    }
    return [Measurement("ledger, share of a run of 30 s", 100 * share, "%", 1.0, how, details)]


def _steps(setting: Setting, folder: Path, *, accounted: bool) -> Iterator[None]:
    made = Distillation(setting, KD(), setting.budget, 0, Conditions(folder=folder, device="cpu", checkpoint=False))
    events = made.run(Controls(made.method)) if accounted else made._run(Controls(made.method))
    for event in events:
        if isinstance(event, Step):
            yield


def _per_event(count: int) -> float:
    """Seconds that the ledger takes for one event and one tallied step, beyond those of an empty generator."""
    book, step = Ledger(), Step(step=1, terms={})
    book.learn("key", lambda _: None, "student", steps=1, samples=64)

    def empty() -> Iterator[Event]:
        for _ in range(count):
            book.passes.append("key")
            yield step

    start = time.process_time()
    for _ in empty():
        book.passes.clear()
    middle = time.process_time()
    for _ in book.watch(empty(), stage_of):
        pass
    return max(0.0, (time.process_time() - middle) - (middle - start)) / count


def _once(setting: Setting, repeats: int) -> float:
    """Seconds for what happens once: sensors are looked for, a few passes counted, everything written down."""
    student, teacher, batch = small_mlp(), setting.teacher, setting.train.batch(torch.arange(64))

    def step() -> None:
        teacher(batch.student_inputs)
        F.cross_entropy(student(batch.student_inputs), batch.labels).backward()

    plain = statistics.median(repeated(step, repeats))
    counted = statistics.median(repeated(lambda: flops_of(step), repeats))
    looked = statistics.median(repeated(every_meter, repeats))
    book = Ledger()
    book.learn("key", lambda _: None, "student", steps=1, samples=64)
    recorded = statistics.median(repeated(lambda: book.record(reads_teacher=True), repeats))
    return KINDS * max(0.0, counted - plain) + looked + recorded
