"""What the engine adds to a training step: events, ledger, live agreement and checkpoints against a bare loop."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import torch
from torch import nn

from workbench.benchmarks.bare_loop import bare_kd, bare_labels
from workbench.benchmarks.measurement import Measurement, Size, interleaved, medians, ratio, threads
from workbench.engine.conditions import Conditions
from workbench.engine.distill import distill
from workbench.methods.logits.kd import KD
from workbench.methods.method import Method
from workbench.methods.selftaught.labels_only import LabelsOnly
from workbench.models.mlp import MLP
from workbench.models.resnet import resnet8x4, resnet32x4
from workbench.records.batch import Batch
from workbench.records.budget import Budget
from workbench.records.events import Step
from workbench.settings.digits import load
from workbench.settings.setting import Setting

FOREVER = 10_000
"""Epochs: more than are ever asked for."""

BATCH = 16
"""Images in a step of the convolutional nets: enough for the maths to dwarf everything else."""


class LiveKD(KD):
    """``kd`` whose teacher is asked at every step: a method with inputs of its own is not served from the cache."""

    def inputs(self, batch: Batch, students: Mapping[str, nn.Module]) -> Batch:
        """The batch as it is."""
        return batch


def digits_steps(size: Size) -> list[Measurement]:
    """KD on digits through the engine, the teacher asked at each step or cached, against the bare loop."""
    with threads(1):
        seconds = _race(digits(), size.steps, size.warm_up, small_mlp)
    how = (
        f"median of {size.steps} steps of 64 samples each in turn, 1 thread, MLP 64-512-512-10 -> 64-32-10, checkpoints "
        "on; bare: a hand-written loop with tensor indexing and torch.optim.SGD"
    )
    found = medians(seconds) | {
        "with epoch ends": sum(seconds["engine"]) / sum(seconds["bare"]),
        "cached, with epoch ends": sum(seconds["engine, cached"]) / sum(seconds["bare"]),
        "cached over bare labels only": ratio(seconds, "engine, cached", "bare labels only"),
    }
    return [
        Measurement("digits step", ratio(seconds, "engine", "bare"), "x", 1.10, how, found),
        Measurement("digits step, teacher cached", ratio(seconds, "engine, cached", "bare"), "x", 0.60, how, found),
    ]


def resnet_steps(size: Size) -> list[Measurement]:
    """The same for ResNet32x4 -> ResNet8x4 on images of CIFAR's shape; cached, against labels only."""
    warm_up = min(size.warm_up, 2)
    samples = BATCH * (size.conv_steps + warm_up)  # one epoch, so that no epoch ends within a few timed steps
    parts = (samples, 20, 20)
    images = torch.randn(sum(parts), 3, 32, 32, generator=torch.Generator().manual_seed(0))
    labels = torch.arange(len(images)) // 2 % 100  # two images of a class at least, however few are asked for
    train, validation, test = zip(images.split(parts), labels.split(parts), strict=True)
    budget = Budget(epochs=FOREVER, batch_size=BATCH, schedule="constant")
    names = tuple(map(str, range(100)))
    setting = Setting(train, test, resnet32x4(), resnet8x4, validation=validation, budget=budget, class_names=names)
    seconds = _race(setting, size.conv_steps, warm_up, resnet8x4)
    how = (
        f"median of {size.conv_steps} steps of {BATCH} images each in turn, {torch.get_num_threads()} threads, "
        "ResNet32x4 -> ResNet8x4, 100 classes, random images"
    )
    found = medians(seconds) | {
        "ratio of the fastest steps": min(seconds["engine"]) / min(seconds["bare"]),
        "cached, ratio of the fastest steps": min(seconds["engine, cached"]) / min(seconds["bare labels only"]),
    }
    cached = ratio(seconds, "engine, cached", "bare labels only")
    return [
        Measurement("resnet step", ratio(seconds, "engine", "bare"), "x", 1.03, how, found),
        Measurement("resnet step, teacher cached, over labels only", cached, "x", 1.05, how, found),
    ]


def _race(setting: Setting, steps: int, warm_up: int, student: Callable[[], nn.Module]) -> dict[str, list[float]]:
    with tempfile.TemporaryDirectory() as folder:
        contenders = {
            "engine": engine_steps(setting, LiveKD(), Path(folder)),
            "engine, cached": engine_steps(setting, KD(), Path(folder)),
            "engine, labels only": engine_steps(setting, LabelsOnly(), Path(folder)),
            "bare": bare_kd(student(), setting.teacher, setting.train, setting.budget),
            "bare labels only": bare_labels(student(), setting.train, setting.budget),
        }
        return interleaved(contenders, steps, warm_up)


def engine_steps(setting: Setting, method: Method, folder: Path) -> Iterator[None]:
    """The student's steps; whatever the engine does in between happens between two of them."""
    for event in distill(setting, method, conditions=Conditions(folder=folder, device="cpu")):
        if isinstance(event, Step):
            yield


def digits() -> Setting:
    """A large and a small MLP that are never done with the digits."""
    inputs, labels = load()
    data = (inputs[:1437], labels[:1437]), (inputs[1437:], labels[1437:])
    return Setting(*data, MLP(64, (512, 512), 10), small_mlp, budget=Budget(epochs=FOREVER, schedule="constant"))


def small_mlp() -> nn.Module:
    """The student of ``digits``."""
    return MLP(64, (32,), 10)
