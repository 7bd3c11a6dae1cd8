"""Divergence against the excess of the student's gap: a dot per point and seed, and the line the bound draws."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from workbench.diagnostics.divergence.divergence_sweep import DivergenceSweep
from workbench.figures import theme
from workbench.figures.divergence_note import ROOM, note
from workbench.figures.text import escaped, label, sentence

CURVE = 100


def figure(result: DivergenceSweep) -> go.Figure:
    """Colours and marks say what is varied; large marks are means over seeds."""
    gap = f"student's gap minus teacher's ({escaped(result.loss)})"
    axes = {
        "xaxis": {
            "title": {"text": "divergence of the probabilities in nats"},
            "zeroline": False,
            "rangemode": "tozero",
        },
        "yaxis": {"title": {"text": gap}, "range": _range(result)},
        "annotations": [_correlation(result)],
    }
    made = theme.canvas(height=460, margin_t=ROOM + 22, **axes)
    made.add_trace(_bound(result))
    for position, factor in enumerate(dict.fromkeys(result.factors)):
        made.add_traces(_points(result, factor, position))
    return note(made, result.provenance)


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
    }
    text = f"rank correlation {escaped(result.spearman)}; {result.within:.0%} within the bound"
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


def _points(result: DivergenceSweep, factor: str, position: int) -> list[go.Scatter]:
    chosen = [k for k, each in enumerate(result.factors) if each == factor]
    names = [label(result.points[k]) for k in chosen]
    color, symbol = theme.class_color(position), theme.SYMBOLS[position % len(theme.SYMBOLS)]
    words = "%{customdata}: K %{x:.3g}, difference %{y:.3g}<extra></extra>"
    k, gaps = result.divergences[:, chosen], result.differences[:, chosen]
    small = {"color": color, "symbol": symbol, "size": 5, "opacity": 0.45}
    large = {"color": color, "symbol": symbol, "size": 11, "line": {"width": 1, "color": theme.LINE}}
    return [
        go.Scatter(
            x=k.ravel(),
            y=gaps.ravel(),
            mode="markers",
            marker=small,
            showlegend=False,
            customdata=names * len(k),
            hovertemplate=words,
        ),
        go.Scatter(
            x=k.mean(0),
            y=gaps.mean(0),
            mode="markers",
            name=sentence(factor) or "points",
            marker=large,
            customdata=names,
            hovertemplate=words,
        ),
    ]
