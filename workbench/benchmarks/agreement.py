"""Time and memory of the agreement with all its intervals, at once and as a stream, and of the panel's slider."""

from __future__ import annotations

import statistics
import time
import tracemalloc
from collections.abc import Callable

import numpy as np

from workbench.benchmarks.measurement import Measurement, Size, repeated
from workbench.diagnostics.agreement.measure import agreement
from workbench.diagnostics.agreement.measure_stream import AgreementStream
from workbench.diagnostics.agreement.panel import panel
from workbench.diagnostics.calibration.measure import calibration
from workbench.diagnostics.fidelity.measure import fidelity
from workbench.records.budget import Budget
from workbench.records.run import Run

CLASSES, MANY = 100, 10_000
PIECES = 100
"""Pieces of the stream, each of as many samples as are compared at once."""


def agreed(size: Size) -> list[Measurement]:
    """Two models on many samples of a hundred classes, and on a stream of a hundred times as many."""
    generator = np.random.default_rng(0)
    labels = generator.integers(0, CLASSES, size.samples)
    student, teacher = _logits(generator, labels)
    about = f"{size.samples:,} samples of {CLASSES} classes, float32 logits"
    calls = {
        "agreement": (lambda: agreement(student, teacher, labels), 3),
        "fidelity": (lambda: fidelity(student, teacher, labels), None),
        "calibration": (lambda: calibration({"student": student, "teacher": teacher}, labels), None),
    }
    found = []
    for name, (call, bar) in calls.items():
        seconds = repeated(call, size.repeats)
        found.append(Measurement(name, statistics.median(seconds), "s", bar, f"median of {size.repeats}, {about}"))
    slide = statistics.median(repeated(_slider(student, teacher, labels), size.repeats))
    how = (
        f"median of {size.repeats}, {about}, in the kernel up to the JSON sent: temperature -> divergence by confidence"
    )
    found.append(Measurement("agreement, slider", slide, "s", 0.1, how))
    return [*found, _memory(labels, CLASSES, about), _many_classes(), *_stream(generator, size)]


def _slider(student: np.ndarray, teacher: np.ndarray, labels: np.ndarray) -> Callable[[], None]:
    """Moves the temperature of the panel a little further at every call."""
    outputs = {"student": student, "teacher": teacher}
    asked = ({"name": "made", "config": {}, "task": "classification"}, {"name": "kd", "config": {}}, Budget(), 0)
    shown = panel(Run("made", *asked, predictions=outputs, test_ids=np.arange(len(labels)), test_labels=labels))
    shown.subject.value, shown.measure.value = "teacher's confidence", "forward_kl"
    temperatures = iter(np.linspace(1, 15, 1000))

    def slide() -> None:
        shown.temperature.value = float(next(temperatures))
        shown.view.get_state("_figure")

    return slide


def _many_classes() -> Measurement:
    """So many classes that a table of all their pairs would be ten times the logits."""
    labels = np.random.default_rng(0).integers(0, MANY, 1000)
    return _memory(labels, MANY, f"1,000 samples of {MANY:,} classes, float32 logits")


def _memory(labels: np.ndarray, classes: int, about: str) -> Measurement:
    tracemalloc.start()  # after the imports of a first call
    pair = _logits(np.random.default_rng(1), labels, classes)
    tracemalloc.reset_peak()
    agreement(*pair, labels)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    logits = sum(values.nbytes for values in pair)
    how = f"{about}; largest traced allocation, the logits included, over their size"
    details = {"MB": peak / 1e6, "logits (MB)": logits / 1e6}
    name = "agreement, memory" if classes == CLASSES else f"agreement, memory, {classes:,} classes"
    return Measurement(name, peak / logits, "x", 5, how, details)


def _stream(generator: np.random.Generator, size: Size) -> list[Measurement]:
    """Seconds of all updates and the result, and what the stream holds at the end; making the logits is not counted."""
    stream, seconds = AgreementStream(), 0.0
    for _ in range(PIECES):
        labels = generator.integers(0, CLASSES, size.samples)
        pair = _logits(generator, labels)
        began = time.perf_counter()
        stream.update(*pair, labels)
        seconds += time.perf_counter() - began
    began = time.perf_counter()
    stream.result()
    about = f"{PIECES * size.samples:,} samples of {CLASSES} classes in {PIECES} pieces"
    last = time.perf_counter() - began
    held = stream.held / 1e6
    return [
        Measurement(
            "agreement, stream", seconds + last, "s", None, about, {"updates (s)": seconds, "result (s)": last}
        ),
        Measurement("agreement, stream memory", held, "MB", None, f"{about}; what is kept between pieces"),
    ]


def _logits(
    generator: np.random.Generator, labels: np.ndarray, classes: int = CLASSES
) -> tuple[np.ndarray, np.ndarray]:
    student, teacher = (generator.standard_normal((len(labels), classes), dtype=np.float32) for _ in range(2))
    for logits in (student, teacher):
        logits[np.arange(len(labels)), labels] += 3
    return student, teacher
