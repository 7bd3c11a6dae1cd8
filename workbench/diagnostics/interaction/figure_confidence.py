"""How confident models are, against how many features they use on a sample."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from workbench.diagnostics.interaction.figure_style import canvas, styles
from workbench.diagnostics.interaction.measure import Interaction
from workbench.drawing.text import label

MOST = 4000


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
