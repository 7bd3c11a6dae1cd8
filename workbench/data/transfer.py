"""The samples a student learns on, addressed by stable ids."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from typing import Any, ClassVar, Self

import torch
from torch import Generator, Tensor

from workbench.data.encode import Encoding
from workbench.records.batch import UNLABELLED, Batch

Inputs = Tensor | tuple[Tensor, ...] | dict[str, Tensor]
Augment = Callable[[Tensor, Generator], Tensor]


class TransferSet:
    """N samples in memory; labels are optional, sample by sample.

    Args:
        inputs: (N, ...) tensor, or a tuple or dict of such.
        labels: (N,) int64 classes or (N, ...) targets; ``UNLABELLED`` marks a sample without one.
        ids: (N,) distinct int64; by default 0 .. N-1.
        teacher_inputs: what the teacher sees instead, in the same order.
        weight: (N,) sample weights.
        transform: pure function of a batch of inputs, applied last (normalisation).
        encoding: how columns and classes got their numbers, if they came by name.

    Raises:
        TypeError: something is not a tensor.
        ValueError: lengths differ, ids repeat, the set is empty, or a value is not finite.

    Class attributes a subclass may declare:
        full_batch: every batch holds all samples (a graph); its ``mask`` says which of them count.
        paired: False if the teacher is shown other samples than the student, so that its answers belong to no row.
        varying: outputs have as many positions as the longest sample of a batch, so they are not kept row by row.

    Attributes:
        notes: what was converted to make it, in words.
    """

    full_batch: ClassVar[bool] = False
    paired: ClassVar[bool] = True
    varying: ClassVar[bool] = False
    notes: tuple[str, ...] = ()

    def __init__(
        self,
        inputs: Inputs,
        labels: Tensor | None = None,
        *,
        ids: Tensor | None = None,
        teacher_inputs: Inputs | None = None,
        weight: Tensor | None = None,
        transform: Callable[[Tensor], Tensor] | None = None,
        encoding: Encoding | None = None,
    ) -> None:
        """Checks that everything fits together."""
        self.inputs, self.labels, self.weight = inputs, labels, weight
        self.teacher_inputs, self.transform = teacher_inputs, transform
        self.encoding, self.named = encoding or Encoding(), ids is not None
        self.ids = torch.arange(len(_first(inputs))) if ids is None else torch.as_tensor(ids, dtype=torch.int64)
        self._check()

    def _check(self) -> None:
        parts = self._named_parts()
        for name, part in parts.items():
            if not isinstance(part, Tensor):
                raise TypeError(f"{name} is {type(part).__name__}, not a tensor; as_transfer_set converts what is not")
        lengths = {name: len(part) for name, part in parts.items()}
        if len(set(lengths.values())) > 1:
            raise ValueError("lengths differ: " + ", ".join(f"{name} has {n}" for name, n in lengths.items()))
        if not len(self.ids):
            raise ValueError("the set is empty; at least one sample is needed")
        if len(self.ids.unique()) != len(self.ids):
            raise ValueError("ids repeat; every sample needs its own")
        for name, part in parts.items():
            if part.is_floating_point() and not part.isfinite().all():
                raise ValueError(f"{name} hold NaN or infinite values; clean or impute them first")
        self._check_weight()

    def _check_weight(self) -> None:
        weight = self.weight
        if weight is not None and (weight.dim() > 1 or (weight < 0).any() or not (weight > 0).any()):
            raise ValueError(
                f"weight has shape {tuple(weight.shape)} and lies between {float(weight.min()):g} and "
                f"{float(weight.max()):g}; one number per sample is needed, none below 0, one above"
            )

    def _named_parts(self) -> dict[str, Tensor]:
        parts = {"labels": self.labels, "weight": self.weight, "ids": self.ids}
        for side, given in (("inputs", self.inputs), ("teacher_inputs", self.teacher_inputs)):
            parts |= {f"{side} {i}": part for i, part in enumerate(_parts(given))}
        return {name: part for name, part in parts.items() if part is not None}

    def parts(self) -> list[Tensor]:
        """The inputs one by one, (N, ...) each."""
        return _parts(self.inputs)

    def __len__(self) -> int:
        """Number of samples."""
        return len(self.ids)

    def batch(
        self,
        rows: Tensor,
        *,
        teacher_rows: Tensor | None = None,
        augment: Augment | None = None,
        generator: Generator | None = None,
    ) -> Batch:
        """The batch of some rows.

        Args:
            rows: (B,) row numbers.
            teacher_rows: (B,) rows the teacher sees instead of them, if it shall see others.
            augment: applied to the student's inputs before ``transform``; the teacher sees the same view.
            generator: of the augmentation.
        """
        view = self._view(self.inputs, rows)
        if augment is not None:
            view = augment(view, generator)
        teacher = None
        if self.teacher_inputs is not None or teacher_rows is not None:
            source = self.inputs if self.teacher_inputs is None else self.teacher_inputs
            teacher = self._finish(self._view(source, rows if teacher_rows is None else teacher_rows))
        labels = None if self.labels is None else self.labels[rows]
        weight = None if self.weight is None else self.weight[rows]
        return Batch(self.ids[rows], self._finish(view), labels, teacher, weight=weight)

    def batches(self, size: int) -> Iterator[Batch]:
        """All samples in order, without augmentation."""
        for rows in torch.arange(len(self), device=self.ids.device).split(size):
            yield self.batch(rows)

    def _view(self, inputs: Inputs, rows: Tensor) -> Any:
        if isinstance(inputs, Tensor):
            return inputs[rows]
        if isinstance(inputs, tuple):
            return tuple(part[rows] for part in inputs)
        return {name: part[rows] for name, part in inputs.items()}

    def _finish(self, view: Any) -> Any:
        return view if self.transform is None else self.transform(view)

    @property
    def labelled(self) -> Tensor:
        """Rows that have a label, (n,)."""
        if self.labels is None:
            return torch.arange(0)
        if self.labels.is_floating_point():
            return torch.arange(len(self))
        return (self.labels != UNLABELLED).reshape(len(self), -1).any(1).nonzero().squeeze(1)

    def weighed(self) -> Self:
        """The same samples without those of weight 0; without weights where they are all equal, which is having none."""
        if self.weight is None:
            return self
        data = (
            self if self.full_batch or (self.weight > 0).all() else self.subset((self.weight > 0).nonzero().squeeze(1))
        )
        return data._like(data.inputs, data.labels, weight=None) if (data.weight == data.weight[0]).all() else data

    def subset(self, rows: Tensor) -> Self:
        """Some of the samples, with their ids."""
        teacher = None if self.teacher_inputs is None else self._view(self.teacher_inputs, rows)
        return self._like(
            self._view(self.inputs, rows),
            None if self.labels is None else self.labels[rows],
            ids=self.ids[rows],
            teacher_inputs=teacher,
            weight=None if self.weight is None else self.weight[rows],
        )

    def numbered_from(self, start: int) -> TransferSet:
        """The same samples with the ids start, start + 1, ..."""
        return self._like(self.inputs, self.labels, ids=torch.arange(start, start + len(self)))

    def as_teacher_sees(self) -> Self:
        """The same samples with the teacher's inputs as the inputs."""
        return (
            self if self.teacher_inputs is None else self._like(self.teacher_inputs, self.labels, teacher_inputs=None)
        )

    def to(self, device: torch.device | str) -> Self:
        """The same samples on a device."""
        move = lambda part: part if part is None else part.to(device)  # noqa: E731 - one word for one act
        everything = lambda given: given if given is None else _map(given, move)  # noqa: E731
        return self._like(
            everything(self.inputs),
            move(self.labels),
            ids=move(self.ids),
            teacher_inputs=everything(self.teacher_inputs),
            weight=move(self.weight),
        )

    def _like(self, inputs: Inputs, labels: Tensor | None, **rest: Any) -> Self:
        made = type(self).__new__(type(self))
        made.__dict__ |= self.__dict__ | {"inputs": inputs, "labels": labels} | rest
        made.__dict__.pop("_digest", None)
        return made

    def digest(self) -> str:
        """A hash of everything in it, 16 hexadecimal digits."""
        if "_digest" not in self.__dict__:
            sha = hashlib.sha256()
            for name, part in self._named_parts().items():
                sha.update(f"{name}{tuple(part.shape)}{part.dtype}".encode())
                sha.update(part.detach().cpu().contiguous().view(torch.uint8).numpy().data)
            self._digest = sha.hexdigest()[:16]
        return self._digest


def _parts(inputs: Inputs | None) -> list[Tensor]:
    if inputs is None:
        return []
    if isinstance(inputs, Tensor):
        return [inputs]
    return list(inputs.values() if isinstance(inputs, dict) else inputs)


def _first(inputs: Inputs) -> Tensor:
    return _parts(inputs)[0]


def _map(inputs: Inputs, act: Callable[[Tensor], Tensor]) -> Inputs:
    if isinstance(inputs, Tensor):
        return act(inputs)
    if isinstance(inputs, tuple):
        return tuple(act(part) for part in inputs)
    return {name: act(part) for name, part in inputs.items()}
