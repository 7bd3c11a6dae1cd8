"""Which concepts move the score: sign counts by party with intervals, against random concepts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from workbench.diagnostics.concepts.measure import Concepts
from workbench.drawing import theme
from workbench.drawing.dots import interval_bars
from workbench.drawing.text import label, sentence


def figure(result: Concepts, *, party: str | None = None, names: Sequence[str] | None = None) -> go.Figure:
    """A bar per concept and party; a star where it moves the score; the band is what random concepts reach.

    Args:
        result: how concepts move a score.
        party: the only one shown; all of them if None.
        names: the concepts shown; all of them if None.

    Raises:
        ValueError: there is no such party or concept.
    """
    parties = _places("party", result.parties, None if party is None else [party])
    rows = _places("concept", result.names, names)
    height = 130 + max(80, (16 + 22 * len(parties)) * len(rows))
    made = theme.canvas(
        f"Concepts and {sentence(result.plan['score'])}", height, barmode="group", bargap=0.3, showlegend=True
    )
    low, high = np.quantile(result.null[np.ix_(parties, rows)], [0.025, 0.975])
    made.add_vrect(float(low), float(high), fillcolor=theme.GRID, line_width=0, layer="below")
    made.add_vline(0.5, line={"color": theme.LINE, "width": 1, "dash": "dot"})
    for p in parties:
        made.add_trace(_bars(result, p, rows))
    made.update_xaxes(
        title_text="share of samples whose score the concept raises (grey: 95 % of random concepts)",
        tickformat=".0%",
        range=[0, 1.12],
        tickvals=[0, 0.25, 0.5, 0.75, 1],
    )
    ticks = {"tickvals": list(range(len(rows))), "ticktext": [label(result.names[k], 24) for k in rows]}
    return made.update_yaxes(range=[len(rows) - 0.5, -0.5], showgrid=False, zeroline=False, **ticks)


def _places(kind: str, known: Sequence[str], wanted: Sequence[str] | None) -> list[int]:
    if missing := [name for name in wanted or () if name not in known]:
        raise ValueError(f"no {kind} {missing[0]!r}; there are {', '.join(known)}")
    return [known.index(name) for name in wanted or known]


def _bars(result: Concepts, p: int, rows: Sequence[int]) -> go.Bar:
    party = result.parties[p]
    found = [result.numbers[party][result.names[k]] for k in rows]
    about = [
        [
            label(result.names[k]),
            int(result.sizes[k]),
            float(result.p_adjusted[p, k]),
            float(result.accuracies[p, k].mean()),
            float(result.magnitudes[p, k].mean()),
        ]
        for k in rows
    ]
    return go.Bar(
        x=[i.mean for i in found],
        y=list(range(len(found))),
        orientation="h",
        name=label(party),
        marker={"color": theme.style(party).color},
        error_x=interval_bars(found) | {"thickness": 1.5, "width": 3, "color": theme.TEXT},
        text=["*" if result.moves[p, k] else "" for k in rows],
        textposition="inside",
        insidetextanchor="start",
        textangle=0,
        textfont={"color": theme.HOVER_TEXT, "size": theme.TITLE_SIZE},
        customdata=about,
        hovertemplate="%{customdata[0]} (%{customdata[1]} samples): %{x:.0%}, p %{customdata[2]:.2g}, "
        "magnitude %{customdata[4]:.2g}, told apart %{customdata[3]:.0%}"
        f"<extra>{label(party)}</extra>",
    )
