"""Which layers are alike: a map of every pair, for the student and, beside it, for a control student."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from workbench.diagnostics.representation.measure import Representation
from workbench.drawing import theme
from workbench.drawing.text import label, sentence
from workbench.records.interval import Interval, bounds
from workbench.records.wording import number

WRITTEN_UP_TO = 12
"""Layers per side beyond which the numbers no longer fit into their cells."""


def figure(result: Representation, measure: str = "cka") -> go.Figure:
    """The map of one measure; a frame marks the best teacher layer of each student layer.

    Args:
        result: the similarities.
        measure: one of its measures.
    """
    sides = [("student", False)] + [("control", True)] * result.has_control
    made = theme.canvas(height=150 + 44 * max(3, len(result.student_layers)), margin_t=40)
    make_subplots(1, len(sides), shared_yaxes=True, horizontal_spacing=0.06, figure=made)
    for column, (side, control) in enumerate(sides, 1):
        made.add_trace(_map(result, measure, side, control=control), row=1, col=column)
        made.update_xaxes(title_text="teacher's layer", row=1, col=column)
        title = f"{sentence(measure)}: {side}'s layers"
        place = {
            "x": 0,
            "xref": f"x{column if column > 1 else ''} domain",
            "y": 1,
            "yref": "paper",
            "yanchor": "bottom",
        }
        made.add_annotation(place, text=title, xanchor="left", yshift=6, showarrow=False, font={"size": theme.SIZE})
    made.update_yaxes(autorange="reversed", type="category")
    made.update_xaxes(type="category")
    made.update_yaxes(title_text="student's layer", row=1, col=1)
    for i, j in _best(result, measure):
        frame = {"x0": j - 0.5, "x1": j + 0.5, "y0": i - 0.5, "y1": i + 0.5}
        made.add_shape(type="rect", **frame, line={"color": theme.STUDENT.color, "width": 2}, row=1, col=1)
    return made


def _map(result: Representation, measure: str, side: str, *, control: bool) -> go.Heatmap:
    values = result.of(measure, control=control)
    few = max(values.shape) <= WRITTEN_UP_TO
    written = np.where(np.isfinite(values), np.round(values, 2).astype(str), "") if few else None
    text = {"texttemplate": "%{text}", "textfont": {"size": theme.SMALL, "color": theme.DARK_TEXT}} if few else {}
    return go.Heatmap(
        z=values,
        x=[label(name) for name in result.teacher_layers],
        y=[label(name) for name in result.student_layers],
        zmin=0,
        zmax=1,
        colorscale=theme.SEQUENTIAL,
        showscale=not few and not control,
        text=written,
        customdata=[
            [{"text": text, "pair": [i, j]} for j, text in enumerate(row)]
            for i, row in enumerate(_said(result, measure, control=control))
        ],
        hovertemplate=f"{side} %{{y}}, teacher %{{x}}: %{{z:.3f}}%{{customdata.text}}<extra></extra>",
        name=side,
        xgap=1,
        ygap=1,
        **text,
    )


def _said(result: Representation, measure: str, *, control: bool) -> list[list[str]]:
    """Interval and p value, which cka alone has."""
    if measure != "cka" or control:
        return [[""] * len(result.teacher_layers) for _ in result.student_layers]
    cells = [
        [
            f" ({bounds(Interval(np.nan, low, high, result.n, 't'))}), p {number(p)}"
            for low, high, p in zip(*row, strict=True)
        ]
        for row in zip(result.low, result.high, result.p_values, strict=True)
    ]
    return cells


def _best(result: Representation, measure: str) -> list[tuple[int, int]]:
    values = result.of(measure)
    return [(i, int(np.nanargmax(row))) for i, row in enumerate(values) if np.isfinite(row).any()]
