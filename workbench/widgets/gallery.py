"""Samples as cards: the input, and what teacher and student say of it at a temperature the user slides."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from threading import RLock
from typing import Any

import numpy as np
from anywidget import AnyWidget
from traitlets import Bytes, Float, Int, List, Unicode, observe, validate

from workbench.records.batch import UNLABELLED
from workbench.records.selection import Selection

STATIC = Path(__file__).parent / "static"


class Gallery(AnyWidget):
    """A paged grid of cards; softmax runs in the page, so the temperature moves without asking the kernel.

    Only the cards of the page in view are sent.

    Args:
        inputs: (N, H, W) or (N, H, W, 3) uint8 images, or N short texts.
        student_logits: (N, C).
        teacher_logits: (N, C).
        labels: (N,) classes; ``UNLABELLED`` where there is none.
        ids: (N,) sample ids; ``0 .. N-1`` if not given.
        class_names: C names; the class numbers if not given.
        temperature: softens both distributions; also moved by the slider.

    Attributes:
        page: which page is in view, from 0.
        pages: how many there are, at least 1.
        total: how many samples are shown over all pages.

    Raises:
        ValueError: shapes do not fit, images are not uint8, logits are not finite, a label is not a class, or the
            temperature is not positive.
    """

    _esm = STATIC / "gallery.js"
    _css = STATIC / "gallery.css"
    page_size = 6

    temperature = Float().tag(sync=True, echo_update=False)
    page = Int().tag(sync=True, echo_update=False)
    pages = Int(1).tag(sync=True)
    total = Int().tag(sync=True)
    class_names = List(Unicode()).tag(sync=True)
    _cards = List().tag(sync=True)
    _shape = List(Int()).tag(sync=True)  # height, width and channels of the page's images; empty for texts
    _pixels = Bytes().tag(sync=True)

    def __init__(
        self,
        inputs: np.ndarray | Sequence[str],
        *,
        student_logits: np.ndarray,
        teacher_logits: np.ndarray,
        labels: Sequence[int] | np.ndarray,
        ids: Sequence[int] | np.ndarray | None = None,
        class_names: Sequence[str] | None = None,
        temperature: float = 1.0,
    ) -> None:
        """The samples stay as they are, in this order; ``show`` chooses among them."""
        self._lock = RLock()
        self._inputs = _readable(inputs)
        self._logits = {"student": np.asarray(student_logits, float), "teacher": np.asarray(teacher_logits, float)}
        self._labels = np.asarray(labels)
        self.ids = np.arange(len(inputs)) if ids is None else np.asarray(ids)
        self._rows = np.arange(len(inputs))
        self._chosen: Selection | None = None
        width = self._logits["student"].shape[-1]
        names = [str(name) for name in (range(width) if class_names is None else class_names)]
        _check(len(inputs), self._logits, self._labels, self.ids, names)
        super().__init__(class_names=names, temperature=temperature)
        self.show(None)

    def show(self, chosen: Selection | Iterable[int] | None) -> None:
        """Show these samples only, in the gallery's own order; all of them for None or an empty selection."""
        with self._lock:
            ids = np.asarray([] if chosen is None else chosen.ids if isinstance(chosen, Selection) else list(chosen))
            name = chosen.name if isinstance(chosen, Selection) else "shown"
            self._chosen = Selection(ids, name) if len(ids) else None
            self._rows = np.flatnonzero(np.isin(self.ids, ids)) if len(ids) else np.arange(len(self.ids))
            with self.hold_sync():
                self.total = len(self._rows)
                self.pages = max(1, -(-self.total // self.page_size))
                self.page = 0
                self._fill()

    def state(self) -> dict[str, Any]:
        """Small JSON that rebuilds the view; the samples are given again."""
        chosen = None if self._chosen is None else self._chosen.state()
        return {"temperature": self.temperature, "page": self.page, "selection": chosen}

    @classmethod
    def from_state(cls, state: Mapping[str, Any], inputs: np.ndarray | Sequence[str], **data: Any) -> Gallery:
        """The inverse of ``state``; ``data`` holds logits, labels, ids and class names."""
        view = cls(inputs, temperature=state["temperature"], **data)
        view.show(None if state["selection"] is None else Selection.from_state(state["selection"]))
        view.page = state["page"]
        return view

    def __repr__(self) -> str:
        """What a saved notebook says where no kernel draws it."""
        return f"Gallery({self.total} samples, temperature {self.temperature:g})"

    @validate("page")
    def _existing_page(self, proposal: Mapping[str, Any]) -> int:
        return min(max(proposal["value"], 0), self.pages - 1)

    @validate("temperature")
    def _positive(self, proposal: Mapping[str, Any]) -> float:
        if not proposal["value"] > 0:
            raise ValueError(f"temperature is {proposal['value']}; it must be above zero")
        return proposal["value"]

    @observe("page")
    def _fill(self, _: object = None) -> None:
        with self._lock, self.hold_sync():
            rows = self._rows[self.page * self.page_size :][: self.page_size]
            inputs = self._inputs[rows]
            texts = inputs.ndim == 1
            self._shape = [] if texts else [*inputs.shape[1:3], *(inputs.shape[3:] or (1,))]
            self._pixels = b"" if texts else inputs.tobytes()
            self._cards = [self._card(row, str(self._inputs[row]) if texts else "") for row in rows]

    def _card(self, row: int, text: str) -> dict[str, Any]:
        logits = {model: values[row].tolist() for model, values in self._logits.items()}
        return {"id": str(self.ids[row]), "label": int(self._labels[row]), "text": text, **logits}


def _readable(inputs: np.ndarray | Sequence[str]) -> np.ndarray:
    if all(isinstance(each, str) for each in inputs):
        return np.asarray(inputs, object)
    images = np.asarray(inputs)
    if images.dtype == np.uint8 and images.shape[3:] in ((), (3,)) and images.ndim in (3, 4):
        return images
    given = f"{images.dtype} of shape {images.shape}"
    raise ValueError(f"inputs are {given}; a gallery draws uint8 of (N, H, W) or (N, H, W, 3), or N strings")


def _check(
    count: int, logits: Mapping[str, np.ndarray], labels: np.ndarray, ids: np.ndarray, names: Sequence[str]
) -> None:
    shape = (count, len(names))
    for model, values in logits.items():
        if values.shape != shape:
            needed = f"{count} inputs and {len(names)} class names need {shape}"
            raise ValueError(f"{model}_logits have shape {values.shape}; {needed}")
        if not np.isfinite(values).all():
            raise ValueError(f"{model}_logits are not finite in {(~np.isfinite(values).all(1)).sum()} of {count} rows")
    if labels.shape != (count,) or ids.shape != (count,):
        raise ValueError(f"{count} inputs need as many labels and ids; given {labels.shape} and {ids.shape}")
    if count and (labels.min() < UNLABELLED or labels.max() >= len(names)):
        raise ValueError(f"labels run from {labels.min()} to {labels.max()}; there are {len(names)} classes")
