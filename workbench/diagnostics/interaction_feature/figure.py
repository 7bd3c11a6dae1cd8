"""The card of one feature: who has it, of which classes its samples are, and what they look like."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from workbench.diagnostics.interaction.figure_style import styles
from workbench.diagnostics.interaction_feature.measure import InteractionFeature
from workbench.drawing import theme
from workbench.drawing.text import label
from workbench.records.wording import number, plural

COLUMNS = 6
MOST = 20


def figure(result: InteractionFeature) -> go.Figure:
    """Bars of owners and of classes; below, the strongest samples as pictures, or their strengths."""
    known = np.isfinite(result.class_information)
    about = f": {number(max(0.0, result.class_information))} nats about the class" if known else ""
    made = theme.canvas(f"Feature {result.feature}{about}", 520, showlegend=False)
    layout = [[{}, {}], [{"colspan": 2}, None]]
    make_subplots(2, 2, specs=layout, row_heights=[0.42, 0.58], vertical_spacing=0.16, figure=made)
    made.add_trace(_owners(result), 1, 1)
    made.add_trace(_classes(result), 1, 2)
    made.update_xaxes(title_text="group", tickfont_size=theme.SMALL, row=1, col=1)
    made.update_yaxes(title_text="share of models", tickformat=".0%", range=[0, 1.18], row=1, col=1)
    words = "class, times its usual share" if len(result.class_names) else "classes are not known"
    made.update_xaxes(title_text=words, type="category", row=1, col=2)
    made.update_yaxes(rangemode="tozero", row=1, col=2)
    return _pictures(made, result) if len(result.pictures) else _strengths(made, result)


def _owners(result: InteractionFeature) -> go.Bar:
    names = [label(name, 14) for name in result.group_names]
    return go.Bar(
        x=names,
        y=result.owners / result.models,
        name="models that have it",
        marker={"color": [style.color for style in styles(result.group_names)]},
        text=[f"{has} of {of}" for has, of in zip(result.owners, result.models, strict=True)],
        textposition="outside",
        customdata=result.frequency,
        hovertext=[_listed(result.owner_names[name]) for name in result.group_names],
        hovertemplate="%{x}: %{text} models, %{customdata:,} samples%{hovertext}<extra></extra>",
    )


def _listed(names: list[str]) -> str:
    more = [f"and {len(names) - MOST} more"] if len(names) > MOST else []
    return "".join(f"<br>{label(name)}" for name in names[:MOST] + more)


def _classes(result: InteractionFeature) -> go.Bar:
    order = np.argsort(-np.nan_to_num(result.lift), kind="stable")[:MOST]
    return go.Bar(
        x=[label(result.class_names[k], 10) for k in order],
        y=result.lift[order],
        name="classes",
        marker={"color": [theme.class_color(int(k)) for k in order]},
        customdata=result.active[order],
        hovertemplate="%{x}: %{y:.2f} times, %{customdata:,} samples<extra></extra>",
    )


def _pictures(made: go.Figure, result: InteractionFeature) -> go.Figure:
    """All pictures in one heat map, with a line of nothing between them."""
    count, height, width = result.pictures.shape
    columns = min(COLUMNS, count)
    rows = -(-count // columns)
    sheet = np.full((rows * (height + 1) - 1, columns * (width + 1) - 1), np.nan)
    words = np.full(sheet.shape, "", object)
    for k, picture in enumerate(result.pictures):
        top, left = (k // columns) * (height + 1), (k % columns) * (width + 1)
        place = (slice(top, top + height), slice(left, left + width))
        sheet[place], words[place] = picture, _words(result, k)
    hover = "%{hovertext}<extra></extra>"
    look = {"colorscale": theme.SEQUENTIAL, "showscale": False, "zmin": 0, "zmax": 1}
    made.add_trace(go.Heatmap(z=sheet, hovertext=words, hovertemplate=hover, **look), 2, 1)
    axis = {"showticklabels": False, "ticks": "", "showgrid": False, "zeroline": False, "row": 2, "col": 1}
    made.update_xaxes(title_text=f"the {plural(count, 'sample')} on which it is strongest", **axis)
    return made.update_yaxes(autorange="reversed", scaleanchor="x3", **axis)


def _strengths(made: go.Figure, result: InteractionFeature) -> go.Figure:
    made.add_trace(
        go.Bar(
            x=[str(k + 1) for k in range(result.n)],
            y=result.strength,
            name="strength",
            marker={"color": theme.AGREEMENT.color},
            hovertext=[_words(result, k) for k in range(result.n)],
            hovertemplate="%{hovertext}<extra></extra>",
        ),
        2,
        1,
    )
    made.update_xaxes(title_text=f"the {plural(result.n, 'sample')} on which it is strongest", row=2, col=1)
    return made.update_yaxes(title_text="strength", row=2, col=1)


def _words(result: InteractionFeature, k: int) -> str:
    of = int(result.top_labels[k])
    name = f", {label(result.class_names[of])}" if of >= 0 and result.class_names else ""
    return f"sample {int(result.top_ids[k])}{name}: {number(result.strength[k])} standard deviations"
