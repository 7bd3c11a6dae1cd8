"""Which concepts move the score: sign counts by party with intervals, against random pairs."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from workbench.diagnostics.attribution.concepts import Concepts
from workbench.figures import theme
from workbench.figures.dots import interval_bars
from workbench.figures.text import label, sentence

SURE = 0.05


def figure(result: Concepts) -> go.Figure:
    """A bar per concept and party; a star where it differs from random pairs; the band is what random pairs reach."""
    height = 130 + (16 + 22 * len(result.parties)) * len(result.names)
    made = theme.canvas(f"Concepts and {sentence(result.plan['score'])}", height, barmode="group", bargap=0.3)
    low, high = np.quantile(result.null, [0.05, 0.95])
    made.add_vrect(float(low), float(high), fillcolor=theme.GRID, line_width=0, layer="below")
    made.add_vline(0.5, line={"color": theme.LINE, "width": 1, "dash": "dot"})
    for p, party in enumerate(result.parties):
        made.add_trace(_bars(result, p, party))
    made.update_xaxes(
        title_text="share of samples whose score the concept raises (grey: random pairs)",
        tickformat=".0%",
        range=[0, 1.12],
        tickvals=[0, 0.25, 0.5, 0.75, 1],
    )
    names = [label(name, 24) for name in result.names]
    ticks = {"tickvals": list(range(len(names))), "ticktext": names}
    return made.update_yaxes(autorange="reversed", showgrid=False, **ticks)


def _bars(result: Concepts, p: int, party: str) -> go.Bar:
    found = [result.numbers[party][name] for name in result.names]
    starred = ["*" if value < SURE else "" for value in result.p_values[p]]
    about = [
        [label(name), size, p_value, accuracy, magnitude]
        for name, size, p_value, accuracy, magnitude in zip(
            result.names,
            result.sizes.tolist(),
            result.p_values[p].tolist(),
            result.accuracies[p].mean(1).tolist(),
            result.magnitudes[p].mean(1).tolist(),
            strict=True,
        )
    ]
    return go.Bar(
        x=[i.mean for i in found],
        y=list(range(len(found))),
        orientation="h",
        name=label(party),
        marker={"color": theme.style(party).color},
        error_x=interval_bars(found) | {"thickness": 1.5, "width": 3},
        text=starred,
        textposition="inside",
        insidetextanchor="start",
        textangle=0,
        textfont={"color": theme.HOVER_TEXT, "size": theme.TITLE_SIZE},
        customdata=about,
        hovertemplate="%{customdata[0]} (%{customdata[1]} samples): %{x:.0%}, p %{customdata[2]:.2g}, "
        "magnitude %{customdata[4]:.2g}, told apart %{customdata[3]:.0%}"
        f"<extra>{label(party)}</extra>",
    )
