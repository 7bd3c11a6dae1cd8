"""When images are learnt: points on the object over the way the weights have gone."""

from __future__ import annotations

import plotly.graph_objects as go

from workbench.diagnostics.knowledge_speed.measure import KnowledgeSpeed
from workbench.drawing import theme
from workbench.drawing.dots import standing
from workbench.drawing.text import label


def figure(result: KnowledgeSpeed) -> go.Figure:
    """The mean number of points at every checkpoint with its interval, and where each image had most."""
    made = theme.canvas(height=340)
    table = [[getattr(each, part) for each in result.course] for part in ("mean", "low", "high")]
    made.add_trace(
        standing(
            result.path, table, "mean over images", theme.marker("student"), lines=True, line=theme.line("student")
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
    made.add_vline(x=result.d_mean.mean, line={"color": theme.LINE, "width": 1, "dash": "dot"})
    made.update_xaxes(
        title_text=f"way of the weights of {label(result.layer)}, relative to their start (dotted: mean peak)"
    )
    return made.update_yaxes(title_text="points on the object", rangemode="tozero")
