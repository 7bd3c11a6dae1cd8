"""Fashion-MNIST: the smallest setting with real images and convolutions."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import torch

from workbench.data.asymmetry import few
from workbench.data.augment import Normalise
from workbench.data.idx import load_idx
from workbench.data.sources import SOURCES
from workbench.data.transfer import TransferSet
from workbench.models.convnet import ConvNet
from workbench.records.annotations import Range
from workbench.records.budget import Budget
from workbench.settings.setting import Recipe, Setting

TRAIN = 60_000
"""Training images there are; test images are numbered from here."""


class Fashion(Setting):
    """Fashion: clothes in grey, 28 x 28; a convolutional net teaches a smaller one in a minute or two.

    Args:
        train_samples: Training images used, the same share of every class; all 60,000 take a laptop a while.
        epochs: Passes of the student over them; the teacher makes as many.
    """

    about = "70,000 pictures of clothes, 28 x 28 grey (Fashion-MNIST); ConvNet 16-32-64-128 teaches ConvNet 8-16-32"
    source = "fashion_mnist"

    def __init__(
        self,
        train_samples: Annotated[int, Range(1000, TRAIN, 1000)] = 10_000,
        epochs: Annotated[int, Range(1, 100, 1)] = 10,
    ) -> None:
        """Reads the data and draws the training images."""
        self.train_samples, self.epochs = train_samples, epochs
        (images, labels), (test, test_labels) = load_idx(SOURCES["fashion_mnist"])
        scale = Normalise((0.2860,), (0.3530,))
        pool = TransferSet(images, labels, ids=torch.arange(TRAIN), transform=scale)
        super().__init__(
            train=few(pool, train_samples if train_samples < TRAIN else None),
            test=TransferSet(test, test_labels, ids=torch.arange(TRAIN, TRAIN + len(test)), transform=scale),
            teacher=Recipe(partial(ConvNet, 1, (16, 32, 64, 128), 10), Budget(epochs=epochs)),
            student=partial(ConvNet, 1, (8, 16, 32), 10),
            name="fashion",
            budget=Budget(epochs=epochs),
            class_names=CLOTHES,
            look="image",
        )


CLOTHES = ("t-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot")
