"""What every method costs: the training of its run, step by step, against plain distillation on the same pair and data."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from workbench.benchmarks.measurement import Measurement, Size, threads
from workbench.engine.conditions import Conditions
from workbench.engine.distill import distill
from workbench.engine.training import probes
from workbench.methods.catalog import catalog, family_of, make
from workbench.methods.method import Method
from workbench.models.convnet import ConvNet
from workbench.records.budget import Budget
from workbench.records.events import Step
from workbench.records.provenance import COST_LIMITS, Cost
from workbench.settings.setting import Setting
from workbench.settings.tiny_encoder import TinyEncoder
from workbench.settings.tiny_lm import TinyLM

STEPS = 8
"""Steps in an epoch."""

BURST = 20.0
"""A first step of more than so many others is counted as it is: images or texts are made in it for many."""

FEW: dict[str, dict[str, Any]] = {"deep_inversion": {"iterations": 2, "images": 8}}
"""What a run that only shows that everything runs does not wait for."""


@dataclass(frozen=True)
class Place:
    """Where a method is measured.

    Attributes:
        setting: of which no answer of the teacher is kept.
        plain: the key of plain distillation there.
    """

    setting: Setting
    plain: str


def methods(size: Size) -> Iterator[Measurement]:
    """Each method of the catalogue, one after the other; the ratio is that of whole runs, per step of the student."""
    with threads(1), _unprobed():
        for name in measured():
            yield _measured(name, place_of(name, size.method_batch), size)


def measured() -> list[str]:
    """The methods whose first task is one that there are samples for here: pictures of ten kinds, or texts."""
    return [name for name, cls in catalog().items() if cls.tasks[0] in ("classification", "tokens")]


def cost_of(ratio: float) -> Cost:
    """The class of a ratio to plain distillation."""
    return next((cost for cost, limit in COST_LIMITS.items() if ratio <= limit), "high")


def _measured(name: str, place: Place, size: Size) -> Measurement:
    method = make(name, None if size.whole else FEW.get(name))
    own, plain = _race(place, method, size.method_epochs, size.warm_up)
    mine = [seconds for (party, _), seconds in own.items() if party == "student"]
    steps = sum(map(len, mine))
    unit = statistics.fmean(plain) * steps
    ratio = sum(map(typical, own.values())) / unit
    declared = catalog()[name].cost
    how = (
        f"seconds of the processor for the training of a run, the further models it trains included, over those of as "
        f"many steps of {place.plain} in turn; means of each stage, {steps} steps of the student, 1 thread, no answer kept"
    )
    details = {
        "declared": declared,
        "measured": cost_of(ratio),
        "steps of the student alone": sum(map(typical, mine)) / unit,
        f"{place.plain} (ms)": 1000 * statistics.fmean(plain),
    }
    return Measurement(f"method {name}", ratio, "x", COST_LIMITS.get(declared or "high"), how, details)


@contextmanager
def _unprobed() -> Iterator[None]:
    """No step is measured from the inside, as a few of every run are otherwise: a large part of a run as short as this."""
    before, probes.PER_RUN = probes.PER_RUN, 0
    try:
        yield
    finally:
        probes.PER_RUN = before


def typical(seconds: list[float]) -> float:
    """Their sum, as if the first, in which operations are counted, took as long as the others; but bursts as they are.

    A mean, since steps may differ: some write texts, and players take turns. Other processes do not count in these seconds.
    """
    first, others = seconds[0], seconds[1:] or seconds
    mean = statistics.fmean(others)
    return mean * (len(seconds) - 1) + (first if first > BURST * mean else mean)


def _race(
    place: Place, method: Method, epochs: int, warm_up: int
) -> tuple[Mapping[tuple[str, str], list[float]], list[float]]:
    """Seconds of every step of a run, by party and stage, and those of as many steps of plain distillation."""
    own: dict[tuple[str, str], list[float]] = defaultdict(list)
    plain: list[float] = []
    budget = replace(place.setting.budget, epochs=epochs)
    with tempfile.TemporaryDirectory() as folder:
        rival = _timed(place.setting, make(place.plain), replace(budget, epochs=10_000), Path(folder))
        for _ in range(min(warm_up, STEPS)):
            next(rival)
        for step, seconds in _timed(place.setting, method, budget, Path(folder)):
            own[step.party, step.stage].append(seconds)
            plain.append(next(rival)[1])
    return own, plain


def _timed(setting: Setting, method: Method, budget: Budget, folder: Path) -> Iterator[tuple[Step, float]]:
    """Every step with its seconds, without what happens between steps: validation, and the ends of epochs."""
    going = distill(setting, method, budget, conditions=Conditions(folder=folder, device="cpu", checkpoint=False))
    while True:
        start = time.process_time()
        event = next(going, None)
        seconds = time.process_time() - start
        if event is None:
            return
        if isinstance(event, Step):
            yield event, seconds


def place_of(name: str, batch: int) -> Place:
    """Where a method is measured, with batches of so many images, or half as many texts; budgets are of one epoch."""
    cls = catalog()[name]
    if cls.tasks[0] != "tokens":
        return _images(batch)
    return _sentences(batch // 2) if family_of(cls) == "encoders" else _texts(batch // 2)


@cache
def _images(batch: int) -> Place:
    """Random pictures of ten kinds, and two convolutional nets with batch norm, one twice as wide as the other."""
    samples = STEPS * batch
    inputs = torch.randn(samples + 80, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    labels = torch.arange(len(inputs)) % 10
    train, validation, test = zip(inputs.split((samples, 40, 40)), labels.split((samples, 40, 40)), strict=True)
    teacher, student = ConvNet(3, (32, 64, 128), 10), partial(ConvNet, 3, (16, 32, 64), 10)
    budget = Budget(1, batch, schedule="constant", learning_rate=1e-3, clip=1.0)
    return Place(Setting(train, test, teacher, student, validation=validation, augment=_same, budget=budget), "kd")


def _same(inputs: Tensor, generator: torch.Generator) -> Tensor:
    """The inputs; the engine keeps no answers to what may change."""
    return inputs


@cache
def _texts(batch: int) -> Place:
    return _of(TinyLM(student_texts=200), batch)


@cache
def _sentences(batch: int) -> Place:
    return _of(TinyEncoder("hidden_words", student_texts=200), batch)


def _of(setting: Setting, batch: int) -> Place:
    """Its first samples, and its nets, never trained."""
    teacher: nn.Module = setting.teacher.factory()
    budget = replace(setting.budget, epochs=1, batch_size=batch)
    train = setting.train.subset(torch.arange(STEPS * batch))
    return Place(setting.but(teacher=teacher, train=train, budget=budget, augment=_same), "word_level_kd")
