"""What a transfer set covers: every pair of features, one pair cell by cell, how it fills up, and what agreement does."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from workbench.diagnostics.coverage.measure import Coverage
from workbench.drawing import theme
from workbench.drawing.text import label
from workbench.records.interval import bounds
from workbench.records.wording import percent, plural

NAMED_UP_TO = 12
TITLES = ("cells reached, by pair of features", "agreement by cell (x: not reached)")
THIRDS = ("least", "middle", "most")


def figure(result: Coverage, *, pair: tuple[int, int] = (0, 1), massed: bool = True) -> go.Figure:
    """Four panels.

    Args:
        result: the coverage.
        pair: positions of the two features that are shown cell by cell.
        massed: count only cells that hold an evaluated sample.
    """
    made = theme.canvas(height=720, margin_t=46, showlegend=False)
    gaps = {"horizontal_spacing": 0.2, "vertical_spacing": 0.2}
    make_subplots(2, 2, row_heights=[0.62, 0.38], **gaps, figure=made)
    made.add_trace(_pairs(result, massed=massed), row=1, col=1)
    made.add_traces(_cells(result, pair), [1, 1], [2, 2])
    made.add_trace(_filling(result), row=2, col=1)
    made.add_trace(_thirds(result), row=2, col=2)
    _axes(made, result, pair)
    for column, title in enumerate(TITLES, 1):
        place = {
            "x": 0,
            "xref": f"x{column if column > 1 else ''} domain",
            "y": 1,
            "yref": "paper",
            "yanchor": "bottom",
        }
        made.add_annotation(place, text=title, xanchor="left", yshift=6, showarrow=False, font={"size": theme.SMALL})
    return made


def _pairs(result: Coverage, *, massed: bool) -> go.Heatmap:
    values = (result.per_pair_massed if massed else result.per_pair).copy()
    np.fill_diagonal(values, np.nan)
    names = [label(name) for name in result.features]
    return go.Heatmap(
        z=values,
        zmin=0,
        zmax=1,
        colorscale=theme.SEQUENTIAL,
        showscale=False,
        name="pairs",
        customdata=[
            [{"text": f"{first} and {second}", "pair": [i, j]} for j, second in enumerate(names)]
            for i, first in enumerate(names)
        ],
        hovertemplate="%{customdata.text}: %{z:.0%} of the cells reached<extra></extra>",
        hoverongaps=False,
        xgap=1,
        ygap=1,
    )


def _cells(result: Coverage, pair: tuple[int, int]) -> list[go.Heatmap | go.Scatter]:
    reached, samples, agreeing = result.pair(*pair)
    share = np.divide(agreeing, samples, out=np.full(samples.shape, np.nan), where=samples > 0)
    places = [[{"cell": [row, column]} for column in range(result.bins)] for row in range(result.bins)]
    counted = [
        [place | {"samples": int(n), "reached": int(r)} for place, n, r in zip(*line, strict=True)]
        for line in zip(places, samples, reached, strict=True)
    ]
    cells = go.Heatmap(
        z=share,
        zmin=min(0.9, float(np.nanmin(share))),
        zmax=1,
        colorscale=theme.SEQUENTIAL,
        reversescale=True,
        showscale=False,
        name="cells",
        customdata=counted,
        hovertemplate="%{customdata.samples} samples, %{customdata.reached} transfer inputs: agreement %{z:.0%}<extra></extra>",
        hoverongaps=False,
        xgap=1,
        ygap=1,
    )
    rows, columns = np.nonzero(reached < result.threshold)
    mark = {"symbol": "x-thin", "size": 7, "line": {"color": theme.TEXT, "width": 1}}
    empty = [places[row][column] for row, column in zip(rows, columns, strict=True)]
    holes = go.Scatter(
        x=columns, y=rows, mode="markers", name="not reached", hoverinfo="skip", marker=mark, customdata=empty
    )
    return [cells, holes]


def _filling(result: Coverage) -> go.Scatter:
    return go.Scatter(
        x=result.cumulative[:, 0],
        y=result.cumulative[:, 1],
        mode="lines+markers",
        name="coverage",
        line=theme.line("student"),
        marker=theme.marker("student", 4),
        hovertemplate="%{x:,} transfer inputs: %{y:.1%}<extra></extra>",
    )


def _thirds(result: Coverage) -> go.Scatter:
    found = result.agreement_by_seen
    mean, low, high = (np.array([getattr(each, part) for each in found]) for part in ("mean", "low", "high"))
    bars = {"type": "data", "array": high - mean, "arrayminus": mean - low, "color": theme.AGREEMENT.color, "width": 6}
    return go.Scatter(
        x=THIRDS,
        y=mean,
        error_y=bars,
        mode="markers+lines",
        name="agreement",
        line=theme.line("agreement"),
        marker=theme.marker("agreement"),
        customdata=[f"{plural(each.n, 'sample')}, {bounds(each, percent)}" for each in found],
        hovertemplate="%{y:.1%} (%{customdata})<extra></extra>",
    )


def _axes(made: go.Figure, result: Coverage, pair: tuple[int, int]) -> None:
    first, second = (label(result.features[position], 18) for position in pair)
    count = len(result.features)
    ticks = {"tickvals": list(range(count)), "ticktext": [label(name, 12) for name in result.features]}
    named = ticks if count <= NAMED_UP_TO else {}
    made.update_xaxes(title_text="feature", constrain="domain", row=1, col=1, **named)
    made.update_yaxes(autorange="reversed", row=1, col=1, **named)
    bins = {"tickvals": list(range(result.bins)), "ticktext": [str(k + 1) for k in range(result.bins)]}
    made.update_xaxes(title_text=f"bin of {second}", row=1, col=2, **bins)
    made.update_yaxes(title_text=f"bin of {first}", row=1, col=2, **bins)
    made.update_xaxes(title_text="transfer inputs", row=2, col=1, **theme.LOG_AXIS)
    made.update_yaxes(title_text="cells reached", tickformat=".0%", rangemode="tozero", row=2, col=1)
    made.update_xaxes(title_text="seen of a sample, by thirds", row=2, col=2)
    made.update_yaxes(title_text="agreement", tickformat=".0%", row=2, col=2)
