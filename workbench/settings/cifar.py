"""What CIFAR-10 and CIFAR-100 share: nets, budget and augmentation as in the field's tables."""

from __future__ import annotations

from functools import partial
from typing import Annotated, ClassVar, Literal

import torch

from workbench.data.augment import CropFlip, Normalise
from workbench.data.cifar import load_cifar
from workbench.data.sources import SOURCES
from workbench.data.transfer import TransferSet
from workbench.models.zoo import net
from workbench.records.annotations import Range
from workbench.records.budget import Budget
from workbench.settings.setting import Recipe, Setting

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
Epochs = Annotated[int, Range(1, 240, 1)]

GENTLE = ("mobilenet", "shuffle")
"""Nets with depthwise convolutions start at a fifth of the learning rate, as in the field's tables."""


class Cifar(Setting):
    """Colour images, 32 x 32, with the nets and the budget that distillation tables report; a subclass names the data set.

    SGD, learning rate 0.05 (0.01 for MobileNet and ShuffleNet), a tenth at 62.5, 75 and 87.5 % of the epochs; random
    crops and flips. One departure from the tables: a tenth of the training images is held out for validation.

    Args:
        teacher_net: Architecture of the teacher.
        student_net: Architecture of the student.
        epochs: Passes over the training images; the tables use 240.
    """

    scale: ClassVar[Normalise]  # mean and standard deviation of the training images

    def __init__(self, teacher_net: Net, student_net: Net, epochs: Epochs = 240) -> None:
        """Reads the archive."""
        self.teacher_net, self.student_net, self.epochs = teacher_net, student_net, epochs
        images = load_cifar(SOURCES[self.source])
        classes, samples = len(images.names), len(images.train)
        ids = torch.arange(samples + len(images.test))
        super().__init__(
            train=TransferSet(images.train, images.train_labels, ids=ids[:samples], transform=self.scale),
            test=TransferSet(images.test, images.test_labels, ids=ids[samples:], transform=self.scale),
            teacher=Recipe(partial(net(teacher_net), classes), _budget(teacher_net, epochs)),
            student=partial(net(student_net), classes),
            name=self.source,
            budget=_budget(student_net, epochs),
            augment=CropFlip(padding=4),
            class_names=images.names,
            look="image",
        )


def _budget(name: str, epochs: int) -> Budget:
    return Budget(epochs=epochs, schedule="multistep", learning_rate=0.01 if name.startswith(GENTLE) else 0.05)
