"""A map of many samples: brush a region, and every linked panel shows the same ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from anywidget import AnyWidget
from traitlets import Bytes, Int, List, Unicode

from workbench.drawing.theme import CLASSES
from workbench.records.selection import Selection

STATIC = Path(__file__).parent / "static"


class SampleMap(AnyWidget):
    """Points on a canvas, coloured by class, with a rectangular brush; 50,000 of them stay fluid.

    Mouse: drag to brush, click to clear. Keyboard: arrows move a cross, Enter sets one corner and then the other,
    Escape clears.

    Args:
        points: (N, 2) positions; the first column runs to the right, the second upwards.
        ids: (N,) sample ids; ``0 .. N-1`` if not given.
        classes: (N,) class of each point, from 0; all in one class if not given.
        class_names: what the legend says; the class numbers if not given.
        palette: one colour per class as ``#rrggbb``; more classes than colours repeat them.
        label: what a screen reader and the saved notebook call it.
        height: of the drawing, in CSS pixels; the width is that of the cell.

    Raises:
        ValueError: shapes do not fit, ids repeat, more than 256 classes, or a class without a name.
    """

    _esm = STATIC / "sample_map.js"
    _css = STATIC / "sample_map.css"

    points = Bytes(read_only=True).tag(sync=True)
    classes = Bytes(read_only=True).tag(sync=True)
    # The browser's buffers arrive as memoryview, which Bytes refuses. Empty: nothing is brushed.
    mask = Bytes().tag(sync=True, echo_update=False, from_json=lambda value, _: bytes(value))
    class_names = List(Unicode()).tag(sync=True)
    palette = List(Unicode()).tag(sync=True)
    label = Unicode().tag(sync=True)
    height = Int().tag(sync=True)

    def __init__(
        self,
        points: np.ndarray,
        ids: Sequence[int] | np.ndarray | None = None,
        classes: Sequence[int] | np.ndarray | None = None,
        *,
        class_names: Sequence[str] | None = None,
        palette: Sequence[str] = CLASSES,
        label: str = "Sample map",
        height: int = 360,
    ) -> None:
        """The points stay as they are; what changes is the selection."""
        positions = np.ascontiguousarray(points, "<f4")
        self.ids = np.arange(len(positions)) if ids is None else np.asarray(ids)
        kinds = np.zeros(len(positions), int) if classes is None else np.asarray(classes)
        _check(positions, self.ids, kinds)
        names = [str(name) for name in (range(kinds.max(initial=0) + 1) if class_names is None else class_names)]
        if kinds.max(initial=-1) >= len(names):
            raise ValueError(f"class {kinds.max()} has no name; class_names has {len(names)}: {names}")
        self._callbacks: list[Callable[[Selection], object]] = []
        self.set_trait("points", positions.tobytes())
        self.set_trait("classes", kinds.astype("u1").tobytes())
        super().__init__(class_names=names, palette=list(palette), label=label, height=height)

    @property
    def selection(self) -> Selection:
        """The samples shown in colour now; empty if nothing is brushed."""
        return Selection(self.ids[np.frombuffer(self.mask, bool)] if self.mask else self.ids[:0])

    def select(self, selection: Selection) -> None:
        """Highlight samples chosen elsewhere; ids that are not on this map are passed over, and no callback is called."""
        mask = np.isin(self.ids, selection.ids)
        self.mask = mask.tobytes() if mask.any() else b""

    def on_selection(self, callback: Callable[[Selection], object]) -> None:
        """Call back with the ``Selection`` each time the user brushes or clears, on the thread that serves the browser."""
        self._callbacks.append(callback)

    def set_state(self, sync_data: Mapping[str, Any]) -> None:
        """Take what the browser sends; only that reaches the callbacks, so linked maps cannot answer each other forever."""
        super().set_state(sync_data)
        if "mask" in sync_data:
            for callback in self._callbacks:
                callback(self.selection)

    def state(self) -> dict[str, Any]:
        """Small JSON that rebuilds the map; the points are given again."""
        return {"label": self.label, "height": self.height, "selection": self.selection.state()}

    @classmethod
    def from_state(cls, state: Mapping[str, Any], points: np.ndarray, **data: Any) -> SampleMap:
        """The inverse of ``state``; ``data`` holds ``ids``, ``classes``, ``class_names`` and ``palette``."""
        view = cls(points, label=state["label"], height=state["height"], **data)
        view.select(Selection.from_state(state["selection"]))
        return view

    def __repr__(self) -> str:
        """What a saved notebook says where no kernel draws it."""
        return f"SampleMap({self.label!r}: {len(self.selection)} of {len(self.ids)} samples brushed)"


def _check(points: np.ndarray, ids: np.ndarray, classes: np.ndarray) -> None:
    if points.ndim != 2 or points.shape[1] != 2:
        raise ValueError(f"points have shape {points.shape}; a map needs (N, 2)")
    if not np.isfinite(points).all():
        raise ValueError(f"{(~np.isfinite(points).all(1)).sum()} of {len(points)} points are not finite")
    if ids.shape != (len(points),) or classes.shape != (len(points),):
        raise ValueError(f"{len(points)} points need as many ids and classes; given {ids.shape} and {classes.shape}")
    if len(np.unique(ids)) != len(ids):
        raise ValueError("ids repeat; a selection could not tell those samples apart")
    if classes.min(initial=0) < 0 or classes.max(initial=0) > 255:
        raise ValueError(f"classes run from {classes.min()} to {classes.max()}; a map takes 0 to 255")
