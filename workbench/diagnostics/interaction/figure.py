"""The interaction tensor: how often features are used, on which samples, by how confident models, and shared by whom."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from workbench.diagnostics.interaction.figure_network import network
from workbench.diagnostics.interaction.figure_samples import samples
from workbench.diagnostics.interaction.figure_style import canvas, styles
from workbench.diagnostics.interaction.measure import Interaction
from workbench.drawing import theme
from workbench.drawing.text import label
from workbench.records.wording import number, plural

View = Literal["frequency", "common", "per_sample", "samples", "confidence", "network"]

FEW, POINTS = 60, 1000

MOST = 4000


def figure(result: Interaction, view: View = "frequency") -> go.Figure:
    """One view of the tensor.

    Args:
        result: what to draw.
        view: ``frequency``, sorted over the features in use, beside the other construction; ``common``, the same for
            the features that all groups use; ``per_sample``, how many a group uses on each; ``samples``, which are used
            where; ``confidence``, against the number of features; ``network``, which models have which.

    Raises:
        ValueError: there is no such view.
    """
    views = {"per_sample": _per_sample, "samples": samples, "confidence": confidence, "network": network}
    if view in ("frequency", "common"):
        return _frequencies(result, common=view == "common")
    if view not in views:
        raise ValueError(f"no view {view!r}; there are frequency, common, {', '.join(views)}")
    return views[view](result)


def ranked(result: Interaction, group: int, *, common: bool = False) -> np.ndarray:
    """The features that a curve shows, in the order in which it shows them."""
    counts = result.frequency[group]
    shown = np.flatnonzero(result.common if common else counts > 0)
    return shown[np.argsort(-counts[shown], kind="stable")]


def _frequencies(result: Interaction, *, common: bool) -> go.Figure:
    both = len(result.other_frequency) > 0 and not common
    made = canvas("How many samples use each feature", 380)
    make_subplots(1, 1 + both, shared_yaxes=True, horizontal_spacing=0.04, figure=made)
    for g, (name, style) in enumerate(zip(result.group_names, styles(result.group_names), strict=True)):
        shown = ranked(result, g, common=common)
        features = [{"feature": int(feature)} for feature in shown]
        trace = _curve(result.frequency[g][shown], f"{label(name)} ({len(shown):,})", style)
        made.add_trace(trace.update(customdata=features), 1, 1)
        if both:
            other = result.other_frequency[g]
            words = f"{label(name)}, {result.other['mode']} form ({(other > 0).sum():,})"
            made.add_trace(_curve(other[other > 0], words, style, legend=False), 1, 2)
    words = f"common to all: {plural(int(result.common.sum()), 'feature')}" if common else _form(vars(result))
    made.update_xaxes(title_text=words, rangemode="tozero", row=1, col=1)
    if both:
        made.update_xaxes(title_text=_form(result.other), rangemode="tozero", row=1, col=2)
    made.update_yaxes(**theme.LOG_AXIS)
    return made.update_yaxes(title_text=f"samples of {result.n:,}", row=1, col=1)


def _form(of: Mapping[str, Any]) -> str:
    """What one construction found, from its numbers."""
    counts = ", ".join(f"{int(count):,}" for count in of["unique"])
    return f"{of['mode']}: {plural(of['features'], 'feature')} above {number(of['threshold'])}<br>in use by group: {counts}"


def _per_sample(result: Interaction) -> go.Figure:
    """The sample with the most features first; evenly spread places where there are many samples."""
    made = canvas("How many features a group uses on each sample", 380)
    kept = np.linspace(0, result.n - 1, min(result.n, POINTS)).astype(int)
    for counts, name, style in zip(result.per_sample, result.group_names, styles(result.group_names), strict=True):
        trace = _curve(np.sort(counts)[::-1][kept], f"{label(name)} (mean {number(counts.mean())})", style)
        hover = f"%{{x}}. sample: %{{y}} features<extra>{label(name)}</extra>"
        made.add_trace(trace.update(x=kept + 1, mode="lines", hovertemplate=hover))
    made.update_xaxes(title_text=f"{plural(result.n, 'sample')}, in the order of each group", rangemode="tozero")
    return made.update_yaxes(title_text="features in use, by union", rangemode="tozero")


def _curve(counts: np.ndarray, name: str, style: theme.Style, *, legend: bool = True) -> go.Scatter:
    """The most frequent feature first."""
    return go.Scatter(
        x=np.arange(1, len(counts) + 1),
        y=np.sort(counts)[::-1],
        mode="lines+markers" if len(counts) <= FEW else "lines",
        name=name,
        showlegend=legend,
        line={"color": style.color, "dash": style.dash, "width": theme.WIDTH},
        marker={"color": style.color, "symbol": style.symbol, "size": 5},
        hovertemplate=f"%{{x}}. feature: %{{y:,}} samples<extra>{name}</extra>",
    )


def confidence(result: Interaction) -> go.Figure:
    """Per group a density: mean probability of the true class, and features added up over the models, per model."""
    names = [g for g in range(len(result.group_names)) if np.isfinite(result.confidence[g]).all()]
    made = canvas("How sure the models are, by their features", 370, showlegend=False)
    make_subplots(1, max(len(names), 1), shared_yaxes=True, horizontal_spacing=0.04, figure=made)
    kept = np.linspace(0, result.n - 1, min(result.n, MOST)).astype(int)
    looks = styles(result.group_names)
    for column, g in enumerate(names, 1):
        counts = result.summed[g][kept] / len(result.members(g))
        made.add_traces(_density(result.confidence[g][kept], counts, looks[g].color), [1, 1], [column, column])
        made.update_xaxes(title_text=f"confidence, {label(result.group_names[g])}", range=[0, 1], row=1, col=column)
    if not names:
        made.update_xaxes(title_text="confidence is not known: labels or outputs are missing", showticklabels=False)
    most = max((result.summed[g].max() / len(result.members(g)) for g in names), default=1.0)
    made.update_yaxes(range=[-0.03 * most, 1.05 * most])
    return made.update_yaxes(title_text="features per sample and model", row=1, col=1)


def _density(x: np.ndarray, y: np.ndarray, color: str) -> list[go.BaseTraceType]:
    hover = "confidence %{x:.2f}, %{y:.2f} features<extra></extra>"
    lines = go.Histogram2dContour(
        x=x,
        y=y,
        contours={"coloring": "none", "showlabels": False},
        line={"color": color, "width": 1},
        ncontours=10,
        hoverinfo="skip",
        showscale=False,
        showlegend=False,
    )
    dots = go.Scattergl(
        x=x,
        y=y,
        mode="markers",
        marker={"color": color, "size": 3, "opacity": 0.35},
        showlegend=False,
        hovertemplate=hover,
    )
    return [dots, lines]
