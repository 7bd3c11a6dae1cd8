"""What the estimators say of the divergence, each with its floor and the side on which it errs."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from workbench.diagnostics.divergence.figure_note import ROOM, note
from workbench.diagnostics.divergence.measure import Divergence
from workbench.drawing import theme
from workbench.drawing.dots import error_bars
from workbench.drawing.text import escaped

ROW, REST = 54, 130
SHORT = {
    "pred_seed": "probabilities, seeds averaged<br><i>no certain side</i>",
    "pred_pairs": "probabilities, pair by pair<br><i>above the one with seeds averaged</i>",
    "func_gauss": "Gaussians over functions<br><i>no certain side</i>",
    "param_isotropic": "Gaussians over weights<br><i>of a width we choose</i>",
    "param_swag": "last training steps<br><i>no certain side</i>",
    "param_sgld": "Langevin chains of the weights<br><i>no certain side</i>",
    "param_laplace": "last layer, Laplace<br><i>of a prior we choose</i>",
    "linear_exact": "linear readouts of the inputs<br><i>exact for these alone</i>",
}


def figure(result: Divergence) -> go.Figure:
    """A row for each estimator: students against teachers, and the floor: groups of one party that are as large.

    Debiased estimates stand where they were before the floor was taken off, so that the two can be compared.
    """
    names = [name for name, value in result.values.items() if value.mean + _taken_off(result, name) > 0]
    rows = list(range(len(names)))
    axes = {
        "xaxis": {"title": {"text": "nats"}, **theme.LOG_AXIS},
        "yaxis": {
            "tickvals": rows,
            "ticktext": [SHORT.get(name, escaped(name)) for name in names],
            "range": [len(names) - 0.4, -0.6],
            "showgrid": False,
            "zeroline": False,
        },
    }
    made = theme.canvas(height=REST + ROW * max(len(names), 1), margin_t=ROOM, **axes)
    made.add_traces([_floors(result, names), _values(result, names)])
    return note(made, result.provenance)


def _values(result: Divergence, names: list[str]) -> go.Scatter:
    """An interval that reaches below zero ends at a hundredth of the estimate, where a logarithmic axis can show it."""
    found = [result.values[name] for name in names]
    moved = [_taken_off(result, name) for name in names]
    means = [each.mean + by for each, by in zip(found, moved, strict=True)]
    lows = [max(each.low + by, 0.01 * mean) for each, by, mean in zip(found, moved, means, strict=True)]
    bars = error_bars(means, lows, [each.high + by for each, by in zip(found, moved, strict=True)])
    return go.Scatter(
        x=means,
        y=list(range(len(names))),
        mode="markers",
        name="students against teachers",
        marker=theme.marker("student", 9),
        error_x=bars | {"color": theme.STUDENT.color, "thickness": 1.5, "width": 4},
        customdata=[[str(each), result.sides[name]] for name, each in zip(names, found, strict=True)],
        hovertemplate="%{customdata[0]} nats<br>%{customdata[1]}<extra></extra>",
    )


def _taken_off(result: Divergence, name: str) -> float:
    """The floor of an estimate that is debiased."""
    return float(np.nan_to_num(result.floors[name])) if "same_size" in result.parts[name] else 0.0


def _floors(result: Divergence, names: list[str]) -> go.Scatter:
    known = [(row, result.floors[name]) for row, name in enumerate(names) if result.floors[name] > 0]
    return go.Scatter(
        x=[floor for _, floor in known],
        y=[row for row, _ in known],
        mode="markers",
        name="groups of one party (floor)",
        marker=theme.marker("teacher", 9),
        hovertemplate="floor %{x:.3g} nats<extra></extra>",
    )
