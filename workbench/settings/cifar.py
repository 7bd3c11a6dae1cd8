"""What CIFAR-10 and CIFAR-100 share: nets, budget and augmentation as in the field's tables."""

from __future__ import annotations

from functools import partial
from typing import Any, Literal

import torch

from workbench.data.augment import CropFlip, Normalise
from workbench.data.cifar import load_cifar
from workbench.data.sources import SOURCES
from workbench.data.transfer import TransferSet
from workbench.models.zoo import net
from workbench.records.budget import Budget
from workbench.settings.setting import Recipe

Net = Literal[
    "resnet8",
    "resnet14",
    "resnet20",
    "resnet32",
    "resnet44",
    "resnet56",
    "resnet110",
    "resnet8x4",
    "resnet32x4",
    "resnet50",
    "wrn_16_1",
    "wrn_16_2",
    "wrn_40_1",
    "wrn_40_2",
    "vgg8",
    "vgg11",
    "vgg13",
    "mobilenet_v2",
    "shuffle_v1",
    "shuffle_v2",
]
GENTLE = ("mobilenet", "shuffle")
"""Nets with depthwise convolutions start at a fifth of the learning rate, as in the field's tables."""


def benchmark(source: str, scale: Normalise, teacher: str, student: str, epochs: int) -> dict[str, Any]:
    """The arguments of a ``Setting`` on one of the two data sets.

    Args:
        source: ``cifar10`` or ``cifar100``.
        scale: mean and standard deviation of the training images.
        teacher: name of a net.
        student: name of a net.
        epochs: of both.
    """
    images = load_cifar(SOURCES[source])
    classes, samples = len(images.names), len(images.train)
    ids = torch.arange(samples + len(images.test))
    return {
        "train": TransferSet(images.train, images.train_labels, ids=ids[:samples], transform=scale),
        "test": TransferSet(images.test, images.test_labels, ids=ids[samples:], transform=scale),
        "teacher": Recipe(partial(net(teacher), classes), _budget(teacher, epochs)),
        "student": partial(net(student), classes),
        "name": source,
        "budget": _budget(student, epochs),
        "augment": CropFlip(padding=4),
        "class_names": images.names,
        "look": "image",
    }


def _budget(name: str, epochs: int) -> Budget:
    return Budget(epochs=epochs, schedule="multistep", learning_rate=0.01 if name.startswith(GENTLE) else 0.05)
