"""Outputs and scores of a model on a set of samples, in small pieces so that a run can be stopped in between."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import Any

import torch
from torch import Tensor, nn

from workbench.data.transfer import TransferSet
from workbench.engine.ledger.counting import looker
from workbench.engine.streams import repeatable
from workbench.engine.training.finiteness import check_outputs
from workbench.maths.tasks import Task
from workbench.models.layers import evaluating
from workbench.models.tracing import Tracer
from workbench.records import events
from workbench.records.batch import UNLABELLED

CHUNK = 256

FEW, CLOSE = 8, 1e-3
"""What was kept is trusted if this many samples, asked again, get the same outputs to this relative and absolute error."""


def predict(
    model: nn.Module, data: TransferSet, *, teacher: bool = False, size: int = CHUNK
) -> Generator[float, None, Tensor]:
    """Outputs on all samples in order, float32; yields the share done and returns them.

    Args:
        model: put into evaluation mode, and back.
        data: on the model's device.
        teacher: ask about the teacher's inputs.
        size: samples per forward pass.
    """
    done, parts = 0, []
    with evaluating(model):
        look = looker(Tracer(model), teacher=teacher)
        for batch in data.batches(size):
            with torch.no_grad(), repeatable(data.ids.device):
                parts.append(look(batch).outputs.float())
            done += len(batch.ids)
            yield done / len(data)
    return torch.cat(parts)


def reported(pieces: Generator[float, None, Tensor], **about: Any) -> Generator[events.Event, None, Tensor]:
    """Turn shares done into ``Probe`` events with the given fields, and hand the result on."""
    while True:
        try:
            share = next(pieces)
        except StopIteration as done:
            return done.value
        yield events.Probe(value=share, **about)


def layout(model: nn.Module, data: TransferSet) -> torch.Size:
    """Shape of a model's outputs for one sample."""
    return returned(predict(model, data.subset(torch.arange(1, device=data.ids.device)))).shape[1:]


def returned(pieces: Iterator[Any]) -> Any:
    """What a generator returns; what it yields is let go."""
    while True:
        try:
            next(pieces)
        except StopIteration as done:
            return done.value


def few(data: TransferSet) -> TransferSet:
    """A few samples of all parts of a set, to be asked again; of a graph all."""
    if data.full_batch or len(data) <= FEW:
        return data
    return data.subset(torch.linspace(0, len(data) - 1, FEW, device=data.ids.device).long())


def answers(model: nn.Module, some: TransferSet, *, teacher: bool = False) -> Tensor:
    """Outputs on a few samples, float32, which no ledger counts; all as in ``predict``."""
    batch = some.batch(torch.arange(len(some), device=some.ids.device))
    with evaluating(model), torch.no_grad(), repeatable(some.ids.device):
        return Tracer(model)(batch.for_teacher if teacher else batch.student_inputs).outputs.float()


def alike(one: Tensor, other: Tensor) -> bool:
    """Whether two outputs for the same samples agree but for rounding; texts may be padded to different lengths."""
    if one.dim() != other.dim() or len(one) != len(other):
        return False
    common = tuple(slice(min(sizes)) for sizes in zip(one.shape, other.shape, strict=True))
    padded = one.dim() > 2 and one.shape[-1] == other.shape[-1]
    if one.shape != other.shape and not padded:
        return False
    one, other = one[common].float(), other[common].float().to(one.device)
    return torch.allclose(one, other, rtol=CLOSE, atol=CLOSE, equal_nan=True)


def score(task: Task, outputs: Tensor, labels: Tensor, party: str = "model") -> float:
    """The task's score, in its own unit (points of 100 for accuracies).

    Args:
        task: whose score it is.
        outputs: of all samples, in the layout of the task.
        labels: of the same samples.
        party: whose outputs they are, for the error.

    Raises:
        NotFinite: outputs that are scored are NaN, or infinite where they are values.
    """
    check_outputs(party, outputs, labels, task.name)
    numerator, denominator = task.hits(outputs, labels)
    return task.scale * float(numerator.double().sum()) / max(float(denominator.double().sum()), 1e-12)


def confusion(outputs: Tensor, labels: Tensor, classes: int) -> Tensor:
    """(C, C) counts of labelled samples by label (row) and predicted class (column)."""
    labelled = labels != UNLABELLED
    pairs = labels[labelled] * classes + outputs[labelled].argmax(1)
    return torch.bincount(pairs.cpu(), minlength=classes * classes).view(classes, classes)
