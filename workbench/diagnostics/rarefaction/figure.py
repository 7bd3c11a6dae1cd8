"""Features of smaller groups of models: a curve per group, between models that are all alike and models that are not."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from workbench.diagnostics.interaction.figure_style import canvas, styles
from workbench.diagnostics.rarefaction.measure import Rarefaction
from workbench.drawing import theme
from workbench.drawing.text import label
from workbench.records.interval import bounds
from workbench.records.wording import signed


def figure(result: Rarefaction) -> go.Figure:
    """Curves with their intervals, and for the reference what strangers and copies would give."""
    title = "How many features a group has, by its size"
    made = canvas(title, 380)
    for g, (name, style) in enumerate(zip(result.group_names, styles(result.group_names), strict=True)):
        known = np.isfinite(result.features[g])
        made.add_trace(_band(result, g, style.color))
        made.add_trace(_curve(result.sizes[known], result.features[g][known], label(name), style))
    reference = result.group_names.index(result.reference)
    start, last = result.features[reference][0], int(result.models[reference])
    name = label(result.reference)
    for slope, words in ((start, "if no two were alike"), (0.0, "if all were alike")):
        made.add_trace(_bound(last, start, slope, f"{name}, {words}"))
    made.update_xaxes(title_text="<br>".join(_split(result)), rangemode="tozero")
    return made.update_yaxes(title_text="features, mean over subsets", range=[0, 1.12 * np.nanmax(result.features)])


def _split(result: Rarefaction) -> list[str]:
    """What the axis is, then a line for each drop: how large it is, and by what."""
    head = f"; difference at {result.size} from {label(result.reference)}:" if result.drop else ""
    return [f"models in the group{head}"] + [
        f"{label(name)} {signed(-drop.mean)} ({bounds(drop.mirrored(), signed)}): {signed(-result.pruning[name].mean)} "
        f"by pruning, {signed(-result.consistency[name].mean)} by consistency"
        for name, drop in result.drop.items()
    ]


def _curve(sizes: np.ndarray, features: np.ndarray, name: str, style: theme.Style) -> go.Scatter:
    return go.Scatter(
        x=sizes,
        y=features,
        mode="lines+markers",
        name=name,
        line={"color": style.color, "dash": style.dash, "width": theme.WIDTH},
        marker={"color": style.color, "symbol": style.symbol, "size": theme.MARKER},
        hovertemplate=f"%{{x}} models: %{{y:.1f}} features<extra>{name}</extra>",
    )


def _band(result: Rarefaction, group: int, color: str) -> go.Scatter:
    known = np.isfinite(result.low[group])
    sizes, low, high = result.sizes[known], result.low[group][known], result.high[group][known]
    return go.Scatter(
        x=np.concatenate([sizes, sizes[::-1]]),
        y=np.concatenate([low, high[::-1]]),
        fill="toself",
        mode="lines",
        line={"color": color, "width": 0},
        opacity=0.2,
        hoverinfo="skip",
        showlegend=False,
    )


def _bound(last: int, start: float, slope: float, words: str) -> go.Scatter:
    return go.Scatter(
        x=[1, last],
        y=[start, start + slope * (last - 1)],
        mode="lines",
        line={"color": theme.LINE, "width": 1, "dash": "dot"},
        hovertemplate=f"{words}: %{{y:.1f}}<extra></extra>",
        name=words,
        showlegend=False,
    )
