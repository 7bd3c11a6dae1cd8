"""Handwritten digits, 8 x 8: the embedded default, bundled with scikit-learn."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import torch

from workbench.data.split import stratified
from workbench.data.transfer import TransferSet
from workbench.models.mlp import MLP
from workbench.records.annotations import Range
from workbench.records.batch import UNLABELLED
from workbench.records.budget import Budget
from workbench.settings.setting import Recipe, Setting


class Digits(Setting):
    """Digits: a wide MLP teaches a narrow one; runs in seconds.

    With the defaults the student has every label its teacher had. With ``student_labels`` it has only a few, and
    ``transfer_inputs`` more inputs without a label: real information asymmetry, in which a teacher can help.

    Args:
        student_labels: Labelled samples the student has, validation included; None is all 1,437.
        transfer_inputs: Further inputs without a label that the student may ask its teacher about.
    """

    about = "1,797 handwritten digits, 8 x 8 (scikit-learn); MLP 64-512-512-10 teaches 64-32-10"

    def __init__(
        self,
        student_labels: Annotated[int | None, Range(20, 1437, 10)] = None,
        transfer_inputs: Annotated[int, Range(0, 1417, 10)] = 0,
    ) -> None:
        """Loads the data and draws the student's share of it."""
        self.student_labels, self.transfer_inputs = student_labels, transfer_inputs
        inputs, labels = load()
        train, test = stratified(labels, 0.2)
        pool = TransferSet(inputs[train], labels[train], ids=train)
        super().__init__(
            train=_few(pool, student_labels, transfer_inputs),
            test=TransferSet(inputs[test], labels[test], ids=test),
            teacher=Recipe(partial(MLP, 64, (512, 512), 10), Budget(epochs=20)),
            student=partial(MLP, 64, (32,), 10),
            name="digits",
            budget=Budget(epochs=40),
            look="image",
            threads=1,
        )
        held_out = set(self.validation.ids.tolist())
        rows = torch.tensor([i for i, sample in enumerate(pool.ids.tolist()) if sample not in held_out])
        self.teacher_train = pool.subset(rows)


def load() -> tuple[torch.Tensor, torch.Tensor]:
    """(1797, 1, 8, 8) inputs in [0, 1] and (1797,) labels."""
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    return torch.tensor(images, dtype=torch.float32).reshape(-1, 1, 8, 8) / 16, torch.tensor(labels)


def _few(pool: TransferSet, labelled: int | None, unlabelled: int) -> TransferSet:
    """``labelled`` samples of the pool with their labels and ``unlabelled`` others without."""
    if labelled is None:
        if unlabelled:
            raise ValueError("transfer_inputs needs student_labels: with all labels there are no inputs left")
        return pool
    if labelled + unlabelled > len(pool):
        raise ValueError(f"{labelled} labelled and {unlabelled} further inputs are more than the {len(pool)} there are")
    rest, chosen = stratified(pool.labels, labelled / len(pool), seed=1)
    order = torch.randperm(len(rest), generator=torch.Generator().manual_seed(2))
    rows = torch.cat([chosen, rest[order[:unlabelled]]])
    few = pool.subset(rows)
    few.labels = few.labels.clone()
    few.labels[len(chosen) :] = UNLABELLED
    return few
