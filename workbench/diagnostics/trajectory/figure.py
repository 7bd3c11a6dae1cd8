"""Nets on the plane of their first two principal components, over the loss there."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from workbench.diagnostics.trajectory.measure import Trajectory
from workbench.drawing import theme
from workbench.drawing.text import label
from workbench.records.wording import number, percent

LEVELS = 14


def figure(result: Trajectory) -> go.Figure:
    """A contour plot of the loss on the plane, and each net where it lies on it."""
    words = [
        f"principal direction {k + 1} ({percent(share)} of the variance)" for k, share in enumerate(result.explained)
    ]
    plain = {"zeroline": False, "showgrid": False}
    axes = {"xaxis": {"title": {"text": words[0]}, **plain}, "yaxis": {"title": {"text": words[1]}, **plain}}
    made = theme.canvas(height=480, **axes)
    made.add_traces([_surface(result), _nets(result)])
    return made


def _surface(result: Trajectory) -> go.Contour:
    return go.Contour(
        x=result.grid,
        y=result.grid,
        z=np.log10(np.where(result.surface > 0, result.surface, np.nan)),
        customdata=result.surface,
        colorscale=theme.SEQUENTIAL,
        ncontours=LEVELS,
        line={"width": 0.6, "color": theme.LINE},
        colorbar={"title": {"text": "log\u2081\u2080<br>loss", "side": "top"}, "thickness": 12, "outlinewidth": 0},
        name="loss",
        showlegend=False,
        hovertemplate="loss %{customdata:.3g}<extra>on the plane</extra>",
    )


def _nets(result: Trajectory) -> go.Scatter:
    """Of a path, the first and the last are larger and named; what lies off the plane is in the hover text."""
    names = [label(name) for name in result.points]
    ends = [k in (0, len(names) - 1) for k in range(len(names))]
    sizes = [12 if result.path and end else 7 for end in ends]
    words = zip(names, result.losses, result.off, strict=True)
    return go.Scatter(
        x=result.places[:, 0],
        y=result.places[:, 1],
        mode="lines+markers+text" if result.path else "markers+text",
        text=[name if end or not result.path else "" for name, end in zip(names, ends, strict=True)],
        textposition="top center",
        textfont={"color": theme.DARK_TEXT, "size": theme.SMALL},
        line={"color": theme.TEACHER.color, "width": 1.5},
        marker={"color": theme.TEACHER.color, "size": sizes},
        showlegend=False,
        customdata=[[name, number(loss), percent(off)] for name, loss, off in words],
        hovertemplate="%{customdata[0]}: own loss %{customdata[1]}, %{customdata[2]} off the plane<extra></extra>",
    )
