"""Time and memory of the interaction tensor at its published size, and of a move of its slider."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time

import numpy as np

from workbench.benchmarks.measurement import Measurement, Size, repeated
from workbench.diagnostics.interaction import measure as tensors
from workbench.diagnostics.interaction.measure_again import Reconstruction
from workbench.diagnostics.interaction.measure_assembly import Samples
from workbench.diagnostics.interaction.measure_components import Components
from workbench.drawing.draw import draw

MODELS, COUNT, COMMON, CLASSES = 60, 50, 200, 100
GROUPS = ("kd", "labels_only", "teacher")
MIB = 1024**2


def interaction(size: Size) -> list[Measurement]:
    """The tensor of 60 models in a process of its own, then one slider."""
    child = [sys.executable, "-c", f"from {__name__} import child; child({size.samples})"]
    found = json.loads(subprocess.run(child, check=True, capture_output=True, text=True).stdout)
    about = f"{MODELS} models, {size.samples:,} samples, {COUNT} stored components, 10 orders, null threshold"
    again = Reconstruction(_tensor(size.samples, models=30))
    thresholds = iter(np.linspace(0.3, 0.9, 1000))
    moves = repeated(lambda: draw(again(float(next(thresholds)), COUNT)).to_json(), size.repeats)
    slider = f"median of {size.repeats}, 30 models, {size.samples:,} samples: threshold -> features -> figure as JSON"
    return [
        Measurement("interaction", found["seconds"], "s", 60, f"{about}; both forms, {found['features']} features"),
        Measurement("interaction, memory", found["peak"] / MIB, "MiB", 2048, "largest resident size of that process"),
        Measurement("interaction, slider", statistics.median(moves), "s", 0.1, slider, {"largest (s)": max(moves)}),
    ]


def child(samples: int) -> None:
    """Measure once and print; memory is that of the whole process."""
    import resource

    models, about = _models(samples, MODELS)
    start = time.perf_counter()
    found = tensors.interaction(models, _groups(models), samples=about, construction=tensors.Construction("null"))
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    sys.stdout.write(json.dumps({"seconds": seconds, "peak": peak, "features": found.features}))


def _tensor(samples: int, models: int) -> tensors.Interaction:
    made, about = _models(samples, models)
    return tensors.interaction(made, _groups(made), samples=about)


def _models(samples: int, models: int) -> tuple[dict[str, Components], Samples]:
    """Noisy views of some of 200 common directions."""
    generator = np.random.default_rng(0)
    common = generator.standard_normal((samples, COMMON), dtype=np.float32)
    even, none = np.full(COUNT, 1 / COUNT), np.zeros(1)
    made = {}
    for number in range(models):
        seen = common[:, generator.permutation(COMMON)[:COUNT]]
        seen += 0.5 * generator.standard_normal(seen.shape, dtype=np.float32)
        made[f"model {number}"] = Components(seen, even, even, np.zeros((1, COUNT)), none)
    return made, Samples(labels=generator.integers(0, CLASSES, samples))


def _groups(models: dict[str, Components]) -> dict[str, list[str]]:
    each = len(models) // len(GROUPS)
    return {name: list(models)[k * each : (k + 1) * each] for k, name in enumerate(GROUPS)}
