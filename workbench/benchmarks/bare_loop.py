"""The training loop one would write by hand: nothing but the maths, over tensors that are indexed directly."""

from __future__ import annotations

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from workbench.data.transfer import TransferSet
from workbench.methods.logits.kd import KD
from workbench.records.budget import Budget


def bare_kd(student: nn.Module, teacher: nn.Module, data: TransferSet, budget: Budget) -> Iterator[None]:
    """Vanilla distillation with the defaults of ``kd``, the teacher asked at every step; yields after each."""
    method = KD()
    temperature = method.temperature
    teacher.eval()

    def loss(inputs: Tensor, labels: Tensor) -> Tensor:
        with torch.no_grad():
            soft_targets = F.softmax(teacher(inputs) / temperature, 1)
        logits = student(inputs)
        soft = F.kl_div(F.log_softmax(logits / temperature, 1), soft_targets, reduction="batchmean")
        hard = F.cross_entropy(logits, labels)
        return method.soft_weight * temperature**2 * soft + method.label_weight * hard

    return _loop(student, loss, data, budget)


def bare_labels(student: nn.Module, data: TransferSet, budget: Budget) -> Iterator[None]:
    """Training on labels; yields after each step."""
    return _loop(student, lambda inputs, labels: F.cross_entropy(student(inputs), labels), data, budget)


def _loop(student: nn.Module, loss_of: object, data: TransferSet, budget: Budget) -> Iterator[None]:
    inputs, labels = data.batch(torch.arange(len(data))).student_inputs, data.labels
    optimizer = torch.optim.SGD(
        student.parameters(), lr=budget.learning_rate, momentum=budget.momentum, weight_decay=budget.weight_decay
    )
    student.train()
    while True:
        for rows in torch.randperm(len(inputs)).split(budget.batch_size):
            if len(rows) < budget.batch_size:
                continue
            optimizer.zero_grad()
            loss_of(inputs[rows], labels[rows]).backward()
            optimizer.step()
            yield
