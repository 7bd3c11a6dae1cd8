"""What every arm of a study reached: a dot per seed, the mean with its interval, and the verdict beside it."""

from __future__ import annotations

import math

import plotly.graph_objects as go

from workbench.drawing import theme
from workbench.drawing.dots import interval_bars
from workbench.drawing.text import escaped, label, with_unit
from workbench.records.arm import Arm
from workbench.records.study import Study
from workbench.records.wording import number, signed

ROW, REST = 38, 130
ABOVE, BELOW = 0.12, 0.2
REACH, ROOM = 0.5, 0.05
ROLES = {"method": theme.STUDENT, "labels_only": theme.CONTROL}


def figure(study: Study) -> go.Figure:
    """Arms from top to bottom, the control first; its mean goes through all rows, with the smallest effect around it.

    The teacher's line is drawn where the arms' scores reach it: it does not widen the axis. An interval widens it up to
    ``REACH`` times the span of the scores on either side; one that goes on, as those of two seeds do, ends in an arrow.
    """
    arms = list(study.arms.values())
    made = theme.canvas(height=REST + ROW * max(len(arms), 1), margin_t=16)
    rows = list(range(len(arms)))
    axis = {"tickvals": rows, "range": [len(arms) - 0.5, -0.5], "showgrid": False, "zeroline": False}
    verdicts = {"overlaying": "y", "side": "right", "ticktext": [_verdict(study, arm) for arm in arms], "ticks": ""}
    made.update_layout(yaxis=axis | {"ticktext": [label(_row(arm), 22) for arm in arms]}, yaxis2=axis | verdicts)
    span = _span(study)
    made.update_xaxes(title_text=_axis_title(study), zeroline=False, range=span)
    made.add_traces([_seeds(arms), _means(study, arms), *_cut(arms, span)])
    _lines(made, study)
    return made


def _axis_title(study: Study) -> str:
    teacher = "" if math.isnan(study.teacher) else f"; teacher {number(study.teacher)}"
    return f"{label(study.setting['name'], 14)}: test {with_unit(study.score)}{teacher}"


def _row(arm: Arm) -> str:
    """A permuted control stands below its method, so its row does not repeat the name."""
    return arm.role.replace("_", " ") if arm.role.startswith("permuted") else arm.name


def _verdict(study: Study, arm: Arm) -> str:
    if arm.name == study.control:
        return "control"
    found = study.comparisons.get(arm.name)
    return f"{found.verdict}<br>{signed(found.difference)}" if found else ""


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


def _means(study: Study, arms: list[Arm]) -> go.Scatter:
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
        customdata=[[label(arm.name), str(interval), _sentence(study, arm)] for _, arm, interval in found],
        hovertemplate="%{customdata[0]}: %{customdata[1]}%{customdata[2]}<extra></extra>",
    )


def _sentence(study: Study, arm: Arm) -> str:
    found = study.comparisons.get(arm.name)
    return "" if found is None else f"<br>{escaped(found.sentence)}"


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


def _span(study: Study) -> list[float] | None:
    """From the lowest score to the highest with the band around the control, and the intervals as far as they may reach."""
    scores = [outcome.last for arm in study.arms.values() for outcome in arm.outcomes]
    intervals = [(arm, arm.interval) for arm in study.arms.values() if arm.interval is not None]
    for arm, interval in intervals:
        reach = study.smallest_effect if arm.name == study.control else 0.0
        scores += [interval.mean - reach, interval.mean + reach]
    scores = [score for score in scores if not math.isnan(score)]
    if not scores:
        return None
    low, high = min(scores), max(scores)
    most = REACH * (high - low)
    low = min([low, *(max(i.low, low - most) for _, i in intervals if not math.isnan(i.low))])
    high = max([high, *(min(i.high, high + most) for _, i in intervals if not math.isnan(i.high))])
    room = ROOM * (high - low) or 1.0
    return [low - room, high + room]


def _cut(arms: list[Arm], span: list[float] | None) -> list[go.Scatter]:
    """An arrow at the edge of the axis for every interval that goes on beyond it."""
    if span is None:
        return []
    found = [(row, arm, arm.interval) for row, arm in enumerate(arms) if arm.interval is not None]
    ends = [(span[0], "triangle-left", each) for each in found if each[2].low < span[0]]
    ends += [(span[1], "triangle-right", each) for each in found if each[2].high > span[1]]
    arrows = go.Scatter(
        x=[edge for edge, _, _ in ends],
        y=[row - ABOVE for _, _, (row, _, _) in ends],
        yaxis="y2",
        mode="markers",
        name="interval goes on beyond the axis",
        marker={"color": theme.LINE, "symbol": [symbol for _, symbol, _ in ends], "size": 11},
        cliponaxis=False,
        customdata=[[label(arm.name), str(interval)] for _, _, (_, arm, interval) in ends],
        hovertemplate="%{customdata[0]}: %{customdata[1]}<extra></extra>",
    )
    return [arrows] if ends else []
