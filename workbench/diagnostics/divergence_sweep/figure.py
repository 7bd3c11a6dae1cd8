"""Divergence against the excess of the student's gap: a dot per point and seed, and the line the bound draws."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import numpy as np
import plotly.graph_objects as go

from workbench.diagnostics.divergence.figure_note import ROOM, note
from workbench.diagnostics.divergence_sweep.measure import DivergenceSweep
from workbench.drawing import theme
from workbench.drawing.text import escaped, label, sentence
from workbench.records.interval import estimate
from workbench.records.wording import number, percent

CURVE = 100


Across = Literal["divergence", "points"]
Color = Literal["factor", "seed"]


class _Group(NamedTuple):
    """Marks of one colour: a name, rows (seeds) and columns (points)."""

    name: str
    rows: list[int]
    columns: list[int]


def figure(result: DivergenceSweep, across: Across = "divergence", color: Color = "factor") -> go.Figure:
    """Colours and marks say what is varied; large marks are means over seeds.

    Args:
        result: of a sweep.
        across: the horizontal axis: the divergence, with the line of the bound, or the points one after another.
        color: what a colour means: the factor that is varied, or the seed.
    """
    gap = f"student's gap minus teacher's ({escaped(result.loss)})"
    words = f"divergence K in nats, as {escaped(result.estimator)} estimates it"
    axis = {"title": {"text": words}, "zeroline": False, "rangemode": "tozero"}
    if across == "points":
        places = {"tickvals": list(range(len(result.points))), "ticktext": [label(name) for name in result.points]}
        axis = {"title": {"text": "point of the sweep"}, "zeroline": False, **places}
    axes = {
        "xaxis": axis,
        "yaxis": {"title": {"text": gap}, "range": _range(result)},
        "annotations": [_correlation(result)],
    }
    made = theme.canvas(height=460, margin_t=ROOM + 38, **axes)
    if across == "divergence":
        made.add_trace(_bound(result))
    for position, group in enumerate(_groups(result, color)):
        made.add_traces(_points(result, group, position, across))
    return note(made, result.provenance)


def _groups(result: DivergenceSweep, color: Color) -> list[_Group]:
    seeds, points = list(range(len(result.seeds))), list(range(len(result.points)))
    if color == "seed":
        return [_Group(f"seed {seed}", [row], points) for row, seed in enumerate(result.seeds)]
    names = dict.fromkeys(result.factors)
    return [_Group(sentence(n) or "points", seeds, [k for k in points if result.factors[k] == n]) for n in names]


def _range(result: DivergenceSweep) -> list[float]:
    """That of the points: the bound may be far above them all."""
    low, high = float(result.differences.min()), float(result.differences.max())
    room = 0.12 * (high - low) or 0.1
    return [min(low, 0.0) - room, max(high, 0.0) + room]


def _correlation(result: DivergenceSweep) -> dict[str, object]:
    place = {
        "xref": "paper",
        "yref": "paper",
        "x": 0,
        "y": 1,
        "xanchor": "left",
        "yanchor": "bottom",
        "showarrow": False,
        "align": "left",
    }
    text = f"rank correlation {estimate(result.spearman)}; {percent(result.within)} within the bound"
    if result.vacuous:
        text += f",<br>which is <b>VACUOUS</b> at {percent(result.vacuous)}"
    return {**place, "text": text, "font": {"size": theme.SIZE, "color": theme.TEXT}}


def _bound(result: DivergenceSweep) -> go.Scatter:
    reach = np.linspace(0, float(result.divergences.max()) * 1.05 or 1.0, CURVE)
    return go.Scatter(
        x=reach,
        y=np.sqrt(2 * reach),
        mode="lines",
        name="bound \u221a(2\u03c3\u00b2K), were K the estimate",
        line=theme.line("other"),
        hovertemplate="K %{x:.3g}: at most %{y:.3g}<extra>bound</extra>",
    )


def _points(result: DivergenceSweep, group: _Group, position: int, across: Across) -> list[go.Scatter]:
    names = [label(result.points[k]) for k in group.columns]
    color, symbol = theme.class_color(position), theme.SYMBOLS[position % len(theme.SYMBOLS)]
    k, gaps = (each[np.ix_(group.rows, group.columns)] for each in (result.divergences, result.differences))
    small = {"color": color, "symbol": symbol, "size": 5, "opacity": 0.45}
    large = {"color": color, "symbol": symbol, "size": 11, "line": {"width": 1, "color": theme.LINE}}
    x = np.broadcast_to(group.columns, k.shape) if across == "points" else k
    means = _marks((x.mean(0), k.mean(0), gaps.mean(0)), names, name=group.name, marker=large)
    if len(group.rows) == 1:
        return [means]
    return [_marks((x, k, gaps), names * len(k), marker=small, showlegend=False), means]


def _marks(values: tuple[np.ndarray, ...], names: list[str], **look: Any) -> go.Scatter:
    x, k, gaps = (each.ravel() for each in values)
    return go.Scatter(
        x=x,
        y=gaps,
        mode="markers",
        customdata=[[name, number(each)] for name, each in zip(names, k, strict=True)],
        hovertemplate="%{customdata[0]}: K %{customdata[1]}, difference %{y:.3g}<extra></extra>",
        **look,
    )
