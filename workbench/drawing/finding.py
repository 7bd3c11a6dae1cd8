"""What came out of a claim: each quantity on a scale of its own, a dot per seed, the mean with its interval."""

from __future__ import annotations

import math
from collections.abc import Sequence

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from workbench.drawing import theme
from workbench.drawing.dots import interval_bars
from workbench.drawing.text import label, sentence
from workbench.records.finding import Finding
from workbench.records.interval import Interval

ROW, GAP, REST = 36, 62, 130  # pixels of a row, between two rows, and of title and legend
OUTCOMES = {"reproduced": "control", "not reproduced": "student", "inconclusive": "other"}


def figure(result: Finding) -> go.Figure:
    """One row per quantity; a thin line marks zero where the scale holds it."""
    count = max(len(result.numbers), 1)
    inner = ROW * count + GAP * (count - 1)
    made = theme.canvas(f"{label(result.name.replace('_', ' '), 48)}: {result.outcome}", height=REST + inner)
    make_subplots(count, 1, vertical_spacing=GAP / inner if count > 1 else 0, figure=made)
    for row, (name, interval) in enumerate(result.numbers.items(), start=1):
        values = result.per_seed.get(name, ())
        made.add_trace(_mean(name, interval, result.outcome, first=row == 1), row, 1)
        made.add_trace(_seeds(values, result.seeds, first=row == 1), row, 1)
        made.update_xaxes(title_text=sentence(name), range=_range(interval, values), row=row, col=1)
        made.add_vline(0, line={"color": theme.LINE, "width": 1}, layer="below", row=row, col=1)
    made.update_xaxes(showgrid=False, zeroline=False, nticks=6)
    made.update_yaxes(visible=False, range=[-1, 1])
    made.update_layout(margin={"l": 24, "b": 84, "t": 46})
    return made


def _mean(name: str, interval: Interval, outcome: str, *, first: bool) -> go.Scatter:
    style = theme.style(OUTCOMES[outcome])
    return go.Scatter(
        x=[interval.mean],
        y=[0.25],
        mode="markers",
        name="mean and 95 % interval",
        showlegend=first,
        marker={"color": style.color, "symbol": style.symbol, "size": 9},
        error_x=interval_bars([interval]),
        hovertemplate=f"{sentence(name)}: {interval}<extra></extra>",
    )


def _seeds(values: Sequence[float], seeds: Sequence[int], *, first: bool) -> go.Scatter:
    return go.Scatter(
        x=list(values),
        y=[-0.45] * len(values),
        mode="markers",
        name="one seed",
        showlegend=first,
        marker={"color": theme.LINE, "symbol": "circle-open", "size": 6, "line": {"width": 1.5}},
        customdata=[[seed] for seed in seeds[: len(values)]],
        hovertemplate="seed %{customdata[0]}: %{x:.4g}<extra></extra>",
    )


def _range(interval: Interval, values: Sequence[float]) -> list[float] | None:
    ends = [v for v in (interval.mean, interval.low, interval.high, *values) if math.isfinite(v)]
    if not ends:
        return None
    room = 0.08 * (max(ends) - min(ends)) or 0.1 * abs(ends[0]) or 1.0
    return [min(ends) - room, max(ends) + room]
