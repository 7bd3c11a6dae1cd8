"""Our scores with their intervals, and the published ones with what else was seen of them, in the order of ours."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from workbench.diagnostics.ranking.measure import Ranking
from workbench.drawing import theme
from workbench.drawing.dots import error_bars
from workbench.drawing.text import label, with_unit
from workbench.records.interval import estimate
from workbench.records.wording import number, percent

ROW, REST = 34, 156
PUBLISHED = theme.TERMS[1]
RANKS = "rank: ours<br>/ published"


def figure(result: Ranking) -> go.Figure:
    """Two panels with the same rows: were the orders the same, the dots would fall alike from top right to bottom left."""
    made = theme.canvas(height=REST + ROW * result.n, margin_t=66, margin_r=84, title_pad_t=36)
    make_subplots(1, 2, shared_yaxes=True, horizontal_spacing=0.06, figure=made)
    made.add_traces([_ours(result), *_published(result)], [1] * 4, [1, 2, 2, 2])
    rows, ends = list(range(result.n)), [result.n - 0.5, -0.5]
    axis = {"tickvals": rows, "range": ends, "showgrid": True, "zeroline": False}
    made.update_yaxes(ticktext=[label(name, 20) for name in result.methods], row=1, col=1, **axis)
    made.update_yaxes(row=1, col=2, **axis)
    made.update_xaxes(title_text=f"ours: {with_unit(result.score)}", row=1, col=1, zeroline=False, nticks=5)
    made.update_xaxes(title_text=f"published: {label(result.column or 'scores', 16)}", row=1, col=2, nticks=5)
    at_the_edge(made, RANKS, [_ranks(result, row) for row in rows])
    made.update_layout(title_text=_title(result))
    return made


def _title(result: Ranking) -> str:
    found = result.kendall
    if np.isnan(found.mean):
        return "one side has ties only"
    return f"Kendall's tau-b {estimate(found)}; random orders: {percent(result.chance)}"


def _ours(result: Ranking) -> go.Scatter:
    return go.Scatter(
        x=result.ours,
        y=list(range(result.n)),
        mode="markers",
        name="ours, middle 95 % over seeds",
        marker=theme.marker("student", 9),
        error_x=error_bars(result.ours, result.ours_low, result.ours_high),
        customdata=[label(name) for name in result.methods],
        hovertemplate="%{customdata}: %{x:.2f}<extra></extra>",
    )


def _published(result: Ranking) -> list[go.Scatter]:
    """Checked scores, those from memory, and the ranges in which a method was seen."""
    known, rows = ~np.isnan(result.published_low), np.arange(result.n)
    ends = [end for k in rows[known] for end in (result.published_low[k], result.published_high[k], None)]
    ranges = go.Scatter(
        x=ends,
        y=[place for k in rows[known] for place in (k, k, None)],
        mode="lines",
        name="everything that was seen",
        line={"color": theme.GRID, "width": 12},
        hovertemplate="seen: %{x:.2f}<extra></extra>",
    )
    return [ranges, _marks(result, from_memory=False), _marks(result, from_memory=True)]


def _marks(result: Ranking, *, from_memory: bool) -> go.Scatter:
    rows = np.flatnonzero(result.from_memory == from_memory)
    look = {"symbol": "diamond-open" if from_memory else "diamond", "size": 9, "color": PUBLISHED}
    return go.Scatter(
        x=result.published[rows],
        y=rows,
        mode="markers",
        name="published, from memory" if from_memory else "published",
        showlegend=bool(len(rows)),
        marker=look,
        customdata=[label(result.methods[k]) for k in rows],
        hovertemplate="%{customdata}: %{x:.2f}<extra></extra>",
    )


def at_the_edge(made: go.Figure, head: str, texts: Sequence[str]) -> None:
    """A text at the right edge of every row, and below them what they mean."""
    place = {"xref": "paper", "x": 1.0, "xanchor": "left", "xshift": 8, "showarrow": False, "align": "left"}
    small = {"size": theme.SMALL, "color": theme.TEXT}
    made.add_annotation(yref="paper", y=0, yanchor="top", yshift=-4, text=head, font=small, **place)
    for row, text in enumerate(texts):
        made.add_annotation(y=row, yref="y", text=text, font=small, **place)


def _ranks(result: Ranking, row: int) -> str:
    low, high = result.our_ranks_low[row], result.our_ranks_high[row]
    around = "" if np.isnan(low) or low == high else f" ({low:g}\u2013{high:g})"
    return f"{number(result.our_ranks[row])}{around} / {number(result.published_ranks[row])}"
