"""Measures group by group: a dot with its interval for each, over the mean of all, and how many samples it stands for."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go

from workbench.diagnostics.strata.measure import Strata
from workbench.diagnostics.strata.measure_samples import HARD, SHARES
from workbench.drawing import theme
from workbench.drawing.dots import named, standing
from workbench.drawing.text import label, sentence

MOST_NAMES = 24
ABOVE, BELOW = 0.7, 0.24  # shares of the height
TITLES = {
    "class": "label",
    "confidence": "how sure the teacher is",
    "difficulty": "how hard the sample is (1 - probability of its label)",
}

WORDS = {
    "student_only": "only the student is right",
    "teacher_only": "only the teacher is right",
    "non_target": "same best class beside the label",
    "top_k": "first classes (up to five) in common",
    "kendall": "order of the classes (tau)",
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
    made = theme.canvas(height=460, margin_t=16, **_axes(result, shown), shapes=[_mean(result, name) for name in shown])
    dots = [_dots(result, name, _offset(place, len(shown))) for place, name in enumerate(shown)]
    return made.add_traces([*dots, _counts(result)])


def _mean(result: Strata, name: str) -> dict[str, Any]:
    """A line at the mean over all samples."""
    overall = float(result.overall[result.measures.index(name)])
    ends = {"type": "line", "xref": "x domain", "x0": 0, "x1": 1, "yref": "y", "y0": overall, "y1": overall}
    return {**ends, "line": theme.line(_party(name)) | {"width": 1}, "layer": "below"}


def _dots(result: Strata, name: str, offset: float) -> go.Scatter:
    at = result.measures.index(name)
    table = [values[at] for values in (result.means, result.lows, result.highs)]
    places = np.arange(len(result.groups)) + offset
    return standing(places, table, sentence(name), theme.marker(_party(name)), lines=False, names=_groups(result))


def _groups(result: Strata) -> list[dict[str, int]]:
    return [{"group": place} for place in range(len(result.groups))]


def _counts(result: Strata) -> go.Bar:
    return go.Bar(
        x=np.arange(len(result.groups)),
        y=result.counts,
        xaxis="x2",
        yaxis="y2",
        name="samples",
        showlegend=False,
        marker_color=theme.OTHER.color,
        customdata=named([label(name) for name in result.groups], _groups(result)),
        hovertemplate="%{customdata.text}: %{y:,} samples<extra></extra>",
    )


def _axes(result: Strata, shown: list[str]) -> dict[str, dict[str, Any]]:
    """The measures above, the numbers of samples below them; one scale of groups for both."""
    every = -(-len(result.groups) // MOST_NAMES)
    places = list(range(0, len(result.groups), every))
    names = [label(result.groups[k], 14) for k in places]
    angle = 0 if max(map(len, names)) <= 3 else -45
    groups = {"tickvals": places, "ticktext": names, "tickangle": angle, "showgrid": False, "zeroline": False}
    title = {"text": TITLES.get(result.by, sentence(result.by))}
    return {
        "xaxis": {**groups, "anchor": "y", "matches": "x2", "showticklabels": False},
        "xaxis2": {**groups, "anchor": "y2", "title": title},
        "yaxis": {**_scale(result, shown), "domain": [1 - ABOVE, 1]},
        "yaxis2": {"title": {"text": "samples"}, "nticks": 4, "anchor": "x2", "domain": [0, BELOW]},
    }


def _scale(result: Strata, shown: list[str]) -> dict[str, Any]:
    """Shares of models run over the whole range; what is rare or unbounded from zero up."""
    if set(shown) <= set(SHARES):
        title = sentence(shown[0]) if len(shown) == 1 else "share of the group"
        return {"title": {"text": title}, "tickformat": ".0%", "range": [-0.03, 1.03]}
    name = shown[0]
    if name in HARD:
        form = {} if name == "kendall" else {"tickformat": ".0%"}
        return {"title": {"text": WORDS[name]}, "rangemode": "tozero", **form}
    return {"title": {"text": f"{sentence(name)}<br>at temperature {result.temperature:g}"}, "rangemode": "tozero"}


def _offset(place: int, count: int) -> float:
    return 0.36 * ((place + 0.5) / count - 0.5)


def _party(name: str) -> str:
    return {"student_accuracy": "student", "teacher_accuracy": "teacher"}.get(name, "agreement")
