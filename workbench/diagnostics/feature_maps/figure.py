"""A feature of the interaction tensor in one model: what the features carry of a score, and where this one comes from."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from workbench.diagnostics.feature_maps.measure import FeatureMaps
from workbench.drawing import theme
from workbench.drawing.dots import lying
from workbench.drawing.text import label, sentence
from workbench.records.wording import plural

COLUMNS, MOST = 5, 12
ROW, PICTURES, PLACES, BETWEEN = 26, 300, 220, 70


def figure(result: FeatureMaps) -> go.Figure:
    """Relevance by feature, the largest first; below the samples that lie farthest along this one, with their maps."""
    images = result.maps.ndim == 3
    names = _shown(result)
    above, below = 90 + ROW * len(names), PICTURES if images else PLACES
    rows = 3 if images else 2
    part = [above, below / 2, below / 2] if images else [above, below]
    specs = [[{"colspan": COLUMNS}, *[None] * (COLUMNS - 1)], *[[{}] * COLUMNS for _ in range(2)]]
    specs = specs if images else [[{}], [{}]]
    height = above + below + BETWEEN * rows
    made = theme.canvas(f"{result.name} of {label(result.model)}", height, margin_l=110)
    gaps = {"horizontal_spacing": 0.03, "vertical_spacing": BETWEEN / height}
    make_subplots(rows, len(specs[0]), specs=specs, row_heights=part, **gaps, figure=made)
    places = np.arange(len(names), dtype=float)
    found = [result.relevance[name] for name in names]
    made.add_trace(lying(found, places, "relevance", "student", showlegend=False), row=1, col=1)
    made.add_vline(0, line={"color": theme.LINE, "width": 1}, row=1, col=1)
    made.update_xaxes(
        title_text=f"{sentence(result.plan['score'])} carried (mean of {plural(result.n, 'sample')})", row=1, col=1
    )
    bold = [f"<b>{name}</b>" if name == result.name else name for name in names]
    ticks = {"tickvals": places, "ticktext": bold, "range": [len(names) - 0.5, -0.5]}
    made.update_yaxes(zeroline=False, showgrid=False, **ticks, row=1, col=1)
    order = np.argsort(-result.along, kind="stable")
    _pictures(made, result, order[:COLUMNS]) if images else _places(made, result, order)
    return made


def _shown(result: FeatureMaps) -> list[str]:
    """The feature itself, and of the others those that carry most."""
    others = sorted(result.relevance, key=lambda name: -abs(result.relevance[name].mean))
    kept = {result.name, *[name for name in others if name != result.name][: MOST - 1]}
    return [name for name in others if name in kept]


def _pictures(made: go.Figure, result: FeatureMaps, rows: np.ndarray) -> None:
    for column, row in enumerate(rows, 1):
        image, shown = result.inputs[row].reshape(-1, *result.inputs.shape[-2:]).mean(0), result.maps[row]
        largest = float(np.abs(shown).max()) or 1.0
        grey = {"colorscale": theme.GREYS, "hovertemplate": "%{z:.3g}<extra></extra>"}
        signed = {
            "colorscale": theme.SIGNED,
            "zmin": -largest,
            "zmax": largest,
            "hovertemplate": "%{z:.3g}<extra>map</extra>",
        }
        for line, (values, look) in enumerate(((image, grey), (shown, signed)), 2):
            made.add_trace(go.Heatmap(z=values, showscale=False, **look), row=line, col=column)
            blank = {"showticklabels": False, "ticks": "", "showgrid": False, "zeroline": False, "constrain": "domain"}
            name = label(result.class_names[result.labels[row]], 14)
            made.update_xaxes(title_text=name if line == 3 else "", row=line, col=column, **blank)
            axis = made.get_subplot(line, column).xaxis.plotly_name.replace("xaxis", "x")
            made.update_yaxes(autorange="reversed", scaleanchor=axis, row=line, col=column, **blank)
    made.update_yaxes(title_text="sample", row=2, col=1).update_yaxes(title_text="map", row=3, col=1)


def _places(made: go.Figure, result: FeatureMaps, order: np.ndarray) -> None:
    """A line per sample, those farthest along the feature on top."""
    flat = result.maps.reshape(result.n, -1)[order]
    largest = float(np.abs(flat).max()) or 1.0
    look = {"colorscale": theme.SIGNED, "zmin": -largest, "zmax": largest, "showscale": False}
    made.add_trace(go.Heatmap(z=flat, hovertemplate="place %{x}: %{z:.3g}<extra></extra>", **look), row=2, col=1)
    made.update_xaxes(title_text="place or column of the input (orange: along the feature)", row=2, col=1)
    made.update_yaxes(title_text="samples", autorange="reversed", showticklabels=False, row=2, col=1)
