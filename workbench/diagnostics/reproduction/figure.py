"""Published gains beside what was seen when the same row was run again, as distances from plain KD of the column."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from workbench.diagnostics.ranking.figure import PUBLISHED, at_the_edge
from workbench.diagnostics.reproduction.measure import Reproduction
from workbench.drawing import theme
from workbench.drawing.text import label
from workbench.records.wording import number

ROW, REST = 34, 140
HEAD = "gain / spread<br>! gain is smaller"


def figure(result: Reproduction) -> go.Figure:
    """A row for each method and pair; a range that crosses the line of plain KD is a gain somebody did not find."""
    made = theme.canvas(height=REST + ROW * result.n, margin_t=24, margin_r=92)
    rows = np.arange(result.n)
    made.add_traces([_ranges(result, rows), _sightings(result), _published(result, rows), _students(result, rows)])
    names = [f"{label(m, 12)}, {label(c, 12)}" for m, c in zip(result.methods, result.columns, strict=True)]
    made.update_yaxes(tickvals=rows, ticktext=names, range=[result.n - 0.5, -0.5], zeroline=False)
    made.update_xaxes(title_text="points above plain KD of the same column", zeroline=False)
    made.add_vline(0, line={"color": theme.LINE, "width": 2}, layer="below")
    at_the_edge(made, HEAD, [_verdict(result, row) for row in rows])
    return made


def _ranges(result: Reproduction, rows: np.ndarray) -> go.Scatter:
    low, high = result.lowest - result.soft_targets, result.highest - result.soft_targets
    return go.Scatter(
        x=[end for k in rows for end in (low[k], high[k], None)],
        y=[place for k in rows for place in (k, k, None)],
        mode="lines",
        name="lowest to highest sighting",
        line={"color": theme.GRID, "width": 14},
        hoverinfo="skip",
    )


def _sightings(result: Reproduction) -> go.Scatter:
    rows = result.sighting_rows
    return go.Scatter(
        x=result.sightings - result.soft_targets[rows],
        y=rows,
        mode="markers",
        name="one sighting",
        marker={"color": theme.OTHER.color, "symbol": "circle-open", "size": 7, "line": {"width": 1.5}},
        customdata=[[label(by, 48), value] for by, value in zip(result.by, result.sightings, strict=True)],
        hovertemplate="%{customdata[1]:.2f}: %{customdata[0]}<extra></extra>",
    )


def _published(result: Reproduction, rows: np.ndarray) -> go.Scatter:
    told = zip(result.pairs, result.gains, result.spreads, result.neighbours, result.others, strict=True)
    return go.Scatter(
        x=result.published - result.soft_targets,
        y=rows,
        mode="markers",
        name="published",
        marker={"color": PUBLISHED, "symbol": "diamond", "size": 9},
        customdata=[[label(pair), gain, spread, near, of] for pair, gain, spread, near, of in told],
        hovertemplate=(
            "%{customdata[0]}<br>gain %{customdata[1]:.2f}, spread %{customdata[2]:.2f}<br>"
            "%{customdata[3]} of %{customdata[4]} other methods within it<extra></extra>"
        ),
    )


def _students(result: Reproduction, rows: np.ndarray) -> go.Scatter:
    return go.Scatter(
        x=result.students - result.soft_targets,
        y=rows,
        mode="markers",
        name="student without a teacher",
        marker=theme.marker("control", 8),
        hovertemplate="student without a teacher: %{x:.2f}<extra></extra>",
    )


def _verdict(result: Reproduction, row: int) -> str:
    larger = "" if result.gains[row] > result.spreads[row] else " !"
    return f"{number(result.gains[row])} / {number(result.spreads[row])}{larger}"
