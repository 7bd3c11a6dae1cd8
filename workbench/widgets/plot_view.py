"""A plain Plotly figure on screen: one small view per figure, one Plotly bundle per page."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Mapping, Sequence
from html import escape
from importlib.resources import files
from pathlib import Path
from threading import Lock, RLock
from typing import Any, ClassVar

import numpy as np
import pandas  # noqa: F401 - plotly takes it if it is there, and stumbles while another thread is still importing it
from anywidget import AnyWidget
from ipywidgets import Widget, widget_serialization
from plotly.graph_objects import Figure
from plotly.io.json import to_json_plotly
from traitlets import Bytes, Instance, Int, List, Unicode


class PlotlyLibrary(Widget):
    """The bundle as a model without a view; each ``PlotView`` refers to it and never carries it.

    Attributes:
        bundle: plotly.min.js, gzipped: 1.5 MB on the wire instead of 4.8.
    """

    bundle = Bytes(read_only=True).tag(sync=True)

    _shared: ClassVar[PlotlyLibrary | None] = None
    _guard: ClassVar[Lock] = Lock()

    @classmethod
    def shared(cls) -> PlotlyLibrary:
        """The one of this kernel, made at first use and again after ``Widget.close_all()``."""
        with cls._guard:
            if cls._shared is None or cls._shared.comm is None:
                cls._shared = cls()
            return cls._shared

    def __init__(self) -> None:
        """Read and pack the bundle that the installed Plotly brings."""
        source = files("plotly").joinpath("package_data", "plotly.min.js").read_bytes()
        self.set_trait("bundle", gzip.compress(source, mtime=0))
        super().__init__()


STATIC = Path(__file__).parent / "static"
MARK = "#777"  # readable on light and on dark
Points = Mapping[str, Sequence[Any] | np.ndarray]


class PlotView(AnyWidget):
    """Shows a figure, grows it, marks it, and knows its whole state, so that a reloaded page shows what is current.

    ``show``, ``extend`` and ``mark`` may be called from any thread; how often is the caller's business.

    Args:
        figure: what to draw; copied, so the caller may go on changing its own.
        height: of the drawing, in CSS pixels; the width is that of the cell.
        label: what a screen reader and the saved notebook call it.

    Attributes:
        selected: points taken by box or lasso: their ``customdata``, or their indices where there is none.
    """

    _esm = STATIC / "plot_view.js"
    _css = STATIC / "plot_view.css"

    library = Instance(PlotlyLibrary).tag(sync=True, **widget_serialization)
    height = Int().tag(sync=True)
    label = Unicode().tag(sync=True)
    selected = List().tag(sync=True, echo_update=False)
    # Serialised only when the page asks (first display, reload) or `show` sets it; `_change` carries what came since.
    _figure = Instance(Figure).tag(sync=True, to_json=lambda _, view: view._snapshot())
    _change = Unicode().tag(sync=True)

    def __init__(self, figure: Figure | None = None, *, height: int = 320, label: str = "Plot") -> None:
        """Made once; change the picture with ``show``, ``extend`` and ``mark``."""
        self._lock = RLock()
        self._revision = 0
        self._callbacks: list[Callable[[dict[str, Any]], object]] = []
        super().__init__(library=PlotlyLibrary.shared(), _figure=Figure(figure), height=height, label=label)
        self.on_msg(self._answer)

    @property
    def figure(self) -> Figure:
        """A copy of what is shown now, with all points and marks added so far."""
        with self._lock:
            return Figure(self._figure)

    def show(self, figure: Figure) -> None:
        """Draw another figure in the same place; an equal one costs nothing."""
        with self._lock:
            if figure != self._figure:
                self._revision += 1
                self._figure = Figure(figure)

    def extend(self, points: Mapping[str | int, Points], *, max_points: int | None = None) -> None:
        """Append points to traces; only the new ones travel.

        Args:
            points: per trace, by name or index, the columns to append: ``{"loss": {"x": [3], "y": [0.1]}}``.
            max_points: keep only the last so many of each column; all of them if not given.

        Raises:
            KeyError: no trace has that name or index.
            ValueError: a trace has no such column, its columns differ in length, or ``max_points`` is below one.
        """
        if max_points is not None and max_points < 1:
            raise ValueError(f"max_points is {max_points}; it must be at least 1, or left out to keep every point")
        with self._lock:
            checked = {self._position(trace): self._columns(trace, columns) for trace, columns in points.items()}
            for position, columns in checked.items():
                trace = self._figure.data[position]
                for name, values in columns.items():
                    trace[name] = _joined(trace[name], values)[-(max_points or 0) :]
            self._send_change(points=checked, max_points=max_points)

    def mark(self, x: float | str, text: str) -> None:
        """A vertical line at ``x`` with a note beside it, such as ``temperature 4 -> 6``."""
        with self._lock:
            line = {"type": "line", "x0": x, "x1": x, "yref": "paper", "y0": 0, "y1": 1}
            self._figure.add_shape(line, line={"color": MARK, "width": 1, "dash": "dot"})
            # Turn about at the top and at the bottom, so that the notes of two close marks do not meet.
            low = len(self._figure.layout.annotations) % 2
            end = {"y": 0, "yanchor": "bottom"} if low else {"y": 1, "yanchor": "top"}
            place = {"x": x, "xanchor": "left", "yref": "paper", "textangle": -90, **end}
            font = {"size": 10, "color": MARK}
            self._figure.add_annotation(place, text=escape(text), showarrow=False, font=font)
            layout = self._figure.layout.to_plotly_json()
            self._send_change(layout={name: layout[name] for name in ("shapes", "annotations")})

    def on_click(self, callback: Callable[[dict[str, Any]], object]) -> None:
        """Call back with the ``customdata`` of each point, bar or cell the user clicks, where it is a dict.

        The dict names what the point stands for, such as ``{"arm": 0, "seed": 2}``. Any other ``customdata`` is text
        for hovering; a click on such a point is ignored.
        """
        self._callbacks.append(callback)

    def state(self) -> dict[str, Any]:
        """Small JSON that rebuilds the view; the figure is given again."""
        return {"label": self.label, "height": self.height, "selected": list(self.selected)}

    @classmethod
    def from_state(cls, state: Mapping[str, Any], figure: Figure | None = None) -> PlotView:
        """The inverse of ``state``."""
        view = cls(figure, height=state["height"], label=state["label"])
        view.selected = list(state["selected"])
        return view

    def __repr__(self) -> str:
        """What a saved notebook says where no kernel draws it."""
        names = ", ".join(trace.name or trace.type for trace in self._figure.data)
        return f"PlotView({self.label!r}: {names or 'empty'})"

    def _position(self, trace: str | int) -> int:
        names = [each.name for each in self._figure.data]
        known = range(len(names)) if isinstance(trace, int) else names
        if trace not in known:
            raise KeyError(f"no trace {trace!r}; there are {len(names)}, named {names}")
        return known.index(trace)

    def _columns(self, trace: str | int, columns: Points) -> dict[str, np.ndarray]:
        shown = self._figure.data[self._position(trace)]
        if unknown := [name for name in columns if name not in shown]:
            raise ValueError(f"trace {trace!r} is a {shown.type} and has no {unknown}")
        arrays = {name: np.asarray(values) for name, values in columns.items()}
        lengths = {name: len(values) for name, values in arrays.items()}
        if len(set(lengths.values())) > 1:
            raise ValueError(f"the columns appended to trace {trace!r} differ in length: {lengths}")
        return arrays

    def _snapshot(self) -> str:
        with self._lock:
            return f'{{"revision": {self._revision}, "figure": {self._figure.to_json()}}}'

    def _send_change(self, **change: Any) -> None:
        self._revision += 1
        self._change = to_json_plotly({"revision": self._revision, **change})

    def _answer(self, _: AnyWidget, content: Any, __: list[memoryview]) -> None:
        if content == "resend":
            self.send_state("_figure")
        elif isinstance(content, dict) and isinstance(content.get("clicked"), dict):
            for callback in self._callbacks:
                callback(content["clicked"])


def _joined(old: Sequence[Any] | np.ndarray | None, new: np.ndarray) -> np.ndarray:
    return np.concatenate([np.asarray(old), new]) if old is not None and len(old) else new
