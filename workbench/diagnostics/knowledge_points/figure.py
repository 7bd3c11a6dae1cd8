"""Knowledge points: how many each net has on and beside the object, and where they lie in one picture."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from workbench.diagnostics.knowledge_points.measure import KnowledgePoints
from workbench.drawing import theme
from workbench.drawing.text import label
from workbench.records.interval import Interval
from workbench.records.wording import plural

KINDS = {"on_object": ("on the object", "student"), "beside": ("beside it", "control")}


def figure(result: KnowledgePoints, *, image: int = 0) -> go.Figure:
    """Counts above; below one picture, and for each net the noise its cells bear, with its points framed.

    Args:
        result: the points.
        image: row of the picture that is shown.
    """
    count = len(result.nets)
    specs = [[{"colspan": count + 1}, *[None] * count], [{}] * (count + 1)]
    made = theme.canvas(height=600, margin_t=24, barmode="group")
    make_subplots(2, count + 1, specs=specs, row_heights=[0.5, 0.5], vertical_spacing=0.24, figure=made)
    names = [label(net) for net in result.nets]
    for field, (name, party) in KINDS.items():
        made.add_trace(_bars(names, getattr(result, field), name, party), row=1, col=1)
    made.update_xaxes(title_text=f"net (mean over {plural(result.n, 'image')})", row=1, col=1)
    made.update_yaxes(title_text="knowledge points", rangemode="tozero", row=1, col=1)
    made.add_trace(_picture(result, image), row=2, col=1)
    for column, net in enumerate(names, 2):
        made.add_traces(_map(result, column - 2, image), [2] * 2, [column] * 2)
        made.update_xaxes(title_text=net, row=2, col=column)
    made.update_xaxes(title_text=f"image {result.ids[image]}", row=2, col=1)
    for column in range(1, count + 2):
        made.update_xaxes(showticklabels=True, tickvals=[], showgrid=False, zeroline=False, row=2, col=column)
        axis = f"x{column + 1}"
        made.update_yaxes(
            autorange="reversed",
            showticklabels=False,
            ticks="",
            showgrid=False,
            zeroline=False,
            scaleanchor=axis,
            constrain="domain",
            row=2,
            col=column,
        )
    return made


def _bars(names: list[str], intervals: tuple[Interval, ...], name: str, party: str) -> go.Bar:
    mean, low, high = (np.array([getattr(each, part) for each in intervals]) for part in ("mean", "low", "high"))
    return go.Bar(
        x=names,
        y=mean,
        name=name,
        marker={"color": theme.style(party).color},
        error_y={"type": "data", "array": high - mean, "arrayminus": mean - low, "color": theme.TEXT},
        hovertemplate=f"%{{x}}: %{{y:.1f}} points {name}<extra></extra>",
    )


def _picture(result: KnowledgePoints, image: int) -> go.Heatmap:
    return go.Heatmap(
        z=result.images[image].mean(0),
        colorscale=theme.GREYS,
        showscale=False,
        name="image",
        hovertemplate="%{z:.2f}<extra></extra>",
    )


def _map(result: KnowledgePoints, net: int, image: int) -> list[go.Heatmap | go.Scatter]:
    values = result.entropy[net, image]
    rows, columns = np.nonzero(result.points[net, image])
    mark = {"symbol": "circle", "size": 5, "color": theme.DARK_TEXT}
    name = label(result.nets[net])
    return [
        go.Heatmap(
            z=values,
            colorscale=theme.SEQUENTIAL,
            reversescale=True,
            showscale=False,
            name=name,
            hovertemplate=f"{name}: noise of %{{z:.2f}} nats<extra></extra>",
        ),
        go.Scatter(
            x=columns,
            y=rows,
            mode="markers",
            name="knowledge point",
            marker=mark,
            hoverinfo="skip",
            showlegend=net == 0,
        ),
    ]
