"""How often student and reference students follow the teacher, where it is wrong and where it is right."""

from __future__ import annotations

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from workbench.diagnostics.inherited_errors.measure import STUDENT, InheritedErrors
from workbench.drawing import theme
from workbench.drawing.dots import lying
from workbench.drawing.text import label

SHARES = {"when_right": "teacher right", "when_wrong": "teacher wrong", "same_error": "both wrong"}
GAINS = {"gain_right": "where it is right", "gain_wrong": "where it is wrong", "asymmetry": "difference"}
SPREAD, ROW, REST = 0.62, 26, 210


def figure(result: InheritedErrors) -> go.Figure:
    """Shares of the teacher's class with a dot per model; below, what the student follows more than each reference."""
    rows = len(result.models)
    height = REST + ROW * rows * (2 if rows > 1 else 1) * len(SHARES) // 2
    made = theme.canvas(height=max(height, 320), margin_t=16)
    panels = 2 if rows > 1 else 1
    heights = [0.58, 0.42] if panels == 2 else [1.0]
    make_subplots(panels, 1, row_heights=heights, vertical_spacing=76 / made.layout.height, figure=made)
    for place, model in enumerate(result.models):
        found = [getattr(result, name)[model] for name in SHARES]
        heights = [row + _offset(place, rows) for row in range(len(SHARES))]
        names = [{"model": place, "number": number} for number in SHARES]
        made.add_trace(lying(found, heights, label(model, 22), _party(model, place), percent=True, names=names), 1, 1)
    made.add_trace(_chance(result), 1, 1)
    made.update_xaxes(title_text="picks the teacher's class", tickformat=".0%", range=[-0.03, 1.03], row=1, col=1)
    _names(made, list(SHARES.values()), 1)
    for place, reference in enumerate(result.models[1:], start=1):
        found = [getattr(result, name)[reference] for name in GAINS]
        heights = [row + _offset(place - 1, rows - 1) for row in range(len(GAINS))]
        name, party = f"over {label(reference, 22)}", _party(reference, place)
        names = [{"unlike": place, "number": number} for number in GAINS]
        made.add_trace(lying(found, heights, name, party, percent=True, names=names, showlegend=False), 2, 1)
    if panels == 2:
        made.add_vline(0, line={"color": theme.LINE, "width": 1}, layer="below", row=2, col=1)
        title = "student follows the teacher more than the reference does"
        made.update_xaxes(title_text=title, tickformat="+.0%", zeroline=False, row=2, col=1)
        _names(made, list(GAINS.values()), 2)
    return made


def _chance(result: InheritedErrors) -> go.Scatter:
    """What the same error would be by chance, for each model."""
    models, row = result.models, list(SHARES).index("same_error")
    return go.Scatter(
        x=[result.chance[model] for model in models],
        y=[row + _offset(place, len(models)) for place in range(len(models))],
        mode="markers",
        name="by chance",
        marker={"symbol": "line-ns-open", "color": theme.OTHER.color, "size": 12, "line": {"width": 2}},
        customdata=[label(model) for model in models],
        hovertemplate="%{customdata}: %{x:.1%} if errors did not depend on each other<extra></extra>",
    )


def _names(made: go.Figure, names: list[str], row: int) -> None:
    axis = {"tickvals": list(range(len(names))), "ticktext": names, "range": [len(names) - 0.5, -0.5]}
    made.update_yaxes(showgrid=False, zeroline=False, row=row, col=1, **axis)


def _offset(place: int, count: int) -> float:
    return SPREAD * ((place + 0.5) / count - 0.5)


def _party(model: str, place: int) -> str:
    return STUDENT if model == STUDENT else ("control", "agreement", "other")[(place - 1) % 3]
