"""What every arm of a study reached: a dot per seed, the mean with its interval, and the verdict beside it."""

from __future__ import annotations

import math

import plotly.graph_objects as go

from workbench.figures import theme
from workbench.figures.dots import interval_bars
from workbench.figures.text import label, with_unit
from workbench.records.arm import Arm
from workbench.records.study import Study

ROW, REST = 38, 130
ABOVE, BELOW = 0.12, 0.2
ROLES = {"method": theme.STUDENT, "labels_only": theme.CONTROL}


def figure(study: Study) -> go.Figure:
    """Arms from top to bottom, the control first; its mean goes through all rows, with the smallest effect around it.

    The teacher's line is drawn where the arms' scores reach it: it does not widen the axis.
    """
    arms = list(study.arms.values())
    made = theme.canvas(height=REST + ROW * max(len(arms), 1), margin_t=16)
    rows = list(range(len(arms)))
    axis = {"tickvals": rows, "range": [len(arms) - 0.5, -0.5], "showgrid": False, "zeroline": False}
    verdicts = {"overlaying": "y", "side": "right", "ticktext": [_verdict(study, arm) for arm in arms], "ticks": ""}
    made.update_layout(yaxis=axis | {"ticktext": [label(arm.name, 22) for arm in arms]}, yaxis2=axis | verdicts)
    made.update_xaxes(title_text=_axis_title(study), zeroline=False, range=_range(study))
    made.add_traces([_seeds(arms), _means(arms)])
    _lines(made, study)
    return made


def _axis_title(study: Study) -> str:
    teacher = "" if math.isnan(study.teacher) else f"; teacher {study.teacher:.4g}"
    return f"{label(study.setting['name'], 14)}: test {with_unit(study.score)}{teacher}"


def _verdict(study: Study, arm: Arm) -> str:
    if arm.name == study.control:
        return "control"
    found = study.comparisons.get(arm.name)
    return f"{found.verdict}<br>{found.difference:+.2f}" if found else ""


def _seeds(arms: list[Arm]) -> go.Scatter:
    dots = [(row, arm, outcome) for row, arm in enumerate(arms) for outcome in arm.outcomes]
    return go.Scatter(
        x=[outcome.last for _, _, outcome in dots],
        y=[row + BELOW for row, _, _ in dots],
        mode="markers",
        name="one seed",
        marker={
            "color": [_style(arm).color for _, arm, _ in dots],
            "symbol": "circle-open",
            "size": 6,
            "line": {"width": 1.5},
        },
        customdata=[[label(arm.name), outcome.seed] for _, arm, outcome in dots],
        hovertemplate="%{customdata[0]}, seed %{customdata[1]}: %{x:.2f}<extra></extra>",
    )


def _means(arms: list[Arm]) -> go.Scatter:
    found = [(row, arm, arm.interval) for row, arm in enumerate(arms) if arm.interval is not None]
    styles = [_style(arm) for _, arm, _ in found]
    return go.Scatter(
        x=[interval.mean for _, _, interval in found],
        y=[row - ABOVE for row, _, _ in found],
        yaxis="y2",
        mode="markers",
        name="mean and 95 % interval",
        marker={"color": [s.color for s in styles], "symbol": [s.symbol for s in styles], "size": 9},
        error_x=interval_bars([interval for _, _, interval in found]),
        customdata=[[label(arm.name), str(interval)] for _, arm, interval in found],
        hovertemplate="%{customdata[0]}: %{customdata[1]}<extra></extra>",
    )


def _lines(made: go.Figure, study: Study) -> None:
    """The control's mean, the band that is too small to matter, and the teacher."""
    control = study.arms[study.control].interval if study.control in study.arms else None
    if control is not None:
        band = f"within {study.smallest_effect:g} of the control"
        ends = {"x0": control.mean - study.smallest_effect, "x1": control.mean + study.smallest_effect}
        made.add_vrect(**ends, fillcolor=theme.GRID, line_width=0, layer="below", name=band, showlegend=True)
        made.add_vline(control.mean, line=theme.line("control"), layer="below")
    if not math.isnan(study.teacher):
        made.add_vline(study.teacher, line=theme.line("teacher"), layer="below")


def _style(arm: Arm) -> theme.Style:
    return ROLES.get(arm.role, theme.OTHER)


def _range(study: Study) -> list[float] | None:
    """From the lowest score to the highest, with the band around the control; lines alone would widen the axis."""
    ends = [outcome.last for arm in study.arms.values() for outcome in arm.outcomes]
    for arm in study.arms.values():
        if arm.interval is not None:
            reach = study.smallest_effect if arm.name == study.control else 0.0
            around = (arm.interval.mean - reach, arm.interval.mean + reach)
            ends += [end for end in (*around, arm.interval.low, arm.interval.high) if not math.isnan(end)]
    if not ends:
        return None
    room = 0.05 * (max(ends) - min(ends)) or 1.0
    return [min(ends) - room, max(ends) + room]
