"""Samples that are texts: padded tokens, of which each batch carries no more columns than its texts need."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Self

import torch
from torch import Generator, Tensor

from workbench.data.transfer import Augment, TransferSet
from workbench.records.batch import UNLABELLED, Batch

Columns = Mapping[str, Tensor]


class TextSet(TransferSet):
    """N texts as padded tokens; ``continuations`` and ``sentences`` make them from strings.

    Columns that are padding in all rows of a batch are left out of it. ``batches``, for evaluation, keeps the full
    width, so that outputs can be put together.

    Args:
        inputs: ``input_ids`` and ``attention_mask``, (N, L) each, padded on either side.
        labels: (N,) classes, or (N, L) next tokens, -1 where there is none.
        ids: (N,) distinct int64; by default 0 .. N-1.
        teacher_inputs: the same texts in the teacher's tokens, if they differ.
        marks: ``counted``, (N, L) bool positions that count (by default all real tokens); ``alignment``, (N, L) the
            teacher's position of each of the student's; ``teacher_labels``, (N, L) next tokens of ``teacher_inputs``.
        groups: further inputs by name, each with an ``attention_mask``; they become extras of the batch.
        strings: lists of N strings by name; they become extras of the batch.

    Raises:
        ValueError: lengths differ, ids repeat, the set is empty, or inputs have no ``attention_mask``.
    """

    def __init__(
        self,
        inputs: Columns,
        labels: Tensor | None = None,
        *,
        ids: Tensor | None = None,
        teacher_inputs: Columns | None = None,
        marks: Columns | None = None,
        groups: Mapping[str, Columns] | None = None,
        strings: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        """Checks that everything fits together."""
        self.marks = {"counted": inputs.get("attention_mask"), **(marks or {})}
        self.groups, self.strings = dict(groups or {}), {name: list(lines) for name, lines in (strings or {}).items()}
        super().__init__(dict(inputs), labels, ids=ids, teacher_inputs=teacher_inputs)

    @property
    def varying(self) -> bool:
        """True where models say something about every token; sentences with a class each have outputs of one shape."""
        return self.labels is None or self.labels.dim() > 1

    def _check(self) -> None:
        super()._check()
        groups = {"inputs": self.inputs, "teacher_inputs": self.teacher_inputs, **self.groups}
        for name, columns in groups.items():
            if columns is not None and not {"input_ids", "attention_mask"} <= set(columns):
                raise ValueError(f"{name} have columns {sorted(columns)}; input_ids and attention_mask are needed")
        parts = {**self.marks, **self.strings, **{name: columns["input_ids"] for name, columns in self.groups.items()}}
        for name, part in parts.items():
            if len(part) != len(self):
                raise ValueError(f"lengths differ: {name} has {len(part)}, ids has {len(self)}")

    def batch(
        self,
        rows: Tensor,
        *,
        teacher_rows: Tensor | None = None,
        augment: Augment | None = None,
        generator: Generator | None = None,
    ) -> Batch:
        """The batch of some rows, as narrow as they allow; arguments as in ``TransferSet.batch``.

        ``mask`` are the positions that count. ``extras`` hold the groups, the strings and ``teacher_labels``.
        """
        whole = super().batch(rows, teacher_rows=teacher_rows, augment=augment, generator=generator)
        shared = self.teacher_inputs is None
        views = [whole.student_inputs] + ([whole.teacher_inputs] if shared and whole.teacher_inputs else [])
        own = _window([view["attention_mask"] for view in views])
        theirs = own if shared else _window([whole.teacher_inputs["attention_mask"]])
        labels = whole.labels
        return whole.but(
            student_inputs=_cut(whole.student_inputs, own),
            teacher_inputs=None if whole.teacher_inputs is None else _cut(whole.teacher_inputs, theirs),
            labels=labels if labels is None or labels.dim() == 1 else labels[:, own],
            mask=self.marks["counted"][rows][:, own],
            alignment=self._aligned(rows, own, theirs),
            extras=self._extras(rows, rows if teacher_rows is None else teacher_rows, theirs),
        )

    def batches(self, size: int) -> Iterator[Batch]:
        """All samples in order and in full width, inputs and labels only."""
        for rows in torch.arange(len(self), device=self.ids.device).split(size):
            yield super().batch(rows)

    def _aligned(self, rows: Tensor, own: slice, theirs: slice) -> Tensor | None:
        if "alignment" not in self.marks:
            return None
        place = self.marks["alignment"][rows][:, own] - theirs.start
        return place.masked_fill((place < 0) | (place >= theirs.stop - theirs.start), -1)

    def _extras(self, rows: Tensor, teacher_rows: Tensor, theirs: slice) -> dict[str, Any]:
        extras: dict[str, Any] = {}
        for name, columns in self.groups.items():
            view = self._view(columns, rows)
            extras[name] = _cut(view, _window([view["attention_mask"]]))
        if "teacher_labels" in self.marks:
            extras["teacher_labels"] = self.marks["teacher_labels"][teacher_rows][:, theirs]
        return extras | {name: [lines[row] for row in rows.tolist()] for name, lines in self.strings.items()}

    def subset(self, rows: Tensor) -> Self:
        """Some of the samples, with their ids."""
        made = super().subset(rows)
        made._move(lambda part: part[rows])
        made.strings = {name: [lines[row] for row in rows.tolist()] for name, lines in self.strings.items()}
        return made

    def as_teacher_sees(self) -> Self:
        """The same texts in the teacher's tokens, with its next tokens as the labels."""
        if self.teacher_inputs is None:
            return self
        labels = self.marks.get("teacher_labels", self.labels)
        made = self._like(self.teacher_inputs, labels, teacher_inputs=None)
        counted = labels != UNLABELLED if labels is not self.labels else self.teacher_inputs["attention_mask"]
        made.marks, made.groups = {"counted": counted}, {}
        return made

    def as_student_sees(self) -> Self:
        """The same texts in the student's tokens alone."""
        made = super().as_student_sees()
        if made is not self:
            made.marks = {
                name: mark for name, mark in self.marks.items() if name not in ("alignment", "teacher_labels")
            }
        return made

    def to(self, device: torch.device | str) -> Self:
        """The same samples on a device."""
        made = super().to(device)
        made._move(lambda part: part.to(device))
        return made

    def _move(self, act: Callable[[Tensor], Tensor]) -> None:
        self.marks = {name: act(part) for name, part in self.marks.items()}
        self.groups = {name: {key: act(part) for key, part in group.items()} for name, group in self.groups.items()}

    def _hashed(self) -> Iterable[Any]:
        return [
            *super()._hashed(),
            *(part for columns in (self.marks, *self.groups.values()) for part in columns.values()),
        ]

    def _content(self) -> str:
        sha = hashlib.sha256(super()._content().encode())
        for name, columns in {"marks": self.marks, **self.groups}.items():
            for key, part in columns.items():
                sha.update(f"{name}{key}{tuple(part.shape)}{part.dtype}".encode())
                sha.update(part.cpu().contiguous().view(torch.uint8).numpy().data)
        sha.update(repr(self.strings).encode())
        return sha.hexdigest()[:16]


def _window(masks: list[Tensor]) -> slice:
    """The columns from the first to the last that is real in some row."""
    real = torch.cat(masks).any(0).nonzero().flatten()
    return slice(int(real[0]), int(real[-1]) + 1)


def _cut(columns: Columns, window: slice) -> dict[str, Tensor]:
    return {name: part[:, window] for name, part in columns.items()}
