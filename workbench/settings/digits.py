"""Handwritten digits, 8 x 8: the embedded default, bundled with scikit-learn."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Literal

import torch
from torch import Tensor

from workbench.data.asymmetry import but, few
from workbench.data.split import stratified
from workbench.data.transfer import TransferSet
from workbench.models.mlp import MLP
from workbench.records.annotations import Range
from workbench.records.budget import Budget
from workbench.settings.setting import Recipe, Setting

CLIP = 5.0
"""Nets this small have no batch norm; at published weights some feature and relation losses need the limit."""


class Digits(Setting):
    """Digits: a wide MLP teaches a narrow one; runs in seconds.

    With the defaults the student has every label its teacher had. With ``student_labels`` it has only a few, and
    ``transfer_inputs`` more inputs without a label: real information asymmetry, in which a teacher can help. A teacher
    that was itself trained on the same ``few`` labels knows nothing that the student does not.

    Args:
        student_labels: Labelled samples the student has, validation included; None is all 1,438.
        transfer_inputs: Further inputs without a label that the student may ask its teacher about.
        teacher_labels: What the teacher is trained on: all labels, or only the few that the student has.
    """

    about = "1,797 handwritten digits, 8 x 8 (scikit-learn); MLP 64-512-512-10 teaches 64-32-10"

    def __init__(
        self,
        student_labels: Annotated[int | None, Range(20, 1400, 10)] = None,
        transfer_inputs: Annotated[int, Range(0, 1400, 10)] = 0,
        teacher_labels: Literal["all", "few"] = "all",
    ) -> None:
        """Loads the data and draws the student's share of it."""
        self.student_labels, self.transfer_inputs, self.teacher_labels = student_labels, transfer_inputs, teacher_labels
        inputs, labels = load()
        train, test = stratified(labels, 0.2)
        pool = TransferSet(inputs[train], labels[train], ids=train)
        super().__init__(
            train=few(pool, student_labels, transfer_inputs),
            test=TransferSet(inputs[test], labels[test], ids=test),
            teacher=None,
            student=partial(MLP, 64, (32,), 10),
            name="digits",
            look="image",
            threads=1,
        )
        self.budget = _budget(len(self.train), epochs=40)
        if teacher_labels == "all":
            self.teacher_train = but(pool, self.validation)
        self.teacher = Recipe(partial(MLP, 64, (512, 512), 10), _budget(len(self.teacher_train), epochs=20))


def load() -> tuple[Tensor, Tensor]:
    """(1797, 1, 8, 8) inputs in [0, 1] and (1797,) labels."""
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    return torch.tensor(images, dtype=torch.float32).reshape(-1, 1, 8, 8) / 16, torch.tensor(labels)


def _budget(samples: int, epochs: int) -> Budget:
    """A few samples need smaller batches and more passes; at 40 epochs of one step nothing is learnt."""
    return Budget(epochs=epochs, clip=CLIP) if samples >= 300 else Budget(epochs=150, batch_size=16, clip=CLIP)
