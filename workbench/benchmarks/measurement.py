"""One measured number beside its bar, and how timings are taken so that a busy machine does not decide them."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Size:
    """How much is measured.

    Attributes:
        steps: timed optimiser steps of each contender on digits.
        conv_steps: the same for the convolutional nets, where a step takes seconds.
        warm_up: steps before these.
        repeats: timings of everything that is not a training step.
        samples: points of the sample map and the figures.
        epochs: of the run that is watched live.
        method_epochs: epochs of eight steps of the runs of each method.
        method_batch: samples in such a step.
        whole: False where a method that makes its inputs at length may take a short cut.
    """

    steps: int = 200
    conv_steps: int = 12
    warm_up: int = 20
    repeats: int = 9
    samples: int = 10_000
    epochs: int = 400
    method_epochs: int = 6
    method_batch: int = 32
    whole: bool = True


TINY = Size(
    steps=3, conv_steps=1, warm_up=1, repeats=1, samples=50, epochs=2, method_epochs=1, method_batch=4, whole=False
)
"""Shows that everything runs; the numbers mean nothing."""


@dataclass(frozen=True)
class Measurement:
    """One entry of the benchmark.

    Attributes:
        name: of what was measured.
        value: the number; None where this machine cannot measure it.
        unit: ``x`` is a ratio.
        bar: the number it must not exceed; None where none was set.
        how: how it was measured, or why not.
        details: the numbers behind it.
    """

    name: str
    value: float | None
    unit: str
    bar: float | None
    how: str
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def passes(self) -> bool | None:
        """Whether the bar is kept; None where there is no bar or no number."""
        return None if self.bar is None or self.value is None else self.value <= self.bar

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self) | {"passes": self.passes}


def interleaved(
    contenders: Mapping[str, Iterator[Any]], steps: int, warm_up: int, clock: Callable[[], float] = time.perf_counter
) -> dict[str, list[float]]:
    """Seconds each contender takes for each of its steps; they take turns, and who begins rotates.

    A contender is an iterator whose every item is one step; what it does between two items counts to the second. With
    ``time.process_time`` for a clock they are seconds of the processor: a busy machine takes time away, but no work.
    """
    names = list(contenders)
    seconds: dict[str, list[float]] = {name: [] for name in names}
    for turn in range(warm_up + steps):
        first = turn % len(names)
        for name in names[first:] + names[:first]:
            start = clock()
            next(contenders[name])
            if turn >= warm_up:
                seconds[name].append(clock() - start)
    return seconds


def repeated(act: Callable[[], object], repeats: int) -> list[float]:
    """Seconds of each call, after one that is not counted."""
    act()
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        act()
        seconds.append(time.perf_counter() - start)
    return seconds


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Torch computes with so many threads inside."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def medians(seconds: Mapping[str, list[float]]) -> dict[str, float]:
    """The median of each contender, in milliseconds."""
    return {f"{name} (ms)": 1000 * statistics.median(values) for name, values in seconds.items()}


def ratio(seconds: Mapping[str, list[float]], over: str, under: str) -> float:
    """Median of one contender over the median of another."""
    return statistics.median(seconds[over]) / statistics.median(seconds[under])
