"""Maps of samples that are no images: bars per column, lines over time, arrows in the plane."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from workbench.diagnostics.attribution.measure import Attribution
from workbench.drawing import theme
from workbench.drawing.text import label, sentence

MOST_COLUMNS = 12
ROW, REST = 170, 130
ARROW = 0.12  # of the picture, for the longest arrow of a party


def columns(result: Attribution, rows: Sequence[int]) -> go.Figure:
    """A pair of bars per column and sample; of many columns those with the largest attributions."""
    flat = result.maps.reshape(len(result.parties), result.n, -1)
    kept = np.sort(np.argsort(-np.abs(flat[:, list(rows)]).sum((0, 1)), kind="stable")[:MOST_COLUMNS])
    names = [label(result.columns[k], 12) if result.columns else f"x{k + 1}" for k in kept]
    values = result.inputs.reshape(result.n, -1)
    made = _stacked(result, rows)
    for r, row in enumerate(rows, 1):
        for p, party in enumerate(result.parties):
            made.add_trace(
                go.Bar(
                    x=names,
                    y=flat[p, row, kept],
                    name=party,
                    legendgroup=party,
                    showlegend=r == 1,
                    marker={"color": theme.style(party).color},
                    customdata=values[row, kept],
                    hovertemplate=f"%{{x}} = %{{customdata:.3g}}: %{{y:.3g}}<extra>{party}</extra>",
                ),
                r,
                1,
            )
        made.update_yaxes(title_text=_name(result, row), row=r, col=1)
    made.update_xaxes(title_text="column", type="category", row=len(rows), col=1)
    return made.update_layout(barmode="group", bargap=0.25, bargroupgap=0)


def series(result: Attribution, rows: Sequence[int]) -> go.Figure:
    """The sample as a grey line, and over it the attributions of each party, scaled to their own largest size."""
    made = _stacked(result, rows)
    for r, row in enumerate(rows, 1):
        signal = result.inputs[row].reshape(-1, result.maps.shape[-1]).mean(0)
        centred = signal - signal.mean()
        made.add_trace(_line(_unit(centred), "sample", theme.line("other"), first=r == 1, actual=signal), r, 1)
        for p, party in enumerate(result.parties):
            shown = result.maps[p, row].reshape(-1, result.maps.shape[-1]).sum(0)
            made.add_trace(_line(_unit(shown), party, theme.line(party), first=r == 1, actual=shown), r, 1)
        made.update_yaxes(title_text=_name(result, row), range=[-1.1, 1.1], nticks=3, row=r, col=1)
    return made.update_xaxes(title_text="place in the series", row=len(rows), col=1)


def points(result: Attribution, rows: Sequence[int]) -> go.Figure:
    """Every sample in the plane with an arrow along its attribution, one picture per party."""
    made = theme.canvas(_title(result), 360, margin_t=64)
    titles = [label(party) for party in result.parties]
    make_subplots(1, len(titles), shared_yaxes=True, horizontal_spacing=0.03, subplot_titles=titles, figure=made)
    places = result.inputs.reshape(result.n, -1)[list(rows)]
    room = ARROW * float(np.ptp(places, axis=0).max() or 1.0)
    for p, party in enumerate(result.parties, 1):
        found = result.maps[p - 1, list(rows)].reshape(len(rows), -1)
        ends = places + found * (room / float(np.linalg.norm(found, axis=1).max() or 1.0))
        gap = np.full(len(rows), np.nan)
        made.add_trace(
            go.Scatter(
                x=np.stack([places[:, 0], ends[:, 0], gap], 1).ravel(),
                y=np.stack([places[:, 1], ends[:, 1], gap], 1).ravel(),
                mode="lines",
                name=party,
                line=theme.line(party) | {"dash": "solid", "width": 1.5},
                showlegend=False,
                hoverinfo="skip",
            ),
            1,
            p,
        )
        made.add_trace(_dots(result, rows, places, found, party), 1, p)
    made.update_xaxes(title_text="first input", nticks=5, zeroline=False)
    return made.update_yaxes(title_text="second input", col=1).update_yaxes(zeroline=False)


def _dots(result: Attribution, rows: Sequence[int], places: np.ndarray, found: np.ndarray, party: str) -> go.Scatter:
    labels = result.labels[list(rows)]
    names = [label(result.class_names[k], 14) for k in labels]
    return go.Scatter(
        x=places[:, 0],
        y=places[:, 1],
        mode="markers",
        showlegend=False,
        marker={"color": [theme.class_color(int(k)) for k in labels], "size": 5},
        customdata=[[name, *pair] for name, pair in zip(names, found.tolist(), strict=True)],
        hovertemplate=f"%{{customdata[0]}}: %{{customdata[1]:.3g}}, %{{customdata[2]:.3g}}<extra>{party}</extra>",
    )


def _stacked(result: Attribution, rows: Sequence[int]) -> go.Figure:
    made = theme.canvas(_title(result), REST + ROW * len(rows), margin_b=80)
    return make_subplots(len(rows), 1, shared_xaxes=True, vertical_spacing=0.25 / (2 + len(rows)), figure=made)


def _line(values: np.ndarray, name: str, look: dict, *, first: bool, actual: np.ndarray) -> go.Scatter:
    return go.Scatter(
        x=np.arange(len(values)),
        y=values,
        mode="lines",
        name=name,
        legendgroup=name,
        showlegend=first,
        line=look,
        customdata=actual,
        hovertemplate=f"%{{x}}: %{{customdata:.3g}}<extra>{name}</extra>",
    )


def _unit(values: np.ndarray) -> np.ndarray:
    return values / (float(np.abs(values).max()) or 1.0)


def _title(result: Attribution) -> str:
    return f"{sentence(result.plan['score'])} by {sentence(result.plan['attributor'])}"


def _name(result: Attribution, row: int) -> str:
    names = result.class_names
    return f"{label(names[result.labels[row]], 12)},<br>then {label(names[result.dark[row]], 12)}"
