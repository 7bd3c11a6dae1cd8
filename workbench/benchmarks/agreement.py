"""Time and memory of the agreement with all its intervals."""

from __future__ import annotations

import statistics
import tracemalloc

import numpy as np

from workbench.benchmarks.measurement import Measurement, Size, repeated
from workbench.diagnostics.agreement import agreement

CLASSES = 100


def agreed(size: Size) -> list[Measurement]:
    """``agreement`` of two models on many samples of a hundred classes."""
    generator = np.random.default_rng(0)
    labels = generator.integers(0, CLASSES, size.samples)
    pair = _logits(generator, labels)
    seconds = repeated(lambda: agreement(*pair, labels), size.repeats)
    tracemalloc.start()  # after the imports of a first call
    traced_pair = _logits(generator, labels)
    tracemalloc.reset_peak()
    agreement(*traced_pair, labels)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    logits = sum(values.nbytes for values in traced_pair)
    about = f"{size.samples:,} samples of {CLASSES} classes, float32 logits"
    traced = f"{about}; largest traced allocation, the logits included, over their size"
    return [
        Measurement("agreement", statistics.median(seconds), "s", 3, f"median of {size.repeats}, {about}"),
        Measurement(
            "agreement, memory", peak / logits, "x", 5, traced, {"MB": peak / 1e6, "logits (MB)": logits / 1e6}
        ),
    ]


def _logits(generator: np.random.Generator, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    centre = 3 * np.eye(CLASSES, dtype=np.float32)[labels]
    student, teacher = (generator.standard_normal(centre.shape, dtype=np.float32) + centre for _ in range(2))
    return student, teacher
