"""Measures group by group: a dot with its interval for each, over the mean of all, and how many samples it stands for."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from workbench.diagnostics.agreement.strata import SHARES, Strata
from workbench.figures import theme
from workbench.figures.dots import standing
from workbench.figures.text import label, sentence

MOST_NAMES = 24
TITLES = {
    "class": "label",
    "confidence": "how sure the teacher is",
    "difficulty": "how hard the sample is (1 - probability of its label)",
}


def figure(result: Strata, measure: str | None = None) -> go.Figure:
    """The shares together, or one measure alone.

    Args:
        result: what was measured.
        measure: to show alone; all shares by default, or the first measure where there are none.

    Raises:
        KeyError: it was not measured; the message lists what was.
    """
    if measure not in (None, *result.measures):
        raise KeyError(f"no measure {measure!r}; there are {', '.join(result.measures)}")
    shown = [name for name in result.measures if name in SHARES] if measure is None else [measure]
    shown = shown or list(result.measures[:1])
    made = theme.canvas(height=460, margin_t=16)
    make_subplots(2, 1, row_heights=[0.74, 0.26], vertical_spacing=0.06, shared_xaxes=True, figure=made)
    for place, name in enumerate(shown):
        made.add_trace(_dots(result, name, _offset(place, len(shown))), 1, 1)
        overall = float(result.overall[result.measures.index(name)])
        made.add_hline(overall, line=theme.line(_party(name)) | {"width": 1}, layer="below", row=1, col=1)
    made.add_trace(_counts(result), 2, 1)
    _axes(made, result, shown)
    return made


def _dots(result: Strata, name: str, offset: float) -> go.Scatter:
    at = result.measures.index(name)
    table = [values[at] for values in (result.means, result.lows, result.highs)]
    places = np.arange(len(result.groups)) + offset
    return standing(places, table, sentence(name), theme.marker(_party(name)), lines=False)


def _counts(result: Strata) -> go.Bar:
    return go.Bar(
        x=np.arange(len(result.groups)),
        y=result.counts,
        name="samples",
        showlegend=False,
        marker_color=theme.OTHER.color,
        customdata=[label(name) for name in result.groups],
        hovertemplate="%{customdata}: %{y:,} samples<extra></extra>",
    )


def _axes(made: go.Figure, result: Strata, shown: list[str]) -> None:
    every = -(-len(result.groups) // MOST_NAMES)
    places = list(range(0, len(result.groups), every))
    names = [label(result.groups[k], 14) for k in places]
    angle = 0 if max(map(len, names)) <= 3 else -45
    made.update_xaxes(tickvals=places, ticktext=names, tickangle=angle, showgrid=False, zeroline=False)
    made.update_xaxes(title_text=TITLES.get(result.by, sentence(result.by)), row=2, col=1)
    made.update_xaxes(showticklabels=False, row=1, col=1)
    made.update_yaxes(title_text="samples", nticks=4, row=2, col=1)
    if set(shown) <= set(SHARES):
        title = sentence(shown[0]) if len(shown) == 1 else "share of the group"
        made.update_yaxes(title_text=title, tickformat=".0%", range=[-0.03, 1.03], row=1, col=1)
        return
    softened = f"<br>at temperature {result.temperature:g}"
    made.update_yaxes(title_text=sentence(shown[0]) + softened, rangemode="tozero", row=1, col=1)


def _offset(place: int, count: int) -> float:
    return 0.36 * ((place + 0.5) / count - 0.5)


def _party(name: str) -> str:
    return {"student_accuracy": "student", "teacher_accuracy": "teacher"}.get(name, "agreement")
