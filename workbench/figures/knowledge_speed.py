"""When images are learnt: points on the object over the way the weights have gone."""

from __future__ import annotations

import plotly.graph_objects as go

from workbench.diagnostics.knowledge.knowledge_speed import KnowledgeSpeed
from workbench.figures import theme


def figure(result: KnowledgeSpeed) -> go.Figure:
    """The mean number of points at every checkpoint, and where each image had most."""
    made = theme.canvas(height=340)
    made.add_trace(
        go.Scatter(
            x=result.path,
            y=result.on_object.mean(1),
            mode="lines+markers",
            name="mean over images",
            line=theme.line("student"),
            marker=theme.marker("student"),
            hovertemplate="path %{x:.3g}: %{y:.1f} points<extra></extra>",
        )
    )
    made.add_trace(
        go.Scatter(
            x=result.peak,
            y=result.on_object.max(0),
            mode="markers",
            name="most of an image, and when",
            marker=theme.marker("control") | {"opacity": 0.6},
            hovertemplate="path %{x:.3g}: %{y} points<extra></extra>",
        )
    )
    made.add_vline(x=result.d_mean, line={"color": theme.LINE, "width": 1, "dash": "dot"})
    made.update_xaxes(title_text="way of the weights, relative to where they began (dotted: mean of the peaks)")
    return made.update_yaxes(title_text="points on the object", rangemode="tozero")
