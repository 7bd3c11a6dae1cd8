"""Reliability diagrams laid over each other, and how many samples stand behind every point."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from workbench.diagnostics.calibration.measure import Calibration
from workbench.drawing import theme
from workbench.drawing.dots import standing
from workbench.drawing.text import label
from workbench.records.wording import between, number


def figure(result: Calibration) -> go.Figure:
    """Share of hits over mean confidence, a line per model; on the diagonal a model is as often right as it says."""
    made = theme.canvas(height=540, margin_t=16, barmode="group")
    make_subplots(2, 1, row_heights=[0.74, 0.26], vertical_spacing=0.14, figure=made)
    made.add_trace(_diagonal(), 1, 1)
    for row, model in enumerate(result.models):
        made.add_trace(_line(result, row, model), 1, 1)
        made.add_trace(_samples(result, row, model), 2, 1)
    share = {"range": [-0.02, 1.02], "tickformat": ".0%"}
    made.update_xaxes(title_text="confidence (mean of the bin)", row=1, col=1, **share)
    made.update_yaxes(title_text="share of hits", row=1, col=1, **share)
    made.update_xaxes(title_text=f"confidence, {result.bins} bins", row=2, col=1, **share)
    made.update_yaxes(title_text="samples", row=2, col=1, nticks=4)
    return made


def _line(result: Calibration, row: int, model: str) -> go.Scatter:
    used = np.flatnonzero(result.counts[row] > 0)
    ece, null = result.ece[model], result.null[model]
    name = f"{label(model, 18)}: ECE {number(ece.mean)} (calibrated: {between(null.low, null.high)})"
    table = [values[row][used] for values in (result.shares, result.lows, result.highs)]
    line = theme.line(_party(model, row))
    return standing(result.means[row][used], table, name, theme.marker(_party(model, row)), lines=True, line=line)


def _samples(result: Calibration, row: int, model: str) -> go.Bar:
    edges = np.linspace(0, 1, result.bins + 1)
    return go.Bar(
        x=(edges[1:] + edges[:-1]) / 2,
        y=result.counts[row],
        marker_color=theme.style(_party(model, row)).color,
        name=label(model, 18),
        showlegend=False,
        hovertemplate=f"%{{y:,}} samples<extra>{label(model, 18)}</extra>",
    )


def _diagonal() -> go.Scatter:
    line = {"color": theme.LINE, "width": 1, "dash": "dot"}
    return go.Scatter(x=[0, 1], y=[0, 1], mode="lines", line=line, name="diagonal", showlegend=False, hoverinfo="skip")


def _party(model: str, row: int) -> str:
    return model if model in theme.PARTIES else ("student", "control", "agreement", "other")[row % 4]
