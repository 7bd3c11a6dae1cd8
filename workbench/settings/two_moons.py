"""Two moons in the plane: a toy world whose decision regions can be drawn while they form."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import torch

from workbench.data.asymmetry import but, few
from workbench.data.moons import two_moons
from workbench.data.transfer import TransferSet
from workbench.models.mlp import MLP
from workbench.records.annotations import Range
from workbench.records.budget import Budget
from workbench.settings.setting import Recipe, Setting

POOL, TEST = 1000, 2000

CLIP = 5.0
"""Nets this small have no batch norm; at published weights some feature and relation losses need the limit."""


class TwoMoons(Setting):
    """TwoMoons: a wide MLP teaches a tiny one in the plane; a run takes a second.

    The student knows a few labels. The teacher knows those of 1,000 points, and the student may ask it about some of
    these.

    Args:
        student_labels: Labelled points the student has, validation included.
        transfer_inputs: Further points without a label that the student may ask its teacher about.
        noise: Standard deviation of the points around their moon, whose radius is 1.
    """

    about = "two noisy half circles in the plane; MLP 2-64-64-2 teaches 2-16-8-2"

    def __init__(
        self,
        student_labels: Annotated[int, Range(10, 500, 10)] = 20,
        transfer_inputs: Annotated[int, Range(0, 500, 10)] = 300,
        noise: Annotated[float, Range(0.05, 0.5, 0.05)] = 0.2,
    ) -> None:
        """Draws the points, the same ones every time."""
        self.student_labels, self.transfer_inputs, self.noise = student_labels, transfer_inputs, noise
        points, labels = two_moons(POOL + TEST, noise)
        pool = TransferSet(points[:POOL], labels[:POOL], ids=torch.arange(POOL))
        super().__init__(
            train=few(pool, student_labels, transfer_inputs),
            test=TransferSet(points[POOL:], labels[POOL:], ids=torch.arange(POOL, POOL + TEST)),
            teacher=Recipe(partial(MLP, 2, (64, 64), 2), Budget(epochs=20, batch_size=32)),
            student=partial(MLP, 2, (16, 8), 2),
            name="two_moons",
            class_names=("upper", "lower"),
            look="points",
            threads=1,
        )
        few_steps = len(self.train) < 100  # an epoch is a step or three then, so smaller batches and more passes
        self.budget = Budget(150, 8, clip=CLIP) if few_steps else Budget(40, 32, clip=CLIP)
        self.teacher_train = but(pool, self.validation)
