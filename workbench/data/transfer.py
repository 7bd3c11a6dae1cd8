"""The samples a student learns on, addressed by stable ids."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Annotated, Any, ClassVar, Self

import torch
from torch import Generator, Tensor

from workbench.data.encode import Encoding
from workbench.data.on_demand import OnDemand, Read
from workbench.records.annotations import POSITIVE
from workbench.records.arguments import checked_arguments
from workbench.records.batch import UNLABELLED, Batch

Inputs = Tensor | tuple[Tensor, ...] | dict[str, Tensor] | OnDemand
Augment = Callable[[Tensor, Generator], Tensor]


class TransferSet:
    """N samples; labels are optional, sample by sample.

    Args:
        inputs: (N, ...) tensor, or a tuple or dict of such; or samples that are read when a batch asks for them.
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

    @checked_arguments
    def __init__(
        self,
        inputs: Inputs,
        labels: Tensor | None = None,
        *,
        ids: Tensor | Sequence[int] | None = None,
        teacher_inputs: Inputs | None = None,
        weight: Tensor | None = None,
        transform: Callable[[Tensor], Tensor] | None = None,
        encoding: Encoding | None = None,
    ) -> None:
        """Checks that everything fits together."""
        self.inputs, self.labels, self.weight = inputs, labels, weight
        self.teacher_inputs, self.transform = teacher_inputs, transform
        self.encoding, self.named = encoding or Encoding(), ids is not None
        self._check_parts(ids)
        self.ids = torch.arange(len(_first(inputs))) if ids is None else _whole(ids)
        self._check()

    def _check(self) -> None:
        parts = self._named_parts()
        if self.ids.dim() != 1:
            raise ValueError(f"ids have shape {tuple(self.ids.shape)}; one whole number per sample, (N,), is needed")
        lengths = {name: len(part) for name, part in parts.items()}
        if len(set(lengths.values())) > 1:
            raise ValueError("lengths differ: " + ", ".join(f"{name} has {n}" for name, n in lengths.items()))
        if not len(self.ids):
            raise ValueError("the set is empty; at least one sample is needed")
        if len(self.ids.unique()) != len(self.ids):
            raise ValueError("ids repeat; every sample needs its own")
        for name, part in parts.items():
            if isinstance(part, Tensor) and part.is_floating_point() and not part.isfinite().all():
                raise ValueError(f"{name} hold NaN or infinite values; clean or impute them first")
        self._check_weight()

    def _check_parts(self, ids: Tensor | Sequence[int] | None) -> None:
        """Refuse what has no first axis to count samples along, or none that rows can be taken from."""
        for side, given in (("inputs", self.inputs), ("teacher_inputs", self.teacher_inputs)):
            if given is not None and not _parts(given):
                raise ValueError(f"{side} are an empty {type(given).__name__}; one tensor or more is needed")
        parts = [*self.parts(), *_parts(self.teacher_inputs), *_parts(self.labels), *_parts(self.weight)]
        if any(isinstance(part, Tensor) and part.layout != torch.strided for part in (*parts, ids)):
            raise TypeError("a sparse tensor was given; its to_dense() is one that rows can be taken from")
        if any(isinstance(part, Tensor) and not part.dim() for part in parts):
            raise ValueError("a tensor of a single number was given; a first axis of samples is needed")
        if any(isinstance(part, Tensor) and part.is_complex() for part in parts):
            raise TypeError("a tensor of complex numbers was given; give their real and imaginary parts as two numbers")

    def _check_weight(self) -> None:
        weight = self.weight
        if weight is not None and (weight.dim() > 1 or (weight < 0).any() or not (weight > 0).any()):
            raise ValueError(
                f"weight has shape {tuple(weight.shape)} and lies between {float(weight.min()):g} and "
                f"{float(weight.max()):g}; one number per sample is needed, none below 0, one above"
            )

    def _named_parts(self) -> dict[str, Any]:
        parts = {"labels": self.labels, "weight": self.weight, "ids": self.ids}
        for side, given in (("inputs", self.inputs), ("teacher_inputs", self.teacher_inputs)):
            parts |= {f"{side} {i}": part for i, part in enumerate(_parts(given))}
        return {name: part for name, part in parts.items() if part is not None}

    def parts(self) -> list[Tensor | OnDemand]:
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
        seed = 0 if isinstance(self.inputs, Tensor) or self.repeatable else _drawn(generator)
        read = Read(rows, self._view(self.inputs, rows, seed))
        return self._batch(read, rows if teacher_rows is None else teacher_rows, seed, augment, generator)

    def _batch(
        self, read: Read, teacher_rows: Tensor, seed: int, augment: Augment | None, generator: Generator | None
    ) -> Batch:
        rows, view, labels = read
        if augment is not None:
            view = augment(view, generator)
        teacher = None
        if self.teacher_inputs is not None or teacher_rows is not rows:
            source = self.inputs if self.teacher_inputs is None else self.teacher_inputs
            teacher = self._finish(self._view(source, teacher_rows, seed))
        if labels is None and self.labels is not None:
            labels = self.labels.index_select(0, rows)
        weight = None if self.weight is None else self.weight.index_select(0, rows)
        return Batch(self.ids.index_select(0, rows), self._finish(view), labels, teacher, weight=weight)

    def epoch(
        self,
        order: Sequence[Tensor],
        *,
        partner: Tensor | None = None,
        augment: Augment | None = None,
        generator: Generator | None = None,
    ) -> Iterator[Batch]:
        """One batch after the other; samples on demand are read ahead, and those of a stream come in its own order.

        Args:
            order: the rows of each batch.
            partner: (N,) the row whose inputs the teacher sees instead of each row.
            augment: as in ``batch``.
            generator: as in ``batch``.
        """
        given = lambda rows: rows if partner is None else partner[rows]  # noqa: E731 - one word for one act
        if not isinstance(self.inputs, OnDemand):
            for rows in order:
                yield self.batch(
                    rows, teacher_rows=None if partner is None else partner[rows], augment=augment, generator=generator
                )
            return
        seeds = [0 if self.repeatable else _drawn(generator) for _ in order]
        for seed, read in zip(seeds, self.inputs.epoch([rows.cpu() for rows in order], seeds), strict=True):
            here = Read(*(part if part is None else _map(part, self._here) for part in read))
            yield self._batch(here, given(here.rows), seed, augment, generator)

    @checked_arguments
    def batches(self, size: Annotated[int, POSITIVE]) -> Iterator[Batch]:
        """All samples in order, without augmentation."""
        yield from self.epoch(torch.arange(len(self), device=self.ids.device).split(size))

    def _view(self, inputs: Inputs, rows: Tensor, seed: int = 0) -> Any:
        if isinstance(inputs, Tensor):
            return inputs.index_select(0, rows)  # half the time that indexing takes
        if isinstance(inputs, OnDemand):
            return _map(inputs.read(rows.cpu(), seed), self._here)
        return _map(inputs, lambda part: self._view(part, rows, seed) if isinstance(part, OnDemand) else part[rows])

    def _here(self, part: Tensor) -> Tensor:
        return part.to(self.ids.device)

    def _finish(self, view: Any) -> Any:
        return view if self.transform is None else self.transform(view)

    @property
    def known_labels(self) -> Tensor:
        """The labels, where there must be some.

        Raises:
            ValueError: there are none.
        """
        if self.labels is None:
            raise ValueError("these samples have no labels; give TransferSet(inputs, labels)")
        return self.labels

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

    @property
    def repeatable(self) -> bool:
        """Whether a sample is the same each time it is read."""
        return all(part.repeatable for part in self.parts() if isinstance(part, OnDemand))

    @property
    def in_order(self) -> bool:
        """Whether samples come one after the other only, so that none can take another one's place."""
        return isinstance(self.inputs, OnDemand) and self.inputs.in_order

    def first(self) -> Any:
        """The inputs of the first sample as they are stored, with a first axis of one."""
        return self._view(self.inputs, torch.arange(1))

    def in_memory(self) -> Self:
        """The same samples with inputs that are tensors; of many that are read on demand, take a subset first."""
        if all(isinstance(part, Tensor) for part in self.parts()):
            return self
        return self._like(self._view(self.inputs, torch.arange(len(self))), self.labels)

    @checked_arguments
    def subset(self, rows: Tensor) -> Self:
        """Some of the samples, with their ids.

        Raises:
            ValueError: rows are neither numbers of samples nor one truth value per sample.
        """
        self._check_rows(rows)
        part = lambda part: part.part(rows) if isinstance(part, OnDemand) else part[rows]  # noqa: E731 - likewise
        teacher = None if self.teacher_inputs is None else _map(self.teacher_inputs, part)
        return self._like(
            _map(self.inputs, part),
            None if self.labels is None else self.labels[rows],
            ids=self.ids[rows],
            teacher_inputs=teacher,
            weight=None if self.weight is None else self.weight[rows],
        )

    def _check_rows(self, rows: Tensor) -> None:
        many, masks = len(self), rows.dtype == torch.bool
        if masks and tuple(rows.shape) == (many,):
            return
        whole = rows.dim() == 1 and not masks and not rows.is_floating_point() and not rows.is_complex()
        if not whole or (len(rows) and not (-many <= int(rows.min()) and int(rows.max()) < many)):
            raise ValueError(
                f"rows are {rows.dtype} of shape {tuple(rows.shape)}; numbers of samples below {many} are needed, or one truth "
                "value per sample"
            )

    @checked_arguments
    def numbered_from(self, start: int) -> TransferSet:
        """The same samples with the ids start, start + 1, ..."""
        return self._like(self.inputs, self.labels, ids=torch.arange(start, start + len(self)))

    def as_teacher_sees(self) -> Self:
        """The same samples with the teacher's inputs as the inputs."""
        return (
            self if self.teacher_inputs is None else self._like(self.teacher_inputs, self.labels, teacher_inputs=None)
        )

    def as_student_sees(self) -> Self:
        """The same samples without inputs of the teacher's own, for teachers that were trained on the student's inputs."""
        return self if self.teacher_inputs is None else self._like(self.inputs, self.labels, teacher_inputs=None)

    @checked_arguments
    def to(self, device: torch.device | str) -> Self:
        """The same samples on a device.

        Raises:
            ValueError: there is no such device.
        """
        try:
            device = torch.device(device)
        except RuntimeError:
            raise ValueError(f"device = {device!r} is not the name of a device, such as 'cpu' or 'cuda'") from None
        move = lambda part: part if part is None or isinstance(part, OnDemand) else part.to(device)  # noqa: E731 - one word for one act
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
        """A hash of everything in it, 16 hexadecimal digits; worked out anew after a tensor was changed in place."""
        written = tuple(map(_times_written, self._hashed()))
        if self.__dict__.get("_digest", ("", None))[1] != written:
            self._digest = self._content(), written
        return self._digest[0]

    def _hashed(self) -> Iterable[Any]:
        """The parts that the digest is made of."""
        return self._named_parts().values()

    def _content(self) -> str:
        sha = hashlib.sha256()
        for name, part in self._named_parts().items():
            if isinstance(part, OnDemand):
                sha.update(f"{name}{part.digest()}".encode())
                continue
            sha.update(f"{name}{tuple(part.shape)}{part.dtype}".encode())
            sha.update(part.detach().cpu().contiguous().view(torch.uint8).numpy().data)
        return sha.hexdigest()[:16]


def _times_written(part: Any) -> tuple[int, int]:
    """Which object it is, and how often it was changed in place; PyTorch does not count that of tensors for inference."""
    counted = isinstance(part, Tensor) and not part.is_inference()
    return id(part), part._version if counted else 0


def _parts(inputs: Inputs | None) -> list[Tensor | OnDemand]:
    if inputs is None:
        return []
    if isinstance(inputs, Tensor | OnDemand):
        return [inputs]
    return list(inputs.values() if isinstance(inputs, dict) else inputs)


def _drawn(generator: Generator | None) -> int:
    """A seed for samples that differ from read to read; always the same one where nothing is drawn, as in evaluation."""
    return 0 if generator is None else int(torch.randint(2**62, (), generator=generator))


def _whole(ids: Tensor | Sequence[int]) -> Tensor:
    given = torch.as_tensor(ids)
    if given.is_complex() or (given.is_floating_point() and (given != given.round()).any()):
        raise ValueError(f"ids are {given.dtype} numbers that are not whole; distinct whole numbers are needed")
    return given.to(torch.int64)


def _first(inputs: Inputs) -> Tensor | OnDemand:
    return _parts(inputs)[0]


def _map(inputs: Inputs, act: Callable[[Tensor], Tensor]) -> Inputs:
    if isinstance(inputs, Tensor | OnDemand):
        return act(inputs)
    if isinstance(inputs, tuple):
        return tuple(act(part) for part in inputs)
    return {name: act(part) for name, part in inputs.items()}
