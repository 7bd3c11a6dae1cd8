"""Saving a finished run and loading it again."""

from __future__ import annotations

import statistics
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from workbench.benchmarks.measurement import Measurement, Size, repeated
from workbench.engine.store import Store
from workbench.models.resnet import resnet20
from workbench.records.budget import Budget
from workbench.records.run import Curve, Run, Scores

CLASSES = 100


def stored(size: Size) -> list[Measurement]:
    """A run of a ResNet20 with its curves and its predictions on the test samples."""
    run, counter = _run(size.samples), iter(range(1_000_000))
    with tempfile.TemporaryDirectory() as folder:
        store = Store(folder=Path(folder))
        found = {
            "store: save a run": repeated(lambda: store.save(replace(run, id=f"run-{next(counter)}")), size.repeats),
            "store: load a run": repeated(lambda: store.load("run-0"), size.repeats),
        }
        taken = sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file())
    how = (
        f"median of {size.repeats}, SQLite and safetensors, hash checked at loading; ResNet20, "
        f"{size.samples:,} test samples of {CLASSES} classes, student and teacher"
    )
    details = {"MB": taken / 1e6}
    return [Measurement(name, statistics.median(seconds), "s", None, how, details) for name, seconds in found.items()]


def _run(samples: int) -> Run:
    generator = np.random.default_rng(0)
    steps = np.arange(1, 1001)
    outputs = {party: generator.normal(size=(samples, CLASSES)).astype(np.float32) for party in ("student", "teacher")}
    torch.manual_seed(0)
    return Run(
        id="run",
        setting={"name": "benchmark", "config": {}},
        method={"name": "kd", "config": {}},
        budget=Budget(),
        seed=0,
        scores={party: Scores(50.0, 50.0, 50.0, 1) for party in outputs},
        curves={name: Curve(steps, generator.random(1000)) for name in ("terms/labels", "terms/soft")},
        predictions=outputs,
        test_ids=np.arange(samples),
        test_labels=generator.integers(0, CLASSES, samples),
        models={"student": dict(resnet20(CLASSES).state_dict())},
    )
