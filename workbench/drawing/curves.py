"""Traces of what is recorded over student steps: loss terms, scores and agreement, always named and drawn alike."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from workbench.drawing import theme
from workbench.drawing.text import escaped, label, short, with_unit
from workbench.records.run import Curve

MOST_POINTS = 2000
STEP = "optimiser step"
ARROW = " \u2192 "
NEAR = 0.04
Columns = dict[str, np.ndarray]
Marks = Iterable[tuple[int, str]]


def term_trace(party: str, term: str, position: int, columns: Columns | None = None) -> go.Scatter:
    """A loss term, named ``student soft``; its colour says which term it is, its dash whose."""
    line = theme.line(party) | {"color": theme.term_color(position), "width": 1.5}
    hover = f"step %{{x}}: %{{y:.4g}}<extra>{term_name(party, term)}</extra>"
    look = {"mode": "lines", "line": line, "connectgaps": True, "hovertemplate": hover}
    return go.Scatter(**columns or points(None), name=term_name(party, term), **look)


def term_name(party: str, term: str) -> str:
    """The name of its trace."""
    return f"{label(party)} {label(term)}"


def score_trace(party: str, curve: Curve | None = None) -> go.Scatter:
    """The validation score of a party, named as the party is; a mark at each epoch."""
    return go.Scatter(
        **points(curve),
        name=label(party),
        mode="lines" if party == "teacher" else "lines+markers",
        line=theme.line(party),
        marker=theme.marker(party, 4),
        hovertemplate=f"step %{{x}}: %{{y:.2f}}<extra>{label(party)}</extra>",
    )


def agreement_trace(curve: Curve | None = None) -> go.Scatter:
    """The share of validation samples on which student and teacher pick the same class, over steps."""
    return go.Scatter(
        **points(curve),
        name="agreement",
        mode="lines+markers",
        line=theme.line("agreement"),
        marker=theme.marker("agreement", 4),
        hovertemplate="step %{x}: %{y:.1%}<extra>agreement</extra>",
    )


def points(curve: Curve | None) -> Columns:
    """The columns of a curve: every k-th point where there are too many to see, and always the last."""
    if curve is None or not len(curve.steps):
        return {"x": np.zeros(0), "y": np.zeros(0)}
    rows = np.arange(len(curve.steps))[:: -max(1, -(-len(curve.steps) // MOST_POINTS))][::-1]
    return {"x": np.asarray(curve.steps)[rows], "y": np.asarray(curve.values, float)[rows]}


def term_points(curve: Curve, *, log_loss: bool) -> Columns:
    """The columns of a loss term; a logarithmic axis has no place for zero, as for labels in a batch without any."""
    columns = points(curve)
    return columns | {"y": np.where(columns["y"] > 0, columns["y"], np.nan)} if log_loss else columns


def level(value: float, last_step: int) -> Curve:
    """A constant from the first step to the last, empty if it is not known."""
    return Curve(*(np.array([a, b][: 2 * (value == value)]) for a, b in ((0, last_step), (value, value))))


def panels(titles: Sequence[str], heights: Sequence[float], height: int) -> go.Figure:
    """Stacked panels over one axis of steps, with a title for each vertical axis."""
    made = theme.canvas(height=height)
    make_subplots(
        rows=len(titles), cols=1, shared_xaxes=True, row_heights=list(heights), vertical_spacing=0.06, figure=made
    )
    for row, title in enumerate(titles, 1):
        made.update_yaxes(title_text=title, row=row, col=1)
    made.update_xaxes(title_text=STEP, row=len(titles), col=1)
    return made


def score_panels(score: str, height: int, above: str = "") -> go.Figure:
    """Panels for the validation score and the agreement, below a panel titled ``above`` if there is one."""
    titles, heights = [f"validation<br>{with_unit(score)}", "agreement<br>with teacher"], [0.62, 0.38]
    if above:
        titles, heights = [above, *titles], [0.44, 0.34, 0.22]
    made = panels(titles, heights, height)
    made.update_yaxes(tickformat=".0%", row=len(titles), col=1)
    return made


def mark(figure: go.Figure, marks: Marks, last_step: int) -> go.Figure:
    """A vertical line wherever a control was moved, with what it became; a slider that was dragged is named once."""
    marks = list(marks)
    for step, _ in marks:
        line = {"color": theme.LINE, "width": 1, "dash": "dot"}
        figure.add_shape(type="line", x0=step, x1=step, yref="paper", y0=0, y1=1, line=line)
    for step, text in _named(marks, NEAR * last_step):
        place = {"x": step, "yref": "paper", "y": 1, "xanchor": "left", "yanchor": "top", "textangle": -90}
        font = {"size": theme.SMALL, "color": theme.TEXT}
        figure.add_annotation(place, text=escaped(text), showarrow=False, font=font)
    return figure


def marks_of(changes: Iterable[Mapping[str, Any]]) -> list[tuple[int, str]]:
    """Steps and texts of the controls that were moved."""
    return [
        (change["step"], f"{change['name'].replace('_', ' ')}{ARROW}{short(change['value'])}") for change in changes
    ]


def _named(marks: list[tuple[int, str]], near: float) -> list[tuple[int, str]]:
    """One text, at the last line, for lines so close that theirs would overlap: the last value of each control."""
    named: list[tuple[int, str]] = []
    close: dict[str, str] = {}
    for (step, text), after in zip(marks, [*(later for later, _ in marks[1:]), np.inf], strict=False):
        close[text.partition(ARROW)[0]] = text
        if after - step > near:
            named.append((step, ", ".join(close.values())))
            close = {}
    return named
